// What a session is being used for at this moment. In memory only: an object that holds open calls is not evicted, and the
// time of the last one is stored once in a while by the lifecycle.
import { within } from "../lib/within.ts";

export class Activity {
  #open = 0;
  readonly #waiting = new Set<() => void>();
  #lastAt: number;
  #changes = 0;

  constructor(lastAt: number) {
    this.#lastAt = lastAt;
  }

  /** When somebody last asked, or an open call last ended. */
  get lastAt(): number {
    return this.#lastAt;
  }

  get busy(): boolean {
    return this.#open > 0;
  }

  /** Grows with every call that may have changed files. */
  get changes(): number {
    return this.#changes;
  }

  noteChange(): void {
    this.#changes++;
  }

  note(at = Date.now()): void {
    this.#lastAt = at;
  }

  /** A call is open until what this returns is called; once or more often. */
  begin(): () => void {
    this.note();
    this.#open++;
    let ended = false;
    return () => {
      if (!ended) {
        ended = true;
        this.#open--;
        this.note();
        if (this.#open === 0) {
          this.#waiting.forEach((quiet) => quiet());
          this.#waiting.clear();
        }
      }
    };
  }

  /** Resolves when no call is open any more, or when that has taken too long. */
  async quiet(timeoutMs: number): Promise<void> {
    if (this.busy) {
      const quiet = new Promise<void>((resolve) => this.#waiting.add(resolve));
      await within(quiet, timeoutMs).catch(() => {});
    }
  }
}
