// Where the events of one execution come from: the call itself, and, after a connection that broke, the execution's output
// or the same call again. Gives every piece once and in order, and returns the answer.
import { errorOfCause, problemOf } from "./answer.ts";
import { fromBase64 } from "./bytes.ts";
import type { ErrorCode, ExecuteAnswer } from "./contract.ts";
import { BuntimeError } from "./error.ts";
import type { OutputEvent, Piece, StreamCall } from "./execution-stream.ts";
import { newKey } from "./key.ts";
import { readEvents } from "./server-sent-events.ts";
import type { ServerEvent } from "./server-sent-events.ts";
import type { Transport } from "./transport.ts";

export interface ExecutionIds {
  readonly sessionId: string;
  readonly executionId: string;
}

/** How a connection ended that did not break. */
type Ending<A> = { readonly kind: "answered"; readonly answer: A } | { readonly kind: "followed" };

/** What a failure has for a status that is told after the head of the answer was sent. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  execution_timeout: 408,
  container_unavailable: 503,
  storage_unavailable: 503,
  memory_limit_exceeded: 507,
  disk_full: 507,
};

export class ExecutionSource<A extends ExecuteAnswer, P extends Piece> {
  /** Rejects when it ends without having been known. */
  readonly ids: Promise<ExecutionIds>;
  readonly events: AsyncGenerator<P, A>;
  readonly #transport: Transport;
  readonly #call: StreamCall<P>;
  readonly #key = newKey();
  #tell: (ids: ExecutionIds) => void = () => {};
  #tellFailure: (error: unknown) => void = () => {};
  #ids: ExecutionIds | null = null;
  /** The platform keeps no more keys, so that sending the call again would run it again. */
  #keyless = false;
  #seq = 0;
  /** Of the connection that is open. */
  #connection = new AbortController();

  constructor(transport: Transport, call: StreamCall<P>) {
    this.#transport = transport;
    this.#call = call;
    this.ids = new Promise((resolve, reject) => {
      this.#tell = resolve;
      this.#tellFailure = reject;
    });
    this.ids.catch(() => {});
    this.events = this.#run(this.#post());
  }

  /** Lets the connection go. Whoever reads on gets a new one. */
  disconnect(): void {
    this.#connection.abort();
  }

  async *#run(first: Promise<Response>): AsyncGenerator<P, A> {
    first.catch(() => {});
    const { signal } = this.#call.options;
    let connect = (): Promise<Response> => first;
    let follows = false;
    for (let attempt = 1; ;) {
      const before = this.#seq;
      try {
        const ending = yield* this.#read(await connect(), follows);
        if (ending.kind === "answered") {
          this.#know(this.#call.sessionId, ending.answer.executionId);
          return ending.answer;
        }
        if (this.#keyless) {
          throw this.#answerLost();
        }
        follows = false;
        connect = () => this.#post();
      } catch (cause) {
        const error = this.#left(cause) ?? errorOfCause(cause, signal);
        const wasFollowing: boolean = follows;
        follows = this.#ids !== null && !(wasFollowing && error.status !== 0);
        connect = follows ? () => this.#follow() : () => this.#post();
        attempt = this.#seq > before ? 1 : attempt;
        if (wasFollowing && !follows && !this.#keyless) {
          // The output is not to be had, the answer may be.
          continue;
        }
        const repeatable = follows || !this.#keyless;
        await this.#transport
          .backOff({ attempt: attempt++, error, repeatable, spent: false }, signal)
          .catch((last: unknown) => {
            this.#tellFailure(last);
            throw last;
          });
      }
    }
  }

  async #post(): Promise<Response> {
    const { path, body, timeout, options } = this.#call;
    const response = await this.#transport.send({
      method: "POST",
      path,
      json: await body,
      key: this.#key,
      keyless: () => (this.#keyless = true),
      // What came already need not come again.
      headers: { accept: "text/event-stream", ...(this.#seq > 0 ? { "last-event-id": String(this.#seq) } : {}) },
      timeout,
      options: this.#connected(options.timeout),
    });
    const { headers } = response;
    this.#know(headers.get("buntime-session-id"), headers.get("buntime-execution-id"));
    return response;
  }

  /** What it prints after the last piece, until there is an answer. */
  #follow(): Promise<Response> {
    const { sessionId = "", executionId = "" } = this.#ids ?? {};
    return this.#transport.send({
      method: "GET",
      path: `/sessions/${encodeURIComponent(sessionId)}/executions/${encodeURIComponent(executionId)}/output`,
      query: { after: this.#seq, until: "answer" },
      headers: { accept: "text/event-stream" },
      options: this.#connected(this.#call.options.timeout),
    });
  }

  /** @throws whatever broke the connection, and what the platform says went wrong */
  async *#read(response: Response, follows: boolean): AsyncGenerator<P, Ending<A>> {
    for await (const event of readEvents(response)) {
      const piece = this.#call.pieceOf(event);
      if (piece !== null) {
        if (piece.seq > this.#seq) {
          this.#seq = piece.seq;
          yield piece;
        }
      } else if (event.event === "exit") {
        return follows ? { kind: "followed" } : { kind: "answered", answer: parse(event) as A };
      } else if (event.event === "error") {
        throw problemIn(event);
      }
    }
    throw new BuntimeError("The connection to the platform ended before the execution did.", { code: "network_error" });
  }

  #connected(timeout: number | undefined): { signal: AbortSignal; timeout: number | undefined } {
    this.#connection = new AbortController();
    const own = this.#connection.signal;
    const { signal } = this.#call.options;
    return { signal: signal === undefined ? own : AbortSignal.any([signal, own]), timeout };
  }

  /** A connection that was let go is one that broke, once somebody reads on. */
  #left(cause: unknown): BuntimeError | null {
    return this.#connection.signal.aborted && this.#call.options.signal?.aborted !== true
      ? new BuntimeError("The connection was let go.", { code: "network_error", cause })
      : null;
  }

  #know(sessionId: string | null, executionId: string | null): void {
    if (this.#ids === null && sessionId !== null && executionId !== null) {
      this.#ids = { sessionId, executionId };
      this.#tell(this.#ids);
    }
  }

  #answerLost(): BuntimeError {
    const { executionId } = this.#ids ?? {};
    return new BuntimeError(
      `The connection broke before the answer came. Ask for the record of ${executionId} to learn its outcome.`,
      { code: "invalid_response", details: { executionId } },
    );
  }
}

/** What was printed, as text or as bytes. Null for any other event. */
export function outputOf(event: ServerEvent, wanted: ExecuteAnswer["encoding"] = "utf-8"): OutputEvent | null {
  const type = event.event;
  if (type !== "stdout" && type !== "stderr") {
    return null;
  }
  const { seq, data, encoding } = parse(event) as { seq: unknown; data: unknown; encoding?: unknown };
  if (typeof seq !== "number" || typeof data !== "string") {
    throw notUnderstood(event);
  }
  if (wanted === "base64") {
    return { type, seq, data: encoding === "base64" ? fromBase64(data) : new TextEncoder().encode(data) };
  }
  return { type, seq, data: encoding === "base64" ? new TextDecoder().decode(fromBase64(data)) : data };
}

function problemIn(event: ServerEvent): BuntimeError {
  const told = problemOf(event.data);
  if (told === null) {
    return notUnderstood(event);
  }
  const { code, details, message } = told;
  return new BuntimeError(message, { code, details, status: STATUS[code] ?? 500 });
}

function parse(event: ServerEvent): object {
  try {
    const value: unknown = JSON.parse(event.data);
    if (typeof value === "object" && value !== null) {
      return value;
    }
  } catch {
    // Said below.
  }
  throw notUnderstood(event);
}

function notUnderstood(event: ServerEvent): BuntimeError {
  return new BuntimeError(`The platform sent an event that is not understood: ${event.data.slice(0, 200)}`, {
    code: "invalid_response",
    status: 200,
  });
}
