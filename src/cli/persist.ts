// Which failures pass by themselves, and how long they are waited for, where a verb speaks to the platform without the SDK.
import { setTimeout as delay } from "node:timers/promises";
import { BuntimeError } from "../sdk/error.ts";

/** Tries without any progress. */
const TRIES = 5;
const FIRST_DELAY_MS = 250;
/** Nobody is kept waiting longer, whatever a `Retry-After` says. */
const LONGEST_MS = 60_000;

/** Milliseconds until it is worth another try; null: it is not. */
function pauseAfter(error: unknown, fruitless: number): number | null {
  if (!(error instanceof BuntimeError) || fruitless >= TRIES) return null;
  const passing = error.code === "network_error" || error.status === 429 || [500, 502, 503, 504].includes(error.status);
  if (!passing || error.code === "session_limit_exceeded" || "streamsMax" in error.details) return null;
  if (error.retryAfter === null) return FIRST_DELAY_MS * 2 ** fruitless;
  const asked = error.retryAfter * 1000;
  return asked > LONGEST_MS ? null : asked;
}

/** Waits for what has failed to be worth another try. @throws the error where it is not */
export async function waitAfter(error: unknown, fruitless: number): Promise<void> {
  const pause = pauseAfter(error, fruitless);
  if (pause === null) throw error;
  await delay(pause);
}

/** Runs it again while that helps. `progress` tells whether the last try came any further. */
export async function persist<T>(run: () => Promise<T>, progress: () => boolean = () => false): Promise<T> {
  for (let fruitless = 0; ; fruitless++) {
    try {
      return await run();
    } catch (error) {
      if (progress()) fruitless = 0;
      await waitAfter(error, fruitless);
    }
  }
}
