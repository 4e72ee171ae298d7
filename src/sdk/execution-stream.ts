// The output of an execution as it comes. A connection that breaks is made anew behind the last piece: first the output is
// followed by the execution's id; then, since only the call itself has the answer, the call is sent again with its key,
// and the platform gives what it gave, or would have given, to the first.
import type { ExecuteAnswer, ExecutionRecord, KillAnswer, KillRequest } from "./contract.ts";
import { BuntimeError } from "./error.ts";
import { ExecutionSource } from "./execution-source.ts";
import type { ServerEvent } from "./server-sent-events.ts";
import type { RequestOptions, Transport } from "./transport.ts";

/** A piece of output. `seq` counts from 1, over both streams. */
export interface OutputEvent {
  readonly type: "stdout" | "stderr";
  /** Text; bytes where the execution was asked for with `encoding: "base64"`. Never cut inside a character. */
  readonly data: string | Uint8Array;
  readonly seq: number;
}

export interface StreamOptions extends RequestOptions {
  /** Called with each piece in order; the next one comes when its promise, if it gives one, has resolved. */
  readonly onStdout?: ((data: string | Uint8Array) => void | Promise<void>) | undefined;
  readonly onStderr?: ((data: string | Uint8Array) => void | Promise<void>) | undefined;
}

/** Something that a stream brings. `seq` counts from 1, over all of its kinds. */
export interface Piece {
  readonly data: unknown;
  readonly seq: number;
}

export interface StreamCall<P extends Piece> {
  /** Of the POST that begins it. */
  readonly path: string;
  /** Of the request. */
  readonly body: Promise<object>;
  /** Null: one of its own. */
  readonly sessionId: string | null;
  /** What an event brings; null: it is none of those that do. @throws BuntimeError for one that is not understood */
  readonly pieceOf: (event: ServerEvent) => P | null;
  /** Told of each piece in order. Null: there is nobody to tell. */
  readonly tell: ((piece: P) => void | Promise<void>) | null;
  /** Until the head of an answer. */
  readonly timeout: number;
  readonly options: RequestOptions;
}

/** What waits to be iterated over. The platform itself keeps 16 MiB of an execution's output. */
const KEPT = 32 * 1024 * 1024;

/**
 * Iterate over it, or give callbacks, and `await stream.result` at the end. It is read as it is iterated over, so that a
 * slow reader holds it back; with callbacks, or once `result` was asked for, it is read on its own, and what was not
 * iterated over yet is kept. Leaving a loop early closes the connection; the execution goes on, unless
 * `cancelOnDisconnect` was asked for.
 */
export class ExecutionStream<
  A extends ExecuteAnswer = ExecuteAnswer,
  P extends Piece = OutputEvent,
> implements AsyncIterable<P> {
  readonly #transport: Transport;
  readonly #call: StreamCall<P>;
  readonly #source: ExecutionSource<A, P>;
  readonly #result: Promise<A>;
  #settle: { resolve(answer: A): void; reject(error: unknown): void } | null = null;
  readonly #queue: P[] = [];
  /** Of the queue: bytes, or characters. */
  #size = 0;
  #overflown = false;
  /** Something was taken out of the queue. */
  #room: (() => void) | null = null;
  /** The one step that is on its way. */
  #step: Promise<void> | null = null;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #iterated = false;
  #flowing = false;

  constructor(transport: Transport, call: StreamCall<P>) {
    this.#transport = transport;
    this.#call = call;
    this.#source = new ExecutionSource(transport, call);
    this.#result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Who only iterates is told of a failure there.
    this.#result.catch(() => {});
    if (call.tell !== null) {
      this.#flow();
    }
  }

  /** The whole answer, once it has ended or gone into the background. */
  get result(): Promise<A> {
    this.#flow();
    return this.#result;
  }

  /** As soon as the platform has begun with it. */
  get executionId(): Promise<string> {
    return this.#source.ids.then(({ executionId }) => executionId);
  }

  /** Ends it with its group. Nothing is killed where it has ended before. */
  async kill(input: Pick<KillRequest, "signal"> = {}, options?: RequestOptions): Promise<KillAnswer> {
    const { sessionId, executionId } = await this.#source.ids;
    const { pid, outcome } = await this.#transport.json<ExecutionRecord>({
      method: "GET",
      path: `/sessions/${encodeURIComponent(sessionId)}/executions/${executionId}`,
      options,
    });
    if (pid === null || outcome !== "running") {
      return { killed: 0, pids: [] };
    }
    const json = { sessionId, pid, ...input };
    return this.#transport.json<KillAnswer>({ method: "POST", path: "/execution/kill", json, options });
  }

  [Symbol.asyncIterator](): AsyncIterator<P, undefined> {
    this.#iterated = true;
    return {
      next: async () => {
        while (this.#queue.length === 0 && !this.#ended) {
          await this.#advance();
        }
        if (this.#overflown) {
          throw new BuntimeError("More was printed than is kept. Iterate over it first.", {
            code: "conflict",
          });
        }
        const value = this.#queue.shift();
        if (value !== undefined) {
          this.#size -= sizeOf(value);
          this.#room?.();
          return { done: false, value };
        }
        if (this.#failure !== null) {
          throw this.#failure.error;
        }
        return { done: true, value: undefined };
      },
      return: () => {
        if (!this.#flowing) {
          this.#source.disconnect();
        }
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Reads to the end without being asked. */
  #flow(): void {
    if (this.#flowing) {
      return;
    }
    this.#flowing = true;
    const run = async (): Promise<void> => {
      while (!this.#ended) {
        if (this.#iterated && this.#size > KEPT) {
          await new Promise<void>((resolve) => (this.#room = resolve));
        } else {
          await this.#advance();
        }
      }
    };
    void run();
  }

  /** For who iterates; with callbacks alone nobody does. */
  #keep(output: P): void {
    if (!this.#iterated && (this.#call.tell !== null || this.#size > KEPT)) {
      // Not half of it: who comes now is told.
      this.#overflown ||= this.#call.tell === null;
      this.#queue.length = 0;
      return;
    }
    this.#queue.push(output);
    this.#size += sizeOf(output);
  }

  /** Takes one piece in, or the end. Never rejects. */
  #advance(): Promise<void> {
    this.#step ??= this.#take().finally(() => (this.#step = null));
    return this.#step;
  }

  async #take(): Promise<void> {
    try {
      const { done, value } = await this.#source.events.next();
      if (done === true) {
        this.#ended = true;
        this.#settle?.resolve(value);
        return;
      }
      this.#keep(value);
      await this.#call.tell?.(value);
    } catch (error) {
      this.#ended = true;
      this.#failure = { error };
      this.#source.disconnect();
      this.#settle?.reject(error);
    }
  }
}

/** In characters or bytes; 0 of what is neither. */
function sizeOf({ data }: Piece): number {
  return (data as { readonly length?: number }).length ?? 0;
}
