// Drives the machine: keeps the session's state, its alarm and its time of last activity, has effects done, and wakes the
// session for calls that need its container.
import { accountOf } from "../account/rpc.ts";
import { sleepSettings } from "../env.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Activity } from "./activity.ts";
import type { Effects } from "./effects.ts";
import { step } from "./machine.ts";
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

export class Lifecycle {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #store: SessionStore;
  readonly #activity: Activity;
  readonly #effects: Effects;
  #session: StoredSession | null;
  #alarmAt: number | null = null;
  #exclusive: Promise<unknown> = Promise.resolve();
  #told: Promise<void> = Promise.resolve();

  constructor(
    ctx: DurableObjectState,
    env: Env,
    own: { readonly store: SessionStore; readonly activity: Activity; readonly effects: Effects },
    session: StoredSession | null,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#store = own.store;
    this.#activity = own.activity;
    this.#effects = own.effects;
    this.#session = session;
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
      await this.#untilFree();
      const session = this.find(accountId);
      if (!session.ok) {
        return session;
      }
      this.#noteActivity(session.value);
      if (this.state.phase === "active" && !this.#effects.frozen) {
        return session;
      }
      if (this.state.phase === "releasing") {
        await this.#do("release", session.value.record);
      } else {
        await this.apply({ type: "rouse" });
      }
      await this.#effects.thaw(session.value.record);
      if (this.state.phase === "active") {
        return this.find(accountId);
      }
      if (attempt === ROUSE_ATTEMPTS) {
        return fail("container_unavailable", "The session's container is being released. Try again.");
      }
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

  alarm(): Promise<void> {
    this.#alarmAt = null;
    return this.apply({ type: "alarm", lastActive: this.#activity.lastAt, busy: this.#activity.busy });
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
    await this.#setAlarm(state);
    if (isAlive(before, Date.now()) && visibleState(before) !== visibleState(state)) {
      this.tellAccount();
    }
    for (const effect of effects) {
      if (effect === "erase") {
        await this.erase();
        return;
      }
      await this.#do(effect, record, state);
    }
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

  #noteActivity(session: StoredSession): void {
    this.#activity.note();
    if (this.#activity.lastAt - session.lastActive > ACTIVITY_STORED_MS) {
      this.#session = { ...session, lastActive: this.#activity.lastAt };
      this.#store.save(this.#session);
    }
  }

  async #setAlarm(state: SessionState): Promise<void> {
    const alarm = earliest(deadlinesOf(state));
    if (alarm !== null && alarm !== this.#alarmAt) {
      this.#alarmAt = alarm;
      await this.#ctx.storage.setAlarm(alarm);
    }
  }

  /** The list of sessions shows their states. */
  tellAccount(): void {
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
