// Whether a call that failed is sent again, and when. Pure: chance and time are arguments.
import type { BuntimeError } from "./error.ts";

export interface RetryPolicy {
  /** Tries after the first. */
  readonly maxRetries: number;
  /** Milliseconds before the second try, doubled for each that follows. */
  readonly retryDelay: number;
}

export interface FailedTry {
  /** From 1 on. */
  readonly attempt: number;
  readonly error: BuntimeError;
  /** Sending it twice is as good as once: it only reads, sets what it names, or carries an idempotency key. */
  readonly repeatable: boolean;
  /** Its body was a stream, which is gone. */
  readonly spent: boolean;
  /** From 0 to 1. */
  readonly chance: number;
}

/** No try waits longer, whatever the delay has grown to, and nobody is kept waiting longer by a `Retry-After`. */
const LONGEST_MS = 60_000;
const LONGEST_BACK_OFF_MS = 10_000;

/** Milliseconds to wait before the next try; null: the failure is final. */
export function delayBeforeRetry(policy: RetryPolicy, failed: FailedTry): number | null {
  const { attempt, error, repeatable, spent, chance } = failed;
  if (spent || attempt > policy.maxRetries || !(wasRefused(error) || (repeatable && mayPass(error)))) {
    return null;
  }
  if (error.retryAfter !== null) {
    const asked = error.retryAfter * 1000;
    // A little later than asked, so that many clients do not come back in the same moment.
    return asked > LONGEST_MS ? null : Math.min(LONGEST_MS, asked + chance * policy.retryDelay);
  }
  const backOff = Math.min(LONGEST_BACK_OFF_MS, policy.retryDelay * 2 ** (attempt - 1));
  return backOff * (0.5 + chance / 2);
}

/** The platform did not begin with it, so that any call may be sent again. */
function wasRefused({ status, code, details }: BuntimeError): boolean {
  return status === 429 && code !== "session_limit_exceeded" && !("keysMax" in details) && !("streamsMax" in details);
}

/** It may have been done or not, and may go well the next time. */
function mayPass({ status, code, details }: BuntimeError): boolean {
  if (details["outcome"] === "unknown") {
    // Kept by the platform: asking again gives the same.
    return false;
  }
  return code === "network_error" || code === "timeout" || status === 500 || (status >= 502 && status <= 504);
}

/** Seconds, out of a `Retry-After` header: a number, or a date. Null where it says nothing. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) {
    return Number(text);
  }
  const at = text === "" ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, (at - now) / 1000);
}
