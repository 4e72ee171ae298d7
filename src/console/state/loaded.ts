// Something that is asked of the API and shown: loading, there, or failed with what was there before.
import { signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import { BuntimeError } from "../../sdk/index.ts";
import { noteOutcome } from "./connection.ts";

export interface Loaded<T> {
  /** null: not there yet. Stays while it is asked again, and when that fails. */
  readonly value: T | null;
  /** Of the last try; null when it went well. */
  readonly error: BuntimeError | null;
  readonly loading: boolean;
}

export class Loader<T> {
  readonly #load: (signal: AbortSignal) => Promise<T>;
  readonly #state: Signal<Loaded<T>> = signal({ value: null, error: null, loading: true });
  #running: AbortController | null = null;

  constructor(load: (signal: AbortSignal) => Promise<T>) {
    this.#load = load;
  }

  get state(): ReadonlySignal<Loaded<T>> {
    return this.#state;
  }

  /** Asks again; an earlier question that is still under way is dropped. Never throws. */
  async reload(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#state.value = { ...this.#state.peek(), loading: true };
    try {
      const value = await this.#load(running.signal);
      if (running.signal.aborted) return;
      this.#state.value = { value, error: null, loading: false };
      noteOutcome(null);
    } catch (error) {
      if (running.signal.aborted) return;
      const failure = asBuntimeError(error);
      this.#state.value = { ...this.#state.peek(), error: failure, loading: false };
      noteOutcome(failure);
    }
  }

  /** What is known from elsewhere, such as the answer to a change. */
  set(value: T): void {
    this.#state.value = { ...this.#state.peek(), value };
  }

  /** As it was before the first load. */
  clear(): void {
    this.#state.value = { value: null, error: null, loading: true };
  }

  stop(): void {
    this.#running?.abort();
  }
}

export function asBuntimeError(error: unknown): BuntimeError {
  if (error instanceof BuntimeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BuntimeError(message, { code: "internal_error", cause: error });
}
