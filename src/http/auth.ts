// Who is asking. The one place that looks at a key; compared by digest and in constant time.
import { PLANS } from "../contract/limits.ts";
import type { Plan } from "../contract/limits.ts";
import { apiKey, requestsPerMinute } from "../env.ts";
import type { Env } from "../env.ts";
import { logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

export interface Principal {
  readonly accountId: string;
  /** Names the key within the account, without telling it. */
  readonly keyId: string;
  readonly plan: Plan;
}

const OPERATOR: Principal = { accountId: "default", keyId: "operator", plan: PLANS.paid };

export async function authenticate(request: Request, env: Env): Promise<Result<Principal>> {
  const expected = apiKey(env);
  if (expected === null) {
    logError("misconfigured", { variable: "BUNTIME_API_KEY", reason: "missing, or shorter than 16 characters" });
    return fail("internal_error", "This server has no API key configured. Its operator has to set BUNTIME_API_KEY.");
  }
  const perMinute = requestsPerMinute(env);
  if (perMinute === undefined) {
    logError("misconfigured", { variable: "REQUESTS_PER_MINUTE", reason: "not a whole number from 1 to 999999999" });
    return fail("internal_error", "This server is misconfigured. Its operator has to correct REQUESTS_PER_MINUTE.");
  }
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) {
    return fail("unauthorized", "No API key was given. Send `Authorization: Bearer <key>`.");
  }
  const [a, b] = await Promise.all([digest(given), digest(expected)]);
  if (!crypto.subtle.timingSafeEqual(a, b)) {
    return fail("unauthorized", "This API key is not known.");
  }
  return ok(perMinute === null ? OPERATOR : { ...OPERATOR, plan: { ...OPERATOR.plan, requestsPerMinute: perMinute } });
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
