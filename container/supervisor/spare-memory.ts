// Gives the memory of a supervisor back that has had nothing to do for a while. Not sooner, unless it is much: it takes some
// milliseconds of a core, and the next call pays for it once more; a session that is called every few seconds is spared both.
import { releaseCodePages } from "./linux/code-pages.ts";

/** More than twice what a busy supervisor has without a large request or snapshot. */
const MUCH_BYTES = 96 * 1024 * 1024;
const MUCH_QUIET_MS = 1000;

export class SpareMemory {
  readonly #quietMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** To be called when something has ended: what it took is given back once nothing else has ended for so long. */
  giveBackLater(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const isMuch = process.memoryUsage.rss() > MUCH_BYTES;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        Bun.gc(true);
        releaseCodePages();
      },
      isMuch ? Math.min(this.#quietMs, MUCH_QUIET_MS) : this.#quietMs,
    );
    this.#timer.unref();
  }
}
