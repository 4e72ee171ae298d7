// What sessions tell their account of their use, and what they learn of its budget.
import type { Problem } from "../contract/errors.ts";
import type { Budget, Spent } from "../contract/usage.ts";
import type { Current, DayTotals } from "../lib/meter.ts";

/** All figures are totals from the beginning on, so that a report may come twice, late, or not at all. */
export interface MeterReport {
  readonly sessionId: string;
  /** Made for one execution. */
  readonly oneShot: boolean;
  /** Grows from report to report. */
  readonly revision: number;
  /** All that have grown since the last report that was acknowledged. */
  readonly days: readonly DayTotals[];
  /** What is counted from here on; null: the session is deleted. */
  readonly current: Current | null;
  /** Nothing is counted after this time. */
  readonly until: number;
  readonly activeMs: number;
  readonly executions: number;
  /** Executions that have begun and not ended. */
  readonly pending: number;
}

/** An account's budget, as a session of it has to know it. */
export interface AccountBudget {
  readonly budget: Budget;
  /** As of now, by all sessions. */
  readonly spent: Spent;
  /** Sessions that use up active seconds at this time. */
  readonly activeSessions: number;
  /** Why the execution that was asked for may not begin. */
  readonly refused: Problem | null;
  /** Why nothing of the account may be used, whatever its budget. */
  readonly closed: Problem | null;
}

export interface UsageRange {
  /** UTC days, both included. */
  readonly from: string;
  readonly to: string;
  readonly by: "session" | "day";
  readonly limit: number;
  readonly offset: number;
}
