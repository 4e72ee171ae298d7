// Saves a workspace when its container is told to end: the supervisor cannot call the session, so the session holds a
// question open. Only while the session is in use: what is idle was saved already.
import { WATCH_MS } from "../contract/supervisor.ts";
import type { WatchAnswer } from "../contract/supervisor.ts";
import { describe, logError } from "../lib/log.ts";
import type { Result } from "../lib/result.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import { readResult } from "./supervisor-client.ts";

/** Beyond the time for which the supervisor holds it. */
const GRACE_MS = 10_000;
const PAUSE_MS = 1000;

/** A loss that takes nothing with it. */
export const SAVED_FIRST = "it was told to end, and its files were saved first";

export class TerminationWatch {
  readonly #runtime: Runtime;
  readonly #isWanted: () => boolean;
  readonly #save: () => Promise<Result<unknown>>;
  #watched: string | null = null;
  #told: { readonly runId: string; readonly at: number } | null = null;

  constructor(own: {
    readonly runtime: Runtime;
    readonly isWanted: () => boolean;
    readonly save: () => Promise<Result<unknown>>;
  }) {
    this.#runtime = own.runtime;
    this.#isWanted = own.isWanted;
    this.#save = own.save;
  }

  /**
   * Whether this run was told to end, and its files were saved first. `savedAt`: when what is saved was looked at. The
   * container may end before the save is over here, but not before it is noted.
   */
  hasSaved(runId: string, savedAt: number | null): boolean {
    return this.#told?.runId === runId && savedAt !== null && savedAt >= this.#told.at;
  }

  /** Nothing happens when this run is watched already. Ends by itself, with the run or when it is not wanted any more. */
  start(run: Run): void {
    if (this.#watched !== run.id && this.#isWanted()) {
      this.#watched = run.id;
      void this.#watch(run).finally(() => {
        if (this.#watched === run.id) {
          this.#watched = null;
        }
      });
    }
  }

  async #watch(run: Run): Promise<void> {
    while (!run.lost.aborted && this.#isWanted()) {
      try {
        const request = { method: "GET", path: "/watch", timeoutMs: WATCH_MS + GRACE_MS };
        const answer = await this.#runtime.send(run, request, readResult<WatchAnswer>);
        if (answer.ok && answer.value.event === "terminating") {
          this.#told = { runId: run.id, at: Date.now() };
          await this.#save();
        }
      } catch (error) {
        // The connection breaks before the end of the container is known.
        await scheduler.wait(PAUSE_MS);
        if (!run.lost.aborted) {
          logError("termination_watch_failed", { runId: run.id, reason: describe(error) });
        }
      }
    }
  }
}
