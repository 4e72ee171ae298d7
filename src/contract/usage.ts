// Usage and budgets on the wire.
import * as z from "zod";
import { BUDGET_MOST, USAGE_DAYS } from "./limits.ts";
import { Paging } from "./primitives.ts";

export const Budget = z
  .strictObject({
    activeSeconds: z
      .int()
      .min(0)
      .max(BUDGET_MOST)
      .optional()
      .meta({ description: "Seconds with a running container that is not frozen" }),
    executions: z.int().min(0).max(BUDGET_MOST).optional(),
  })
  .meta({
    id: "Budget",
    description:
      "What may be used in all, from the beginning on. Once it is, a session sleeps, and what needs its container is " +
      "`forbidden` until the budget is raised",
  });
export type Budget = z.infer<typeof Budget>;

/** What a budget is held against. */
export const Spent = z
  .object({ activeSeconds: z.number().nonnegative(), executions: z.int().nonnegative() })
  .meta({ id: "Spent", description: "Used from the beginning on" });
export type Spent = z.infer<typeof Spent>;

const Day = z.iso.date().meta({ description: "A UTC day", examples: ["2026-01-31"] });
const Seconds = z.number().nonnegative();

export const Usage = z
  .object({
    activeSeconds: Seconds.meta({ description: "With a running container" }),
    idleSeconds: Seconds.meta({ description: "With a frozen container" }),
    asleepSeconds: Seconds.meta({ description: "Without a container" }),
    vcpuSeconds: Seconds.meta({ description: "vCPUs of the session × seconds; counted while it is active" }),
    gibSeconds: Seconds.meta({
      description: "GiB of memory of the session × seconds; counted while it is active or idle",
    }),
    storedGibSeconds: Seconds.meta({ description: "GiB of the session's newest snapshot × seconds" }),
    egressBytes: z.number().nonnegative().meta({
      description:
        "Bytes of answers: of executions, downloads and previews. Of a preview without a `content-length` nothing is counted",
    }),
    executions: z.int().nonnegative(),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof Usage>;

export const UsageQuery = Paging.extend({
  from: Day.optional().meta({ description: "The first day. Default: 29 days before `to`" }),
  to: Day.optional().meta({ description: "The last day. Default: today" }),
  by: z.enum(["session", "day"]).default("day"),
}).meta({ description: `Days of the last ${USAGE_DAYS} are kept` });

const UsageRow = Usage.extend({
  day: Day.optional().meta({ description: "With `by=day`" }),
  sessionId: z
    .string()
    .nullable()
    .optional()
    .meta({ description: "With `by=session`; null: all that were made for one execution each" }),
});

export const UsageReport = z
  .object({
    from: Day,
    to: Day,
    by: z.enum(["session", "day"]),
    totals: Usage.meta({ description: "Of all rows, on this page or not" }),
    rows: z.array(UsageRow),
    total: z.int().meta({ description: "Number of rows" }),
    budget: Budget.nullable().meta({ description: "The account's" }),
    spent: Spent.meta({ description: "By the account, whatever days are asked for" }),
  })
  .meta({
    id: "UsageReport",
    description: "Of deleted sessions, too. The last minute of a session that is in use is an estimate",
  });
export type UsageReport = z.infer<typeof UsageReport>;
