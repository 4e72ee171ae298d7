// A context as an object: what was known of it when it was made, and everything that can be done with it.
import type { Context, ContextDeleted, ContextInterrupted, RunAnswer } from "../contract.ts";
import { BuntimeError } from "../error.ts";
import type { RequestOptions } from "../transport.ts";
import type { Contexts, OfContext, RunInput } from "./contexts.ts";
import type { RunStream, RunStreamOptions } from "./run-stream.ts";

export interface ContextParts {
  readonly contexts: Contexts;
  readonly sessionId: string;
}

export type RunOptions = Omit<RunInput, "code">;

export class ContextHandle implements AsyncDisposable {
  readonly id: string;
  readonly sessionId: string;
  readonly language: Context["language"];
  readonly name: string | null;
  readonly createdAt: string;
  readonly #contexts: Contexts;

  constructor({ id, language, name, createdAt }: Context, { contexts, sessionId }: ContextParts) {
    this.id = id;
    this.sessionId = sessionId;
    this.language = language;
    this.name = name;
    this.createdAt = createdAt;
    this.#contexts = contexts;
  }

  /** As `memory.contexts.run`, here. */
  run(code: string, input: RunOptions = {}, options?: RequestOptions): Promise<RunAnswer> {
    return this.#contexts.run({ ...input, ...this.#own, code }, options);
  }

  stream(code: string, input: RunOptions = {}, options?: RunStreamOptions): RunStream {
    return this.#contexts.stream({ ...input, ...this.#own, code }, options);
  }

  /** How it is doing. Never wakes its session. */
  info(options?: RequestOptions): Promise<Context> {
    return this.#contexts.get(this.#own, options);
  }

  interrupt(options?: RequestOptions): Promise<ContextInterrupted> {
    return this.#contexts.interrupt(this.#own, options);
  }

  delete(options?: RequestOptions): Promise<ContextDeleted> {
    return this.#contexts.delete(this.#own, options);
  }

  /** For `await using`. One that is gone already, by itself or with its session, is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.delete();
    } catch (error) {
      if (!(error instanceof BuntimeError && error.status === 404)) {
        throw error;
      }
    }
  }

  get #own(): OfContext {
    return { sessionId: this.sessionId, contextId: this.id };
  }
}
