// Every number that a client can run into, in one place. Sizes in bytes unless the name says otherwise.

const MIB = 1024 * 1024;

/** Sessions live between five minutes and what the plan allows. */
export const TTL_SECONDS = { min: 300, default: 86_400 } as const;
/** `metadata`, counted as JSON text. */
export const METADATA_BYTES = 16 * 1024;
/** Of one session: `tags`, and the characters of each and of `description`. */
export const TAGS = { most: 50, characters: 64 } as const;
export const DESCRIPTION_CHARACTERS = 1000;
/** `q` of a list of sessions. */
export const SESSION_QUERY_CHARACTERS = 1000;
/** Kept per stream in an execute answer; past it `truncated` is true. */
export const ANSWER_OUTPUT_BYTES = MIB;
/** Kept per execution in its record, both streams together. */
export const RECORD_OUTPUT_BYTES = 16 * MIB;
/** Finished executions kept per session, newest first, and the output bytes they may hold together. */
export const RECORDS_KEPT = 1000;
export const RECORDS_OUTPUT_BYTES = 128 * MIB;
/** Of output in one page; the next one goes on after it. */
export const OUTPUT_PAGE_BYTES = MIB;
/** `code` or `command` of one execute. */
export const SOURCE_BYTES = 4 * MIB;
export const STDIN_BYTES = 4 * MIB;
export const ENV_VARIABLES = 100;
export const ENV_VALUE_BYTES = 32 * 1024;
/** One path, as UTF-8. Linux's PATH_MAX. */
export const PATH_BYTES = 4096;
/** A whole JSON body. A larger one is 413 before it is read to its end. */
export const JSON_BODY_BYTES = 72 * MIB;
/** One message of an MCP client. */
export const MCP_BODY_BYTES = 16 * MIB;
/** How deep objects and arrays may nest in a JSON body. */
export const JSON_DEPTH = 64;
/** Matches that one search returns at the most, and the longest line that it quotes. */
export const SEARCH_MATCHES = 1000;
export const SEARCH_LINE_BYTES = 512;

/** `label` of a snapshot. */
export const LABEL_CHARACTERS = 200;
/** Snapshots without a label that are kept, newest first, and those with one, per session. */
export const SNAPSHOTS_KEPT = { automatic: 5, labelled: 100 } as const;
/** Services of a session, and the last lines of output that `/processes` shows of each. */
export const SERVICES = { most: 16, logLines: 20, logLineBytes: 2048 } as const;
/** A service with a port has to listen on it by then; a request held by a wake is let through in any case. */
export const SERVICE_START_MS = 10_000;
/** A supervisor that had nothing to do for so long gives back the memory that it does not need. */
export const SPARE_MEMORY_MS = 10_000;

/** A `command` counts as in the background once it listens and has printed nothing for this long. */
export const BACKGROUND_QUIET_MS = 300;
/** Between TERM and KILL. */
export const KILL_GRACE_MS = 2000;
/** SSE comment that keeps proxies from closing an idle stream. */
export const HEARTBEAT_MS = 15_000;
/** A container that is not ready by then has failed to start. */
export const CONTAINER_READY_MS = 30_000;
/** Beyond an execution's own time-out, what the call may take before it is given up as `execution_timeout`. */
export const EXECUTE_GRACE_MS = 10_000;
/** A whole snapshot or restore. */
export const SNAPSHOT_MS = 600_000;
/** What a container that is told to end waits for its workspace to be saved. */
export const LAST_SAVE_MS = 20_000;
/** File operations and everything else that asks the supervisor, streams aside. */
export const SUPERVISOR_CALL_MS = 30_000;

/** Requests of one key are counted in windows of this length, each beginning with the first request after the last. */
export const RATE_WINDOW_MS = 60_000;
/** `Idempotency-Key`, printable ASCII. */
export const IDEMPOTENCY_KEY_CHARACTERS = 255;
/** How long an answer is replayed, from the first call on. */
export const IDEMPOTENCY_KEPT_MS = 24 * 60 * 60 * 1000;
/** Of one account, within that time: keys, and the bytes of their answers. */
export const IDEMPOTENCY_KEYS = 100_000;
export const IDEMPOTENCY_BYTES = 1024 * MIB;
/** After which a call with a key counts as lost, whatever became of its Worker. More than the longest execute takes. */
export const IDEMPOTENCY_LEASE_MS = 400_000;

/** Tokens of private previews: those that one session has at once, how long they live, and what they are called. */
export const PREVIEW_TOKENS = { most: 100, minMs: 1000, maxMs: 7 * 24 * 60 * 60 * 1000, labelCharacters: 200 } as const;

/** By then a user's server has to begin its answer to a preview. A request that brings a body has to be read first. */
export const PREVIEW_HEAD_MS = { plain: 300_000, withBody: 3_600_000 } as const;

/** Of those that previews were asked: how many a session remembers, and how much of each. */
export const PREVIEW_REQUESTS = { kept: 200, pathCharacters: 2000, methodCharacters: 32 } as const;

/** Of one session. What follows each is written at contract/terminal.ts. */
export const TERMINALS = {
  /** At once, those included that have ended and are kept. */
  most: 16,
  /** Of one terminal. */
  viewers: 16,
  /** Of the newest output, for viewers that come back. */
  keptBytes: MIB,
  windowBytes: 512 * 1024,
  blindBytes: 8 * MIB,
  patienceMs: 10_000,
  /** One message of a viewer, and what is typed ahead of the program. */
  messageBytes: MIB,
  typedBytes: 4 * MIB,
  cols: { min: 1, max: 1000 },
  rows: { min: 1, max: 1000 },
  commandCharacters: 4096,
  pingMs: 30_000,
  silenceMs: 120_000,
  /** One whose program has ended. */
  endedMs: 300_000,
} as const;

/** Of one session. */
export const CONTEXTS = {
  most: 16,
  /** Runs of one context that wait for their turn. */
  waiting: 64,
  tableRows: 1000,
  /** What one run shows, together, as JSON text. */
  resultBytes: 8 * MIB,
  /** What is kept of an error's traceback. */
  tracebackBytes: 64 * 1024,
  /** What is saved of the variables of one context. */
  savedBytes: 64 * MIB,
} as const;

/** Of one session's history. */
export const HISTORY = {
  /** One payload, or the record of a thread, as JSON text. */
  payloadBytes: MIB,
  /** Events of one append, and the characters of their payloads as JSON text. */
  batch: 1000,
  batchCharacters: 16 * MIB,
  /** Of one page, and the bytes of payloads at which it ends. */
  page: 1000,
  pageBytes: 8 * MIB,
  threads: 10_000,
  /** Of one thread, those included that were deleted. */
  indexMost: 999_999_999,
  /** Types, or senders, that one call asks for. */
  filters: 20,
  queryCharacters: 500,
  /** Of each payload, what a search finds words in. */
  searchedCharacters: 128 * 1024,
  /** Open streams, how long one lasts, and the bytes of payloads at which a piece of it ends. */
  streams: 16,
  streamMs: 30 * 60 * 1000,
  streamedBytes: MIB,
  replay: {
    maxEvents: { min: 1, max: 1000, default: 50 },
    maxChars: { min: 500, max: 1_000_000, default: 12_000 },
  },
  /** Paths that one `files.changed` names. */
  changedPaths: 100,
} as const;

export interface Plan {
  readonly memoryMb: number;
  readonly cpu: number;
  readonly diskMb: number;
  readonly timeoutSeconds: { readonly default: number; readonly max: number };
  readonly ttlMaxSeconds: number;
  readonly fileBytes: number;
  readonly filesPerRequest: number;
  /** At the same time, asleep or not. */
  readonly sessions: number;
  /** Per key. */
  readonly requestsPerMinute: number;
  /** Per session. Previews have no key to be counted by. */
  readonly previewsPerMinute: number;
}

export const PLANS = {
  free: {
    memoryMb: 1024,
    cpu: 0.25,
    diskMb: 1024,
    timeoutSeconds: { default: 30, max: 30 },
    ttlMaxSeconds: 86_400,
    fileBytes: 10 * MIB,
    filesPerRequest: 100,
    sessions: 10,
    requestsPerMinute: 100,
    previewsPerMinute: 600,
  },
  paid: {
    memoryMb: 4096,
    cpu: 1,
    diskMb: 5120,
    timeoutSeconds: { default: 30, max: 300 },
    ttlMaxSeconds: 604_800,
    fileBytes: 50 * MIB,
    filesPerRequest: 1000,
    sessions: 100,
    requestsPerMinute: 1000,
    previewsPerMinute: 6000,
  },
} as const satisfies Record<string, Plan>;

/**
 * What an operator may give an enterprise account at the most. Memory, vCPUs and disk are those of the platform's largest
 * container, https://developers.cloudflare.com/containers/platform/limits/, less the disk of the image; a file has to fit
 * into JSON_BODY_BYTES, an execution into IDEMPOTENCY_LEASE_MS.
 */
export const ENTERPRISE_MOST = {
  memoryMb: 12_288,
  cpu: 4,
  diskMb: 18_000,
  timeoutSeconds: 300,
  ttlMaxSeconds: 365 * 86_400,
  fileBytes: 50 * MIB,
  filesPerRequest: 10_000,
  sessions: 10_000,
  requestsPerMinute: 1_000_000,
  previewsPerMinute: 1_000_000,
} as const;

/** Of one account. */
export const API_KEYS = 100;
export const API_KEY_LIFE_MAX_MS = 3650 * 24 * 60 * 60 * 1000;
/** `name` of an account or a key. */
export const DISPLAY_NAME_CHARACTERS = 200;
/** When a key was last used is stored this often at the most. */
export const KEY_USE_STORED_MS = 60_000;
/** The audit log: for how long, and how many entries of one account and kind at the most, newest first. */
export const AUDIT_KEPT = { ms: 90 * 24 * 60 * 60 * 1000, entries: 10_000 } as const;
/** Wrong keys for the operator's API from one client address within RATE_WINDOW_MS. */
export const OPERATOR_ATTEMPTS = 30;
/** Refused access is told to the audit log so often at the most, for each account and reason. */
export const REFUSALS_NOTED_MS = 60_000;

/** Of one account: events that are kept, newest first, and for how long; open streams of them, and how long one lasts. */
export const EVENTS = {
  kept: 1000,
  keptMs: 7 * 24 * 60 * 60 * 1000,
  streams: 16,
  streamMs: 30 * 60 * 1000,
  /** Deliveries that are settled, newest first; those on their way beside them. */
  deliveriesKept: 500,
  deliveriesPending: 10_000,
} as const;
/** Events about one limit are told once in this time, however often it is run into. */
export const LIMIT_TOLD_MS = 60_000;
export const WEBHOOKS = {
  /** Of one account. */
  most: 10,
  urlCharacters: 2048,
  attemptMs: 10_000,
  /** Before the second attempt, the third, and so on; after the last one a delivery has failed. */
  backOffSeconds: [5, 30, 120, 600, 3600, 21_600],
  /** A webhook is disabled once it has failed for so long, or so many deliveries in a row have failed. */
  disabledAfterMs: 5 * 24 * 60 * 60 * 1000,
  disabledAfterFailures: 100,
} as const;

/** A session that is in use counts its time, and tells its account, so often: what a crash of it loses at the most. */
export const METER_MS = 60_000;
/** For how many days usage is kept. */
export const USAGE_DAYS = 400;
export const BUDGET_MOST = 1_000_000_000;
/**
 * How much of its vCPUs and its memory a session is counted for. As the platform bills a container: memory for as long as
 * it runs, CPU for what is used, and that is nothing while its processes are frozen; without a container nothing at all.
 * https://developers.cloudflare.com/containers/pricing/
 */
export const METER_RATES = {
  active: { cpu: 1, memory: 1 },
  idle: { cpu: 0, memory: 1 },
  asleep: { cpu: 0, memory: 0 },
} as const;

/** What a session gets when it asks for nothing. */
export const DEFAULT_RESOURCES = { memory: 1024, cpu: 0.25, timeout: 30, disk: 1024 } as const;
