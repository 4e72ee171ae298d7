// An execution that outlasts a platform's restart: once it has begun, the platform is waited for longer than by other calls,
// since to give up would lose its output and its exit code. A platform that never answered is not waited for.
import type { ExecuteRequest } from "../sdk/contract.ts";
import type { BuntimeError, ExecutionStream, Retry } from "../sdk/index.ts";
import { clientOf } from "./client.ts";
import { Failure, hasCode } from "./failure.ts";
import type { Settings } from "./settings.ts";

/** About half a minute: the SDK tries to connect so often, and as often to take up a stream that broke. */
const TRIES_ONCE_BEGUN = 4;
const TRIES_TO_BEGIN = 3;
/** Where no connection could be made nothing was sent. */
const NOTHING_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

export class PatientExecution {
  readonly stream: ExecutionStream;
  readonly #sessionId: string;
  readonly #giveUp: AbortController;
  #executionId: string | null = null;
  /** A try may have reached the platform. */
  #sent = false;

  static async start(settings: Settings, request: ExecuteRequest & { sessionId: string }): Promise<PatientExecution> {
    const giveUp = new AbortController();
    let execution: PatientExecution | null = null;
    const waits = (retry: Retry): boolean => execution?.waits(retry) ?? true;
    const client = await clientOf(settings, { maxRetries: TRIES_ONCE_BEGUN, waits });
    const stream = client.execute.stream(request, { signal: giveUp.signal });
    execution = new PatientExecution(stream, request.sessionId, giveUp);
    return execution;
  }

  private constructor(stream: ExecutionStream, sessionId: string, giveUp: AbortController) {
    this.stream = stream;
    this.#sessionId = sessionId;
    this.#giveUp = giveUp;
    stream.executionId.then(
      (id) => (this.#executionId = id),
      () => {},
    );
  }

  waits({ attempt, error }: Retry): boolean {
    if (error.status !== 0) return true;
    this.#sent ||= mayHaveArrived(error);
    if (this.#executionId !== null || attempt <= TRIES_TO_BEGIN) return true;
    this.#giveUp.abort(error);
    return false;
  }

  /** What to tell of an error with which the stream ended: also what has become of the execution. */
  failureOf(caught: unknown): unknown {
    const error: unknown = this.#giveUp.signal.aborted ? this.#giveUp.signal.reason : caught;
    if (!(error instanceof Error) || !(hasCode(error, "network_error") || hasCode(error, "timeout"))) return error;
    const code = "code" in error ? String(error.code) : "network_error";
    if (this.#executionId !== null) {
      return new Failure(`${error.message} Execution ${this.#executionId} had begun, and may run on.`, {
        code,
        cause: error,
        hint:
          `Once the platform is there again, \`buntime logs -f ${this.#sessionId} ${this.#executionId}\` shows its output, ` +
          `and \`buntime logs ${this.#sessionId}\` how it ended. Is the platform running?`,
      });
    }
    if (!this.#sent) return error;
    return new Failure(`${error.message} It is not known whether the command has begun.`, {
      code,
      cause: error,
      hint: `Once the platform is there again, \`buntime logs ${this.#sessionId}\` tells. Is the platform running?`,
    });
  }
}

function mayHaveArrived({ cause }: BuntimeError): boolean {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  return !(typeof code === "string" && NOTHING_SENT.has(code));
}
