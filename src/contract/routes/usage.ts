// Usage of an account.
import { route } from "../route.ts";
import { UsageQuery, UsageReport } from "../usage.ts";

export const USAGE = {
  getUsage: route({
    method: "get",
    path: "/usage",
    tag: "Account",
    scope: "admin",
    summary: "What the account has used, by day or by session",
    query: UsageQuery,
    answers: { 200: { json: UsageReport } },
    errors: [],
  }),
} as const;
