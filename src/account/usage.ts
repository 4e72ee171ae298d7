// What an account has used, as its sessions report it, and its budget. A report is merged, not added: of every figure the
// larger one counts, so that it may come twice, late or out of order. What grows while nobody reports is worked out when
// it is asked for, and never stored.
import { METER_MS } from "../contract/limits.ts";
import type { Budget, Spent, UsageReport } from "../contract/usage.ts";
import { overspent } from "../lib/budget.ts";
import type { Overspent } from "../lib/budget.ts";
import { describe, logError } from "../lib/log.ts";
import { elapsed } from "../lib/meter.ts";
import type { Current } from "../lib/meter.ts";
import { inParallel } from "../lib/parallel.ts";
import { within } from "../lib/within.ts";
import type { Database } from "./database.ts";
import type { AccountBudget, MeterReport, UsageRange } from "./usage-rpc.ts";
import { UsageDays } from "./usage-days.ts";
import type { OpenDay } from "./usage-days.ts";

export interface UsageHooks {
  /** The account's budget was changed or is spent: the session is to ask for it, and keeps it from then on. */
  readonly review: (sessionId: string) => Promise<void>;
  readonly inBackground: (work: Promise<void>) => void;
  /** Called once each time that it is spent. */
  readonly exceeded: (details: Overspent["details"]) => void;
}

interface LiveSession {
  readonly id: string;
  readonly oneShot: boolean;
  readonly current: Current;
  readonly until: number;
}

interface SessionRow {
  readonly revision: number;
  readonly activeMs: number;
  readonly executions: number;
}

type Account = { active_ms: number; executions: number; budget: string | null; told: number };

/** After its last report, which is repeated every few minutes until it was heard, a deleted session is not heard of again. */
const GONE_KEPT_MS = 60 * 60 * 1000;
const TIDIED_MS = 10 * 60 * 1000;
const LATE_REPORTS = 2;
const REVIEW_MS = 5000;
const REVIEWS_AT_ONCE = 20;

export class AccountUsage {
  readonly #database: Database;
  readonly #days: UsageDays;
  readonly #hooks: UsageHooks;
  #tidiedAt = 0;

  constructor(database: Database, hooks: UsageHooks) {
    this.#database = database;
    this.#days = new UsageDays(database);
    this.#hooks = hooks;
  }

  /**
   * `reserve`: the last of the report's pending executions begins only if the budget allows it. Null: there is no budget.
   */
  report(report: MeterReport, { reserve }: { readonly reserve: boolean }, now: number): AccountBudget | null {
    this.#database.prepare();
    this.#merge(report, now);
    this.#days.merge(report);
    this.#tidy(now);
    const answer = this.#answer(now);
    if (answer === null) {
      return null;
    }
    this.#tell(answer, { but: report.sessionId });
    const limit = answer.budget.executions;
    const taken = answer.spent.executions + this.#pending();
    if (!reserve || limit === undefined || taken <= limit) {
      return answer;
    }
    this.#database.exec("UPDATE usage_session SET pending = pending - 1 WHERE id = ?", report.sessionId);
    const spent = { ...answer.spent, executions: taken - 1 };
    return { ...answer, refused: overspent("account", answer.budget, spent) };
  }

  /** In place of the one before; null: none. Resolves once the sessions that are in use keep it. */
  async setBudget(budget: Budget | null, now: number): Promise<void> {
    this.#database.prepare();
    this.#database.exec("UPDATE usage_account SET budget = ?", budget === null ? null : JSON.stringify(budget));
    const answer = this.#answer(now);
    if (answer !== null) {
      this.#tell(answer, { but: null });
    }
    // One that has just been created may be in use before it says so.
    await this.#review(this.#live().filter(({ current }) => current.kind === "active" || now - current.at < METER_MS));
  }

  /** The account was opened or closed. Resolves once the sessions that have a container know. */
  async reviewAwake(now: number): Promise<void> {
    await this.#review(this.#live().filter(({ current }) => current.kind !== "asleep" || now - current.at < METER_MS));
  }

  budget(now: number): { readonly budget: Budget | null; readonly spent: Spent } {
    const account = this.#account();
    // SAFETY: `setBudget` is the only writer.
    const budget = account.budget === null ? null : (JSON.parse(account.budget) as Budget);
    const running = this.#active(now).reduce((sum, session) => sum + sinceReport(session, now), 0);
    return { budget, spent: { activeSeconds: (account.active_ms + running) / 1000, executions: account.executions } };
  }

  query(range: UsageRange, now: number): UsageReport {
    const open = this.#live().flatMap((session) => openDays(session, now));
    return { ...this.#days.query(range, open, now), ...this.budget(now) };
  }

  #merge(report: MeterReport, now: number): void {
    const { sessionId, oneShot, revision, current, until, pending } = report;
    const before = this.#session(sessionId);
    const activeMs = Math.max(before?.activeMs ?? 0, report.activeMs);
    const executions = Math.max(before?.executions ?? 0, report.executions);
    this.#database.exec(
      "UPDATE usage_account SET active_ms = active_ms + ?, executions = executions + ?",
      activeMs - (before?.activeMs ?? 0),
      executions - (before?.executions ?? 0),
    );
    if (before !== null && before.revision > revision) {
      // It came late: what the session is doing now is known better.
      this.#database.exec(
        "UPDATE usage_session SET active_ms = ?, executions = ?, reported_at = ? WHERE id = ?",
        activeMs,
        executions,
        now,
        sessionId,
      );
      return;
    }
    this.#database.exec(
      `INSERT OR REPLACE INTO usage_session
         (id, one_shot, revision, current, until, active_ms, executions, pending, reported_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      sessionId,
      Number(oneShot),
      revision,
      current === null ? null : JSON.stringify(current),
      until,
      activeMs,
      executions,
      // What a deleted session had begun is over.
      current === null ? 0 : pending,
      now,
    );
  }

  #session(id: string): SessionRow | null {
    const query = "SELECT revision, active_ms, executions FROM usage_session WHERE id = ?";
    const row = this.#database.exec<{ revision: number; active_ms: number; executions: number }>(query, id)[0];
    return row === undefined ? null : { revision: row.revision, activeMs: row.active_ms, executions: row.executions };
  }

  #account(): Account {
    const query = "SELECT active_ms, executions, budget, told FROM usage_account";
    const row = this.#database.ready ? this.#database.exec<Account>(query)[0] : undefined;
    return row ?? { active_ms: 0, executions: 0, budget: null, told: 0 };
  }

  #pending(): number {
    const query = "SELECT total(pending) AS pending FROM usage_session WHERE pending > 0";
    return this.#database.exec<{ pending: number }>(query)[0]?.pending ?? 0;
  }

  #answer(now: number): AccountBudget | null {
    const { budget, spent } = this.budget(now);
    return budget === null
      ? null
      : { budget, spent, activeSessions: this.#active(now).length, refused: null, closed: null };
  }

  /** The one that asks has its answer; the others learn it now. */
  #tell(answer: AccountBudget, { but }: { readonly but: string | null }): void {
    const spent = overspent("account", answer.budget, answer.spent);
    if ((spent !== null) === (this.#account().told === 1)) {
      return;
    }
    this.#database.exec("UPDATE usage_account SET told = ?", Number(spent !== null));
    if (spent !== null) {
      this.#hooks.exceeded(spent.details);
      this.#hooks.inBackground(this.#review(this.#active(Date.now()).filter(({ id }) => id !== but)));
    }
  }

  async #review(sessions: readonly LiveSession[]): Promise<void> {
    await inParallel(sessions, REVIEWS_AT_ONCE, async ({ id }) => {
      try {
        await within(this.#hooks.review(id), REVIEW_MS);
      } catch (error) {
        // It asks by itself within a minute.
        logError("budget_not_reviewed", { sessionId: id, reason: describe(error) });
      }
    });
  }

  #live(): LiveSession[] {
    const query = "SELECT id, one_shot, current, until FROM usage_session WHERE current IS NOT NULL";
    const rows = this.#database.ready
      ? this.#database.exec<{ id: string; one_shot: number; current: string; until: number }>(query)
      : [];
    return rows.map(({ id, one_shot, current, until }) => ({
      id,
      oneShot: one_shot === 1,
      // SAFETY: `#merge` is the only writer.
      current: JSON.parse(current) as Current,
      until,
    }));
  }

  #active(now: number): LiveSession[] {
    return this.#live().filter(({ current, until }) => current.kind === "active" && now < until);
  }

  #tidy(now: number): void {
    if (now - this.#tidiedAt > TIDIED_MS) {
      this.#tidiedAt = now;
      this.#days.tidy(now - GONE_KEPT_MS, now);
      this.#database.exec(
        "DELETE FROM usage_session WHERE (current IS NULL OR until < ?) AND reported_at < ?",
        now - GONE_KEPT_MS,
        now - GONE_KEPT_MS,
      );
    }
  }
}

/** A session that is active reports every minute; one that does not may have been lost. */
function endOf({ current, until }: LiveSession, now: number): number {
  return Math.min(now, until, current.kind === "active" ? current.at + LATE_REPORTS * METER_MS : now);
}

function sinceReport(session: LiveSession, now: number): number {
  return Math.max(0, endOf(session, now) - session.current.at);
}

function openDays(session: LiveSession, now: number): OpenDay[] {
  const { id, oneShot, current } = session;
  return elapsed(current, endOf(session, now)).map(({ day, totals }) => ({
    sessionId: oneShot ? null : id,
    day,
    totals,
  }));
}
