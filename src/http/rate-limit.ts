// Counts every request that came with a good key. The account's object counts, so that neither many connections nor many
// instances of the Worker get more than the plan allows. What has no key (401, previews) has nothing to be counted by.
import { accountOf } from "../account/rpc.ts";
import type { RateDecision } from "../account/rate-limit.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import type { Principal } from "./auth.ts";

/** The refusal, or null where the request may go on. `headers` tell the client where it stands in either case. */
export async function countedOut(principal: Principal, env: Env, headers: Headers): Promise<Response | null> {
  const decision = await count(principal, env);
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

async function count({ accountId, keyId, plan }: Principal, env: Env): Promise<RateDecision> {
  try {
    return await accountOf(env, accountId).countRequest(keyId, plan.requestsPerMinute);
  } catch (error) {
    // Its object moved to another machine or to a new release just now; a new stub finds it there.
    if (error instanceof Error && "retryable" in error && error.retryable === true) {
      return accountOf(env, accountId).countRequest(keyId, plan.requestsPerMinute);
    }
    throw error;
  }
}
