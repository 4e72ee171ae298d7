// How many visits the previews of one session get in a minute, so that a public page cannot take more of the platform than
// its account's plan allows. Counted in memory: a visit costs no write. What the plan says is asked once a minute.
import { countRequest } from "../lib/rate-limit.ts";
import type { RateWindow } from "../lib/rate-limit.ts";
import { accountOf } from "../account/rpc.ts";
import type { PreviewPolicy } from "../account/rpc.ts";
import type { Problem } from "../contract/errors.ts";
import { RATE_WINDOW_MS } from "../contract/limits.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { within } from "../lib/within.ts";

const ASK_MS = 5000;
/** An account that is opened again is not to be waited for. */
const CLOSED_KEPT_MS = 1000;

export class PreviewLimit {
  readonly #env: Env;
  #window: RateWindow | undefined;
  #policy: PreviewPolicy | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Counts a visit. The refusal, or null. */
  async refuse(accountId: string): Promise<Problem | null> {
    const now = Date.now();
    const keptMs = this.#policy?.open === false ? CLOSED_KEPT_MS : RATE_WINDOW_MS;
    if (now - this.#askedAt >= keptMs || now < this.#askedAt) {
      this.#asking ??= this.#ask(accountId).finally(() => (this.#asking = null));
      await this.#asking;
    }
    if (this.#policy === null) {
      return null;
    }
    const { perMinute, open } = this.#policy;
    if (!open) {
      return {
        code: "forbidden",
        message: "The account of this preview is suspended. Ask the operator of this server.",
      };
    }
    const { window, decision } = countRequest(this.#window, perMinute, now);
    this.#window = window;
    if (decision.allowed) {
      return null;
    }
    const retryAfterSeconds = Math.max(1, Math.ceil((decision.resetAt - now) / 1000));
    return {
      code: "rate_limit_exceeded",
      message: `This preview was visited ${perMinute} times within a minute, and that is its limit. Try again in ${retryAfterSeconds} s.`,
      details: { limit: perMinute, retryAfterSeconds },
    };
  }

  /** Where the account does not answer, what it said last goes on to hold. */
  async #ask(accountId: string): Promise<void> {
    try {
      this.#policy = await within(accountOf(this.#env, accountId).previewPolicy(), ASK_MS);
    } catch (error) {
      logError("preview_policy_unknown", { accountId, reason: describe(error) });
    }
    this.#askedAt = Date.now();
  }
}
