// Gives the memory of a supervisor back that has had nothing to do for a while. Not sooner: it takes some milliseconds of a
// core, and the next call pays for it once more; a session that is called every few seconds is spared both.
import { releaseCodePages } from "./linux/code-pages.ts";

export class SpareMemory {
  readonly #quietMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** To be called when something has ended: what it took is given back once nothing else has ended for so long. */
  giveBackLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      Bun.gc(true);
      releaseCodePages();
    }, this.#quietMs);
    this.#timer.unref();
  }
}
