// The numbers that hold for an account. Pure.
import type { OwnLimits, PlanName } from "../contract/account.ts";
import { PLANS } from "../contract/limits.ts";
import type { Plan } from "../contract/limits.ts";

/** An enterprise account has numbers of its own, and those of `paid` where it has none. */
export function planOf({ plan, limits }: { readonly plan: PlanName; readonly limits: OwnLimits }): Plan {
  if (plan !== "enterprise") {
    return PLANS[plan];
  }
  const own = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return { ...PLANS.paid, ...Object.fromEntries(own) };
}
