// Drives the machine: keeps the session's state, its alarm and its time of last activity, has effects done, and wakes the
// session for calls that need its container.
import { accountOf } from "../account/rpc.ts";
import { sleepSettings } from "../env.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import type { Problem } from "../contract/errors.ts";
import { creationEventId } from "../contract/ids.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Activity } from "./activity.ts";
import type { Budgets } from "./budgets.ts";
import type { Effects } from "./effects.ts";
import { EventOutbox } from "./event-outbox.ts";
import type { History } from "./history/history.ts";
import { HistoryNotes } from "./history/notes.ts";
import { step } from "./machine.ts";
import { stateEvent } from "./state-events.ts";
import { deadlinesOf, GONE, isAlive, visibleState } from "./state.ts";
import type { SessionEffect, SessionEvent } from "./machine.ts";
import type { SessionState } from "./state.ts";
import { timingOf } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import type { SessionStore, StoredSession } from "./store.ts";
import { earliest } from "../lib/deadlines.ts";

/** Activity is kept in memory and stored this often at the most. */
const ACTIVITY_STORED_MS = 60_000;
/** A call that comes while the container is being released waits for its end; this often at the most. */
const ROUSE_ATTEMPTS = 3;

/** How long calls that are under way may hold up the removal of a session that was made for one execution. */
const LAST_ANSWERS_MS = 5000;

/** After an alarm that was not over. */
const ALARM_AGAIN_MS = 10_000;

export class Lifecycle {
  /** To the account, which keeps them and tells them on. */
  readonly events: EventOutbox;
  /** What the platform writes into the history. */
  readonly notes: HistoryNotes;
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: SessionStore;
  readonly #activity: Activity;
  readonly #effects: Effects;
  readonly #budgets: Budgets;
  readonly #history: History;
  #session: StoredSession | null;
  #alarmAt: number | null = null;
  #exclusive: Promise<unknown> = Promise.resolve();
  #told: Promise<void> = Promise.resolve();

  constructor(
    ctx: DurableObjectState,
    env: Env,
    own: {
      readonly store: SessionStore;
      readonly activity: Activity;
      readonly effects: Effects;
      readonly budgets: Budgets;
      readonly history: History;
    },
    session: StoredSession | null,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = own.store;
    this.#activity = own.activity;
    this.#effects = own.effects;
    this.#budgets = own.budgets;
    this.#history = own.history;
    this.#session = session;
    const record = (): SessionRecord | null => this.#session?.record ?? null;
    const waitUntil = (work: Promise<void>): void => ctx.waitUntil(work);
    this.notes = new HistoryNotes({ history: own.history, record, waitUntil });
    this.events = new EventOutbox(env, { store: own.store, notes: this.notes, record, waitUntil });
  }

  get session(): StoredSession | null {
    return this.#session;
  }

  get state(): SessionState {
    return this.#session?.state ?? GONE;
  }

  /** Stored before it is entered anywhere: were the object lost in between, the alarm would still remove it. */
  async create(record: SessionRecord, options: { readonly asleep: boolean }): Promise<void> {
    this.#activity.note(record.createdAt);
    this.#session = { record, state: GONE, lastActive: record.createdAt };
    this.#store.create(this.#session);
    const id = creationEventId(record.id);
    this.notes.note({ id, type: "session.created", at: record.createdAt, data: {} }, { store: true });
    await this.apply({ type: "create", expiresAt: record.expiresAt, asleep: options.asleep });
  }

  change(record: SessionRecord): void {
    if (this.#session !== null) {
      this.#session = { ...this.#session, record };
      this.#store.save(this.#session);
    }
  }

  async erase(): Promise<void> {
    this.#session = null;
    this.#alarmAt = null;
    this.#history.end();
    await this.#store.erase();
  }

  /** The session for who asks; `null` asks as the public, for a preview. */
  find(accountId: string | null): Result<StoredSession> {
    const session = this.#session;
    if (
      session === null ||
      !isAlive(session.state, Date.now()) ||
      (accountId !== null && accountId !== session.record.accountId)
    ) {
      return fail("session_not_found", "There is no such session. It may have expired or been deleted; create one.");
    }
    return ok(session);
  }

  /** As `find`, for a call that needs the container: what is frozen goes on, and the next use of the container wakes it. */
  async rouse(accountId: string | null): Promise<Result<StoredSession>> {
    for (let attempt = 1; ; attempt++) {
      const session = await this.#admit(accountId);
      if (!session.ok) {
        return session;
      }
      this.#noteActivity();
      if (this.state.phase === "active" && !this.#effects.frozen) {
        return session;
      }
      if (this.state.phase === "releasing") {
        await this.#do("release", session.value.record);
      } else {
        await this.apply({ type: "rouse" });
      }
      const thawed = await this.#effects.thaw(session.value.record);
      if (!thawed.ok) {
        return thawed;
      }
      if (this.state.phase === "active") {
        return this.find(accountId);
      }
      if (attempt === ROUSE_ATTEMPTS) {
        return fail("container_unavailable", "The session's container is being released. Try again.");
      }
    }
  }

  /** As `find`, once nobody has the container for himself and the budgets allow its use. */
  async #admit(accountId: string | null): Promise<Result<StoredSession>> {
    for (;;) {
      let free: unknown = null;
      if (this.refusal() === null) {
        await this.#untilFree();
        free = this.#exclusive;
      }
      const session = this.find(accountId);
      if (!session.ok) {
        return session;
      }
      const refused = await this.#budgets.admit(this.state.phase);
      if (refused !== null) {
        return { ok: false, error: refused };
      }
      // The account may have been asked, and the session changed or deleted, or the container taken, meanwhile.
      if (free === this.#exclusive) {
        return this.find(accountId);
      }
    }
  }

  /** Why the container may not be used, as far as is known. */
  refusal(): Problem | null {
    return this.#budgets.refusal();
  }

  /** A budget is spent, or the account closed: executions are ended, so that their callers get answers, and the session sleeps. */
  exhaust(): Promise<void> {
    return this.exclusively(async () => {
      const { phase } = this.state;
      if (this.#session === null || (phase !== "active" && phase !== "idle")) {
        return;
      }
      const { record } = this.#session;
      // What is idle stands still already.
      const ended = phase === "idle" ? ok(null) : await this.#effects.endAll(record);
      if (!ended.ok) {
        logError("budget_not_kept", { sessionId: record.id, reason: ended.error.message });
      }
      // One that was made for an execution is removed when that has answered.
      if (!record.oneShot) {
        await this.apply({ type: "exhausted" });
      }
    });
  }

  /** The budget may be another one. */
  reviewBudget(): Promise<void> {
    return this.#budgets.consult();
  }

  /** Sets the alarm anew. */
  async reschedule(): Promise<void> {
    if (this.#session !== null) {
      await this.#setAlarm(this.state);
    }
  }

  /** Work during which nobody else may use the container, or wake it. One after the other. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#exclusive.then(work);
    this.#exclusive = done.catch(() => {});
    return done;
  }

  /** As `find`, once nobody has the container for himself. It is not roused. */
  async findFree(accountId: string): Promise<Result<StoredSession>> {
    await this.#untilFree();
    return this.find(accountId);
  }

  /** Work that was asked for meanwhile comes first as well. */
  async #untilFree(): Promise<void> {
    for (let before: unknown = null; before !== this.#exclusive;) {
      before = this.#exclusive;
      await before;
    }
  }

  /** A call may have changed files, or is about to. */
  changed(): void {
    this.#activity.noteChange();
    if (this.state.phase === "active" && this.state.saveAt === null && this.#session?.record.oneShot === false) {
      this.inBackground("session_save_not_planned", this.apply({ type: "changed" }));
    }
  }

  async alarm(): Promise<void> {
    if (this.#session === null) {
      return;
    }
    // Before anything is written: an instance that is lost in the middle leaves an alarm, whoever called this one.
    this.#alarmAt = Date.now() + ALARM_AGAIN_MS;
    await this.#ctx.storage.setAlarm(this.#alarmAt);
    // What an earlier instance of this object had to leave.
    this.#ctx.waitUntil(this.events.flush());
    await this.#budgets.alarm(Date.now());
    await this.apply({ type: "alarm", lastActive: this.#activity.lastAt, busy: this.#activity.busy });
  }

  async apply(event: SessionEvent): Promise<void> {
    if (this.#session === null) {
      return;
    }
    const { record, state: before } = this.#session;
    const timing = timingOf(record, sleepSettings(this.#env));
    const { state, effects } = step(before, event, Date.now(), timing);
    this.#session = { ...this.#session, state };
    this.#store.save(this.#session);
    this.#emit(before, event.type, state);
    this.#budgets.note(state);
    await this.#setAlarm(state);
    if (isAlive(before, Date.now()) && visibleState(before) !== visibleState(state)) {
      this.#tellAccount();
    }
    for (const effect of effects) {
      if (effect === "erase") {
        await this.erase();
        return;
      }
      if (effect === "remove") {
        // What is not told by now is erased.
        await this.events.flush();
      }
      await this.#do(effect, record, state);
    }
  }

  #emit(before: SessionState, happened: SessionEvent["type"], after: SessionState): void {
    const event = stateEvent(before, happened, after, happened === "lost" ? this.#store.loadFact("lastLoss") : null);
    if (event !== null && this.#session?.record.oneShot === false) {
      this.events.emit(event.type, event.data, { store: true });
    }
  }

  /** One that was made for an execution ends with it: who killed that gets an answer first. */
  async remove(): Promise<void> {
    if (this.#session?.record.oneShot === true) {
      await this.#activity.quiet(LAST_ANSWERS_MS);
    }
    await this.apply({ type: "delete" });
  }

  async #do(effect: Exclude<SessionEffect, "erase">, record: SessionRecord, state = this.state): Promise<void> {
    const report = await this.#effects.run(effect, state, record);
    if (report !== null) {
      await this.apply(report);
    }
  }

  inBackground(failure: string, work: Promise<unknown>): void {
    const sessionId = this.#session?.record.id;
    this.#ctx.waitUntil(work.catch((error: unknown) => logError(failure, { sessionId, reason: describe(error) })));
  }

  #noteActivity(): void {
    this.#activity.note();
    if (this.#session !== null && this.#activity.lastAt - this.#session.lastActive > ACTIVITY_STORED_MS) {
      this.#session = { ...this.#session, lastActive: this.#activity.lastAt };
      this.#store.save(this.#session);
    }
  }

  async #setAlarm(state: SessionState): Promise<void> {
    const alarm = earliest({ ...deadlinesOf(state), ...this.#budgets.deadlines });
    if (alarm !== null && alarm !== this.#alarmAt) {
      this.#alarmAt = alarm;
      await this.#ctx.storage.setAlarm(alarm);
    }
  }

  /** The list of sessions shows their states. */
  #tellAccount(): void {
    const session = this.#session;
    if (session !== null && isAlive(session.state, Date.now()) && !session.record.oneShot) {
      const { id, accountId } = session.record;
      // One after the other, and each what is true then, so that the last word is the newest.
      this.#told = this.#told
        .then(() => accountOf(this.#env, accountId).note(id, visibleState(this.state)))
        .catch((error: unknown) => logError("account_not_told", { sessionId: id, reason: describe(error) }));
      this.#ctx.waitUntil(this.#told);
    }
  }
}
