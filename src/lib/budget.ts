// Whether what may be used is used up: (budget, spent) → problem. Pure.
import type { Problem } from "../contract/errors.ts";
import type { Budget, Spent } from "../contract/usage.ts";

const NEXT_STEP = {
  session: "Raise its `budget` with PATCH /sessions/{id}.",
  account: "Ask the operator to raise it.",
} as const;
const WHAT = { activeSeconds: "active seconds", executions: "executions" } as const;

export interface Overspent extends Problem {
  readonly details: {
    readonly budget: keyof Spent;
    readonly of: "session" | "account";
    readonly spent: number;
    readonly limit: number;
  };
}

/** Null while something is left of all that is limited. */
export function overspent(
  owner: Overspent["details"]["of"],
  budget: Budget | null | undefined,
  spent: Spent,
): Overspent | null {
  for (const name of ["activeSeconds", "executions"] as const) {
    const limit = budget?.[name];
    if (limit !== undefined && spent[name] >= limit) {
      return {
        code: "forbidden",
        message: `The ${owner}'s budget of ${limit} ${WHAT[name]} is spent. ${NEXT_STEP[owner]}`,
        details: { budget: name, of: owner, spent: spent[name], limit },
      };
    }
  }
  return null;
}
