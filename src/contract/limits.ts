// Every number that a client can run into, in one place. Sizes in bytes unless the name says otherwise.

const MIB = 1024 * 1024;

/** Sessions live between five minutes and what the plan allows. */
export const TTL_SECONDS = { min: 300, default: 86_400 } as const;
/** `metadata`, counted as JSON text. */
export const METADATA_BYTES = 16 * 1024;
/** Kept per stream in an execute answer; past it `truncated` is true. */
export const ANSWER_OUTPUT_BYTES = MIB;
/** Kept per execution in its record, both streams together. */
export const RECORD_OUTPUT_BYTES = 16 * MIB;
/** Finished executions kept per session, newest first, and the output bytes they may hold together. */
export const RECORDS_KEPT = 1000;
export const RECORDS_OUTPUT_BYTES = 128 * MIB;
/** `code` or `command` of one execute. */
export const SOURCE_BYTES = 4 * MIB;
export const STDIN_BYTES = 4 * MIB;
export const ENV_VARIABLES = 100;
export const ENV_VALUE_BYTES = 32 * 1024;
/** One path, as UTF-8. Linux's PATH_MAX. */
export const PATH_BYTES = 4096;
/** A whole JSON body. A larger one is 413 before it is read to its end. */
export const JSON_BODY_BYTES = 72 * MIB;
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

export interface Plan {
  readonly memoryMb: number;
  readonly cpu: number;
  readonly diskMb: number;
  readonly timeoutSeconds: { readonly default: number; readonly max: number };
  readonly ttlMaxSeconds: number;
  readonly fileBytes: number;
  readonly filesPerRequest: number;
  /** Per key. */
  readonly requestsPerMinute: number;
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
    requestsPerMinute: 100,
  },
  paid: {
    memoryMb: 4096,
    cpu: 1,
    diskMb: 5120,
    timeoutSeconds: { default: 30, max: 300 },
    ttlMaxSeconds: 604_800,
    fileBytes: 50 * MIB,
    filesPerRequest: 1000,
    requestsPerMinute: 1000,
  },
} as const satisfies Record<string, Plan>;

/** What a session gets when it asks for nothing. */
export const DEFAULT_RESOURCES = { memory: 1024, cpu: 0.25, timeout: 30, disk: 1024 } as const;
