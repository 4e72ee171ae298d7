// How often somebody may be wrong about the operator's key, by where he comes from. Kept in memory: what is forgotten with
// it is a minute.
import { OPERATOR_ATTEMPTS } from "../contract/limits.ts";
import { countRequest, isOpen } from "../lib/rate-limit.ts";
import type { RateWindow } from "../lib/rate-limit.ts";

/** More than these at once are not told apart from those that never failed: the oldest are let go. */
const CLIENTS_MOST = 10_000;

export class Attempts {
  readonly #windows = new Map<string, RateWindow>();

  /** Seconds for which nothing from there is looked at, the right key included; null: it counts. */
  attempt(client: string, { failed }: { readonly failed: boolean }, now: number): number | null {
    const before = this.#windows.get(client);
    const { window, decision } = countRequest(before, OPERATOR_ATTEMPTS, now);
    if (!decision.allowed) {
      return Math.max(1, Math.ceil((decision.resetAt - now) / 1000));
    }
    if (failed) {
      this.#windows.delete(client);
      this.#windows.set(client, window);
      this.#tidy(now);
    }
    return null;
  }

  #tidy(now: number): void {
    for (const [client, window] of this.#windows) {
      // The longest untouched first: what follows has been counted later, or is one too many.
      if (isOpen(window, now) && this.#windows.size <= CLIENTS_MOST) {
        return;
      }
      if (!isOpen(window, now) || this.#windows.size > CLIENTS_MOST) {
        this.#windows.delete(client);
      }
    }
  }
}
