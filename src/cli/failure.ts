// What a verb ends with when it cannot go on: a sentence, what to do next, and the exit code.

/** `brokenPipe` is 128 and the number of SIGPIPE. */
export const EXIT = { failure: 1, usage: 2, interrupted: 130, brokenPipe: 141 } as const;

interface FailureOptions {
  readonly exitCode?: number;
  readonly hint?: string;
  readonly code?: string;
  readonly cause?: unknown;
}

export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;
  /** What to do next. */
  readonly hint: string | null;
  /** Of the platform or the SDK, where it began there. */
  readonly code: string | null;

  constructor(message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failure;
    this.hint = options.hint ?? null;
    this.code = options.code ?? null;
  }
}

/** The command line asks for something that there is not. */
export const usage = (message: string, hint?: string): Failure =>
  new Failure(message, { exitCode: EXIT.usage, ...(hint === undefined ? {} : { hint }) });

export interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: number;
  readonly requestId: string | null;
}

const HINTS: Readonly<Record<string, string>> = {
  unauthorized: "Set BUNTIME_API_KEY, or store a key with `buntime login`.",
  forbidden: "`buntime keys list` shows what each key may do.",
  session_not_found: "`buntime sessions list` shows the sessions there are.",
  file_not_found: "`buntime files ls <session>` shows the files there are.",
  process_not_found: "`buntime ps <session>` shows what runs.",
  execution_not_found: "`buntime logs <session>` lists executions.",
  context_not_found: "`buntime contexts list <session>` shows the contexts there are.",
  snapshot_not_found: "`buntime snapshots list <session>` shows the snapshots there are.",
  session_limit_exceeded: "Delete one that is not needed: `buntime sessions delete <session>`.",
  network_error:
    "Is the platform running, and is BUNTIME_BASE_URL right? `buntime dev` starts a platform on this machine.",
  timeout: "Try again; if it stays so, ask the platform's operator.",
  disk_full: "Make room with `buntime files rm`, or in a shell: `buntime shell <session>`.",
};

/** Errors of the SDK are known by their shape, so that a verb that never connects need not load it. */
export function tell(error: unknown): Told {
  if (error instanceof Failure) {
    const code = error.code ?? (error.exitCode === EXIT.usage ? "usage" : "failure");
    return { code, message: error.message, hint: error.hint, exitCode: error.exitCode, requestId: null };
  }
  const message = error instanceof Error ? error.message : String(error);
  const { code, requestId } = fieldsOf(error);
  return { code: code ?? "failure", message, hint: HINTS[code ?? ""] ?? null, exitCode: EXIT.failure, requestId };
}

function fieldsOf(error: unknown): { code: string | null; requestId: string | null } {
  if (!(error instanceof Error)) return { code: null, requestId: null };
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  const requestId = "requestId" in error && typeof error.requestId === "string" ? error.requestId : null;
  return { code, requestId };
}

/** Whether the platform said so. */
export const hasCode = (error: unknown, code: string): boolean => fieldsOf(error).code === code;
