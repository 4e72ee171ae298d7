// Tells a client where it stands with its requests per minute. The account's object has counted, so that neither many
// connections nor many instances of the Worker get more than the plan allows. What has no key has nothing to be counted by.
import type { RateDecision } from "../lib/rate-limit.ts";
import { problemResponse } from "../contract/errors.ts";

/** The refusal, or null where the request may go on. `headers` tell the client in either case. */
export function countedOut(decision: RateDecision, headers: Headers): Response | null {
  headers.set("x-ratelimit-limit", String(decision.limit));
  headers.set("x-ratelimit-remaining", String(decision.remaining));
  headers.set("x-ratelimit-reset", String(Math.ceil(decision.resetAt / 1000)));
  if (decision.allowed) {
    return null;
  }
  const seconds = Math.max(1, Math.ceil((decision.resetAt - decision.decidedAt) / 1000));
  return problemResponse(
    {
      code: "rate_limit_exceeded",
      message: `This key has made the ${decision.limit} requests that it may make in a minute. Try again in ${seconds} s.`,
      details: { limit: decision.limit, retryAfterSeconds: seconds },
    },
    { headers: { "retry-after": String(seconds) } },
  );
}
