// Usage of the account that asks.
import { accountOf } from "../../account/rpc.ts";
import { USAGE_DAYS } from "../../contract/limits.ts";
import { dayBefore, dayOf } from "../../lib/meter.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Handlers } from "../bind.ts";

/** With today. */
const DAYS_DEFAULT = 30;

export const usageHandlers = {
  async getUsage({ env, principal }, { query }) {
    const { by, limit, offset } = query;
    const to = query.to ?? dayOf(Date.now());
    const from = query.from ?? dayBefore(to, DAYS_DEFAULT - 1);
    if (from > to) {
      return fail("invalid_request", "`from` is after `to`. Give the earlier day as `from`.");
    }
    if (dayBefore(to, USAGE_DAYS) >= from) {
      return fail("invalid_request", `\`from\` and \`to\` are more than ${USAGE_DAYS} days apart. Ask for less.`);
    }
    return ok(await accountOf(env, principal.accountId).usage({ from, to, by, limit, offset }));
  },
} satisfies Partial<Handlers>;
