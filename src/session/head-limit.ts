// Ends requests to previews whose answers do not begin: a visitor who has left cannot be told from one who waits, and until
// there is an answer that could be written to him, his request keeps the session awake.
import { PREVIEW_HEAD_MS } from "../contract/limits.ts";

const LOOK_MS = 1000;

interface Wait {
  readonly deadline: number;
  readonly late: AbortController;
}

/** An answer that has not begun. */
export class LateHead extends Error {}

export class HeadLimit {
  readonly #waits = new Set<Wait>();
  /** By one timer for all: an object may have ten thousand of them, and more visitors than that. */
  #looks = false;

  /** Calls `ask` with a signal that is aborted when its answer has not begun in time. @throws LateHead then */
  async within<T>(request: Request, ask: (late: AbortSignal) => Promise<T>): Promise<T> {
    const limitMs = request.body === null ? PREVIEW_HEAD_MS.plain : PREVIEW_HEAD_MS.withBody;
    const wait = { deadline: Date.now() + limitMs, late: new AbortController() };
    this.#waits.add(wait);
    if (!this.#looks) {
      this.#lookLater();
    }
    try {
      return await ask(wait.late.signal);
    } catch (error) {
      throw wait.late.signal.aborted
        ? new LateHead(`it did not begin to answer within ${limitMs / 1000} s`, { cause: error })
        : error;
    } finally {
      this.#waits.delete(wait);
    }
  }

  #look(): void {
    const now = Date.now();
    for (const { deadline, late } of this.#waits) {
      if (deadline <= now) {
        late.abort();
      }
    }
    this.#looks = false;
    if (this.#waits.size > 0) {
      this.#lookLater();
    }
  }

  #lookLater(): void {
    this.#looks = true;
    setTimeout(() => this.#look(), LOOK_MS);
  }
}
