// Contexts: interpreters of a session that keep their variables from run to run.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type {
  Context,
  ContextDeleted,
  ContextInterrupted,
  ContextList,
  CreateContext,
  RunAnswer,
  RunRequest,
} from "../contract.ts";
import { ExecutionStream } from "../execution-stream.ts";
import { newKey } from "../key.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import { ContextHandle } from "./context-handle.ts";
import { readingOf } from "./run-stream.ts";
import type { RunStream, RunStreamOptions } from "./run-stream.ts";

export interface OfContext extends OfSession {
  readonly contextId: string;
}

export type RunInput = Omit<RunRequest, "stream">;

/** Seconds that the longest run takes. */
const LONGEST_S = 300;

export class Contexts {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async create({ sessionId, ...json }: OfSession & CreateContext, options?: RequestOptions): Promise<ContextHandle> {
    const path = contextsOf({ sessionId });
    const context = await this.#transport.json<Context>({ method: "POST", path, json, key: newKey(), options });
    return new ContextHandle(context, { contexts: this, sessionId });
  }

  /** One that is there, to go on with. Wakes nothing. */
  async open(input: OfContext, options?: RequestOptions): Promise<ContextHandle> {
    return new ContextHandle(await this.get(input, options), { contexts: this, sessionId: input.sessionId });
  }

  /** Oldest first. Wakes nothing. */
  list(input: OfSession, options?: RequestOptions): Promise<ContextList> {
    return this.#transport.json({ method: "GET", path: contextsOf(input), options });
  }

  /** How it is doing. Wakes nothing. */
  get(input: OfContext, options?: RequestOptions): Promise<Context> {
    return this.#transport.json({ method: "GET", path: contextOf(input), options });
  }

  /**
   * Runs code and waits for its answer. Code that fails is an answer, with its `error`; so is one that took longer than
   * `timeout`, with `timedOut`.
   */
  run({ sessionId, contextId, ...json }: OfContext & RunInput, options?: RequestOptions): Promise<RunAnswer> {
    return this.#transport.json({
      method: "POST",
      path: `${contextOf({ sessionId, contextId })}/run`,
      json,
      key: newKey(),
      timeout: this.#timeoutOf(json),
      options,
    });
  }

  /** Begins at once; what it prints and shows is there to iterate over, or for the callbacks. */
  stream({ sessionId, contextId, ...json }: OfContext & RunInput, options: RunStreamOptions = {}): RunStream {
    return new ExecutionStream(this.#transport, {
      path: `${contextOf({ sessionId, contextId })}/run`,
      body: Promise.resolve({ ...json, stream: true }),
      sessionId,
      timeout: this.#timeoutOf(json),
      ...readingOf(json.encoding, options),
    });
  }

  /** Ends what runs in it; its variables stay. */
  interrupt(input: OfContext, options?: RequestOptions): Promise<ContextInterrupted> {
    const path = `${contextOf(input)}/interrupt`;
    // Twice may well be another run.
    return this.#transport.json({ method: "POST", path, json: {}, options });
  }

  /** Ends it with its variables. */
  delete(input: OfContext, options?: RequestOptions): Promise<ContextDeleted> {
    const gone = { deleted: true, contextId: input.contextId } as const;
    return this.#transport.json({ method: "DELETE", path: contextOf(input), gone, options });
  }

  #timeoutOf({ timeout }: RunInput): number {
    return (timeout ?? LONGEST_S) * 1000 + this.#transport.timeout;
  }
}

function contextsOf(input: OfSession): string {
  return `${pathOf(null, input)}/contexts`;
}

function contextOf(input: OfContext): string {
  return `${contextsOf(input)}/${encodeURIComponent(input.contextId)}`;
}
