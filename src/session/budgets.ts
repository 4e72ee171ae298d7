// Stops a session when its budget, or its account's, is spent, and tells its account what it has used. An account that is
// told twice counts once, so whatever fails is told again. Of the account's budget the session knows what it was last
// told; an execution that such a budget counts is asked for each time.
import { accountOf } from "../account/rpc.ts";
import type { AccountBudget } from "../account/rpc.ts";
import type { Problem } from "../contract/errors.ts";
import type { Env } from "../env.ts";
import { overspent } from "../lib/budget.ts";
import type { Overspent } from "../lib/budget.ts";
import { describe, logError } from "../lib/log.ts";
import { within } from "../lib/within.ts";
import type { EventOutbox } from "./event-outbox.ts";
import type { Meter } from "./meter.ts";
import type { SessionRecord } from "./record.ts";
import type { SessionState } from "./state.ts";

/** The session, as its budgets act on it. */
export interface BudgetedSession {
  inBackground(failure: string, work: Promise<unknown>): void;
  /** A deadline has changed. */
  reschedule(): Promise<void>;
  /** A budget is spent: the session has to sleep. Called again while it does not. */
  exhaust(): Promise<void>;
  readonly events: Pick<EventOutbox, "emit">;
}

/** To be called once, with whether it did. */
export type Began = (began: boolean) => void;

const REPORT_MS = 5000;
const EXHAUST_PAUSE_MS = 1000;
/** Between two looks at what is shared with other sessions. */
const SHARED_PAUSE_MS = 100;

export class Budgets {
  readonly #env: Env;
  readonly #meter: Meter;
  readonly #record: () => SessionRecord | null;
  readonly #session: () => BudgetedSession;
  #exhaustedAt = 0;
  /** Executions that the account is being asked for. */
  #asking = 0;
  /** The account's, as of some time; null: it has none; undefined: not known. */
  #shared: (AccountBudget & { readonly at: number }) | null | undefined = undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    env: Env,
    own: {
      readonly meter: Meter;
      readonly record: () => SessionRecord | null;
      readonly session: () => BudgetedSession;
    },
  ) {
    this.#env = env;
    this.#meter = own.meter;
    this.#record = own.record;
    this.#session = own.session;
  }

  get deadlines(): { readonly meter?: number; readonly budget?: number } {
    const { dueAt } = this.#meter;
    const budgetAt = this.#meter.isActive ? this.#spentAt() : null;
    return {
      ...(dueAt === null ? {} : { meter: dueAt }),
      ...(budgetAt === null ? {} : { budget: Math.ceil(budgetAt) }),
    };
  }

  /** The session is in this state from now on. */
  note(state: SessionState): void {
    const record = this.#record();
    // Of a deleted session, the removal tells.
    if (this.#meter.note(state) && this.#meter.running && record?.oneShot === false) {
      this.#session().inBackground("usage_not_told", this.consult());
    }
  }

  /** Does what is due. */
  async alarm(now: number): Promise<void> {
    const { meter, budget } = this.deadlines;
    if ((meter !== undefined && now >= meter) || (budget !== undefined && now >= budget)) {
      await this.#reportSafely();
      await this.#enforce();
    }
  }

  /** Why the container may not be used, as far as is known. */
  refusal(): Problem | null {
    return this.#ownRefusal() ?? this.accountRefusal();
  }

  #ownRefusal(): Overspent | null {
    return overspent("session", this.#record()?.budget, this.#meter.spent());
  }

  accountRefusal(): Problem | null {
    return (
      this.#shared?.closed ??
      overspent("account", this.#shared?.budget, this.#shared?.spent ?? { activeSeconds: 0, executions: 0 })
    );
  }

  /** Before the container is used: asks for the account's budget where it may have changed unnoticed. */
  async admit(phase: SessionState["phase"]): Promise<Problem | null> {
    if (this.#shared === undefined || phase !== "active") {
      await this.consult();
    }
    return this.refusal();
  }

  /** Tells the account, learns of its budget, and begins to stop the session where one is spent. Never fails. */
  async consult(): Promise<void> {
    await this.#reportSafely();
    this.#session().inBackground("budget_not_kept", this.#enforce());
  }

  /** Tells the account. @throws Error where that failed; it is tried again within a minute */
  async report(): Promise<void> {
    await this.#inTurn(() => this.#tell(false));
  }

  /** An execution is about to begin: why it may not, or what to call when that is known. */
  async begin(): Promise<{ readonly refused: Problem } | { readonly began: Began }> {
    const budget = this.#record()?.budget;
    const { activeSeconds, executions } = this.#meter.spent();
    const taken = { activeSeconds, executions: executions + this.#meter.pending + this.#asking };
    const refused = overspent("session", budget, taken) ?? this.accountRefusal();
    if (refused !== null) {
      return { refused };
    }
    const isShared = this.#shared?.budget.executions !== undefined;
    const store = isShared || budget?.executions !== undefined;
    if (isShared) {
      const denied = await this.#reserve();
      if (denied !== null) {
        return { refused: denied };
      }
    } else {
      this.#meter.count({ pending: 1 }, { store });
    }
    let isOver = false;
    const began = (did: boolean): void => {
      if (!isOver) {
        isOver = true;
        this.#meter.count({ pending: -1, executions: did ? 1 : 0 }, { store });
        if (store) {
          this.#session().inBackground("usage_not_told", this.consult());
        }
      }
    };
    return { began };
  }

  async #reportSafely(): Promise<void> {
    try {
      await this.report();
    } catch (error) {
      logError("usage_not_told", { sessionId: this.#record()?.id, reason: describe(error) });
    }
  }

  /** Asks the account for another pending execution. One at a time: those that wait here have nothing yet. */
  async #reserve(): Promise<Problem | null> {
    this.#asking++;
    try {
      return await this.#inTurn(async () => {
        let granted = false;
        this.#meter.count({ pending: 1 }, { store: false });
        try {
          const denied = await this.#tell(true);
          granted = denied === null;
          return denied;
        } finally {
          if (!granted) {
            this.#meter.count({ pending: -1 }, { store: true });
          }
        }
      });
    } catch (error) {
      logError("usage_not_told", { sessionId: this.#record()?.id, reason: describe(error) });
      return {
        code: "container_unavailable",
        message: "Whether the account's budget allows another execution could not be found out. Try again.",
      };
    } finally {
      this.#asking--;
    }
  }

  /** Gives why the execution that was asked for may not begin. */
  async #tell(reserve: boolean): Promise<Problem | null> {
    const report = this.#meter.report();
    const accountId = this.#record()?.accountId;
    if (report === null || accountId === undefined) {
      return null;
    }
    try {
      const answer = await within(accountOf(this.#env, accountId).meter(report, { reserve }), REPORT_MS);
      this.#shared = answer === null ? null : { ...answer, at: Date.now() };
      this.#meter.acknowledge(report);
      return answer?.refused ?? null;
    } catch (error) {
      this.#meter.repeat();
      throw error;
    }
  }

  async #enforce(): Promise<void> {
    if (!this.#meter.running) {
      return;
    }
    const own = this.#ownRefusal();
    const refused = own ?? this.accountRefusal();
    if (this.#meter.tell(refused !== null) && own !== null) {
      this.#session().events.emit("budget.exceeded", { ...own.details }, { store: true });
    }
    if (refused !== null && this.#meter.isAwake) {
      this.#exhaustedAt = Date.now();
      await this.#session().exhaust();
    }
    await this.#session().reschedule();
  }

  /** When active seconds run out as things stand, or when to try again to stop. */
  #spentAt(): number | null {
    if (this.refusal() !== null) {
      return this.#exhaustedAt + EXHAUST_PAUSE_MS;
    }
    const times: number[] = [];
    const own = this.#record()?.budget?.activeSeconds;
    if (own !== undefined) {
      times.push(this.#meter.activeUntil(own));
    }
    const shared = this.#shared;
    if (shared?.budget.activeSeconds !== undefined) {
      const leftMs = (shared.budget.activeSeconds - shared.spent.activeSeconds) * 1000;
      times.push(shared.at + Math.max(SHARED_PAUSE_MS, leftMs / Math.max(1, shared.activeSessions)));
    }
    return times.length === 0 ? null : Math.min(...times);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}
