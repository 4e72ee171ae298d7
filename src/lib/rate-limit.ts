// How many requests a key may make: a fixed window that begins with its first request. Pure. A request that is refused
// neither counts nor moves the window, so a client that waits as long as it was told gets through.
import { RATE_WINDOW_MS } from "../contract/limits.ts";

export interface RateWindow {
  readonly startedAt: number;
  /** Requests let through since. */
  readonly count: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests that are left until `resetAt`. */
  readonly remaining: number;
  /** When all of `limit` is there again, in milliseconds since the epoch. */
  readonly resetAt: number;
  /** Of the same clock, for who has another. */
  readonly decidedAt: number;
}

export interface RateStep {
  readonly window: RateWindow;
  readonly decision: RateDecision;
}

/** `window` is the key's last one, if any. A clock that was set back begins a new one: nobody waits longer for it. */
export function countRequest(window: RateWindow | undefined, limit: number, now: number): RateStep {
  const current = window !== undefined && isOpen(window, now) ? window : { startedAt: now, count: 0 };
  const allowed = current.count < limit;
  const count = allowed ? current.count + 1 : current.count;
  return {
    window: { startedAt: current.startedAt, count },
    decision: {
      allowed,
      limit,
      remaining: Math.max(0, limit - count),
      resetAt: current.startedAt + RATE_WINDOW_MS,
      decidedAt: now,
    },
  };
}

export function isOpen(window: RateWindow, now: number): boolean {
  return now >= window.startedAt && now < window.startedAt + RATE_WINDOW_MS;
}
