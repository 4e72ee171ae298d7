// The container was told to end, and its session, if it watches for that, gets the time to save the workspace first.
// Only a snapshot that was begun after the session was told counts: an older one may lack what changed last.
import type { Problem } from "../../src/contract/errors.ts";
import type { WatchAnswer } from "../../src/contract/supervisor.ts";

/** For what would change something that is not saved any more. */
export const ENDING: Problem = {
  code: "container_unavailable",
  message: "The container is being ended and its workspace saved; try again, in the next one",
};
/** Between the end of one watch and the beginning of the next nobody is connected for a moment. */
const RECONNECT_MS = 1000;

export class LastSave {
  /** It was asked for: nothing new begins. */
  isEnding = false;
  readonly #watchers = new Set<(answer: WatchAnswer) => void>();
  readonly #watchMs: number;
  /** When the session was last there: it comes back soon after. */
  #inTouchAtMs = -RECONNECT_MS;
  #arrived = Promise.withResolvers<void>();
  /** Of the save that is waited for. */
  #saving: { hasBegun: boolean; readonly committed: () => void } | null = null;

  /** @param watchMs how long a watch is held at the most */
  constructor(watchMs: number) {
    this.#watchMs = watchMs;
  }

  /** Answers when the container is to end, or when the time is over. */
  async watch(signal: AbortSignal): Promise<WatchAnswer> {
    const { promise, resolve } = Promise.withResolvers<WatchAnswer>();
    const none = (): void => resolve({ event: "none" });
    const timer = setTimeout(none, this.#watchMs);
    signal.addEventListener("abort", none);
    this.#watchers.add(resolve);
    this.#arrived.resolve();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", none);
      this.#watchers.delete(resolve);
      this.#inTouchAtMs = performance.now();
    }
  }

  /** Somebody watches, or did so just now and comes back. */
  async isWatched(): Promise<boolean> {
    const goneMs = performance.now() - this.#inTouchAtMs;
    if (this.#watchers.size === 0 && goneMs < RECONNECT_MS) {
      this.#arrived = Promise.withResolvers();
      await Promise.race([this.#arrived.promise, Bun.sleep(RECONNECT_MS - goneMs)]);
    }
    return this.#watchers.size > 0;
  }

  /** Tells those who watch, and waits for a snapshot. False when there was none in time. */
  async ask(timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.isEnding = true;
    this.#saving = { hasBegun: false, committed: () => resolve(true) };
    const timer = setTimeout(() => resolve(false), timeoutMs);
    // Whoever watches from now on waits for the next time.
    for (const answer of this.#watchers) answer({ event: "terminating" });
    this.#watchers.clear();
    const saved = await promise;
    clearTimeout(timer);
    this.#saving = null;
    return saved;
  }

  /** A snapshot was begun. */
  began(): void {
    if (this.#saving !== null) this.#saving.hasBegun = true;
  }

  /** The snapshot that was begun last is stored. */
  committed(): void {
    this.#inTouchAtMs = performance.now();
    if (this.#saving?.hasBegun === true) this.#saving.committed();
  }
}
