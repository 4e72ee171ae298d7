// One account's Durable Object, composed of parts: who may come in, its keys, the index of its sessions, its idempotency
// keys. Here nothing happens twice at once, so what it counts is exact. Its methods are those of rpc.ts.
import { DurableObject } from "cloudflare:workers";
import type { CreateKey, KeyList, NewKey, OwnAccount } from "../contract/account.ts";
import type { CreateWebhook, Delivery, DeliveryList, NewWebhook, WebhookList } from "../contract/events.ts";
import { DEVELOPMENT_ACCOUNT, SESSION_ID } from "../contract/ids.ts";
import { PLANS } from "../contract/limits.ts";
import type { RunGrant, RunToken } from "../contract/run-token.ts";
import type { Session } from "../contract/session.ts";
import type { UsageReport } from "../contract/usage.ts";
import type { Env } from "../env.ts";
import { storageOf } from "../data/rpc.ts";
import { earliest } from "../lib/deadlines.ts";
import { describe as reasonOf, logError } from "../lib/log.ts";
import { Refusals } from "../lib/refusals.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import { sessionOf } from "../session/rpc.ts";
import { AdmissionDesk, CLOSED } from "./admission.ts";
import { AccountAlarm } from "./alarm.ts";
import { Database } from "./database.ts";
import { endStreams } from "./ended-keys.ts";
import { Events } from "./events.ts";
import type { Attempt, Claim, DeliveryMessage, EmittedEvent, FollowOptions } from "./events-rpc.ts";
import { Idempotency } from "./idempotency.ts";
import { IdempotencyStore } from "./idempotency-store.ts";
import { KeyStore } from "./keys-store.ts";
import { Keys } from "./keys.ts";
import { registryOf } from "./registry-rpc.ts";
import { RunTokens } from "./run-tokens.ts";
import type { AuditEvent } from "./registry-rpc.ts";
import type {
  AccountBudget,
  AccountSettings,
  Admission,
  Begun,
  By,
  Credential,
  KeyedCall,
  MeterReport,
  PreviewPolicy,
  SessionPage,
  SessionQuery,
  UsageRange,
} from "./rpc.ts";
import { SessionIndex } from "./session-index.ts";
import { Settings } from "./settings.ts";
import { AccountUsage } from "./usage.ts";

const NOTHING = { activeSeconds: 0, executions: 0 } as const;
/** Sessions that one portion of `erase` removes. */
const ERASED_AT_ONCE = 20;

export class Account extends DurableObject<Env> {
  readonly #accountId: string;
  readonly #database: Database;
  readonly #alarm: AccountAlarm;
  readonly #settings: Settings;
  readonly #keyStore: KeyStore;
  readonly #keys: Keys;
  readonly #runTokens: RunTokens;
  readonly #desk: AdmissionDesk;
  readonly #refusals = new Refusals();
  readonly #sessions: SessionIndex;
  readonly #idempotency: Idempotency;
  readonly #usage: AccountUsage;
  readonly #events: Events;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const accountId = (this.#accountId = ctx.id.name ?? DEVELOPMENT_ACCOUNT);
    const database = (this.#database = new Database(ctx.storage));
    const alarm = (this.#alarm = new AccountAlarm(ctx.storage));
    const settings = (this.#settings = new Settings(database, env, accountId));
    const keyStore = (this.#keyStore = new KeyStore(database));
    const keys = (this.#keys = new Keys(keyStore, accountId));
    this.#runTokens = new RunTokens(database, accountId);
    this.#desk = new AdmissionDesk({
      accountId,
      settings,
      keyStore,
      keys,
      refused: (keyId, reason) => this.noteRefusal(keyId, reason),
    });
    const events = (this.#events = new Events(ctx, env, { accountId, database, alarm }));
    this.#sessions = new SessionIndex(database, (type, sessionId) => events.note(type, sessionId));
    this.#idempotency = new Idempotency(new IdempotencyStore(database), {
      alarm,
      findSession: (name) => this.find(name),
    });
    this.#usage = new AccountUsage(database, {
      review: (sessionId) => sessionOf(env, sessionId).reviewBudget(accountId),
      inBackground: (work) => ctx.waitUntil(work),
      exceeded: (details) => events.note("budget.exceeded", null, { ...details }),
    });
  }

  admit(credential: Credential): Admission | Promise<Admission> {
    if (credential.kind === "run") {
      return this.#admitRun(credential.token);
    }
    const admission = this.#desk.admit(credential, Date.now());
    if (admission.kind === "known" && !admission.rate.allowed) {
      const { keyId } = admission.principal;
      this.#events.limitExceeded("rate_limit_exceeded", { keyId, limit: admission.rate.limit });
    }
    return admission;
  }

  noteRefusal(keyId: string | null, reason: string): void {
    const refusal = this.#refusals.note(keyId, reason, Date.now());
    if (refusal !== null) {
      const details = { reason, times: refusal.times };
      this.ctx.waitUntil(this.#audit({ action: "access.refused", actor: keyId, details }));
    }
  }

  async lendToRun(grant: RunGrant): Promise<string | null> {
    return this.#settings.active ? this.#runTokens.lend(grant) : null;
  }

  describe(): Result<OwnAccount> {
    const settings = this.#settings.view;
    return settings === null
      ? fail("not_found", "This account is gone. Ask the operator of this server.")
      : ok({ ...settings, id: this.#accountId, ...this.#usage.budget(Date.now()), sessions: this.#sessions.count() });
  }

  previewPolicy(): PreviewPolicy {
    const { plan, active } = this.#settings;
    return { perMinute: (plan ?? PLANS.free).previewsPerMinute, open: active };
  }

  async configure(settings: AccountSettings): Promise<void> {
    const before = this.#settings.stored;
    this.#settings.save(settings);
    if (settings.status !== "active") {
      this.#events.endStreams(null);
    }
    if (settings.status !== "active" || before?.status === "suspended") {
      await this.#usage.reviewAwake(Date.now());
    }
    if (JSON.stringify(before?.budget ?? null) !== JSON.stringify(settings.budget)) {
      await this.#usage.setBudget(settings.budget, Date.now());
    }
  }

  async createKey(asked: CreateKey, by: By): Promise<Result<NewKey>> {
    const sessionId = asked.sessionId === undefined ? null : this.#sessionOf(asked.sessionId);
    if (asked.sessionId !== undefined && sessionId === null) {
      return fail("session_not_found", "There is no such session. It may have expired or been deleted; create one.");
    }
    const created = await this.#keys.create(asked, sessionId, Date.now());
    if (created.ok) {
      const { id, name, scopes, expiresAt } = created.value;
      const details = { keyId: id, name, scopes, expiresAt, sessionId };
      await this.#audit({ action: "key.created", actor: by.actor, details });
    }
    return created;
  }

  keys(paging: { readonly limit: number; readonly offset: number }): KeyList {
    return this.#keys.list(paging);
  }

  async revokeKey(keyId: string, by: By): Promise<Result<{ deleted: true; id: string }>> {
    const opened = this.#openedBy(keyId);
    const revoked = this.#keys.revoke(keyId);
    if (revoked.ok) {
      await this.#endStreams(keyId, opened);
      await this.#audit({ action: "key.revoked", actor: by.actor, details: { keyId } });
    }
    return revoked;
  }

  async rotateKey(keyId: string, by: By): Promise<Result<NewKey>> {
    const rotated = await this.#keys.rotate(keyId);
    if (rotated.ok) {
      await this.#endStreams(keyId, this.#openedBy(keyId));
      await this.#audit({ action: "key.rotated", actor: by.actor, details: { keyId } });
    }
    return rotated;
  }

  enter(record: SessionRecord, state: Session["state"]): Result<null> {
    const { plan, active } = this.#settings;
    // Let in just before it was suspended or deleted.
    if (plan === null || !active) {
      return { ok: false, error: CLOSED };
    }
    const entered = this.#sessions.enter(record, state, plan);
    if (!entered.ok && entered.error.code === "session_limit_exceeded") {
      this.#events.limitExceeded("session_limit_exceeded", { limit: plan.sessions });
    }
    return entered;
  }

  note(sessionId: string, state: Session["state"]): void {
    this.#sessions.note(sessionId, state);
  }

  release(sessionId: string): void {
    this.#sessions.release(sessionId);
    this.#keys.forgetSession(sessionId);
  }

  find(name: string): string | null {
    return this.#sessions.find(name);
  }

  list(query: SessionQuery): SessionPage {
    return this.#sessions.list(query);
  }

  begin(call: KeyedCall): Promise<Begun> {
    return this.#idempotency.begin(call);
  }

  /** Late words of a session whose account is gone are not written down. */
  meter(report: MeterReport, options: { readonly reserve: boolean }): AccountBudget | null {
    const { plan, active } = this.#settings;
    if (plan === null) {
      return null;
    }
    if (active) {
      return this.#usage.report(report, options, Date.now());
    }
    this.#usage.report(report, { reserve: false }, Date.now());
    return { budget: {}, spent: NOTHING, activeSessions: 0, refused: options.reserve ? CLOSED : null, closed: CLOSED };
  }

  usage(range: UsageRange): UsageReport {
    return this.#usage.query(range, Date.now());
  }

  async erase(): Promise<boolean> {
    const sessionIds = this.#database.ready ? this.#sessions.some(ERASED_AT_ONCE) : [];
    if (sessionIds.length === 0) {
      await storageOf(this.env, this.#accountId).erase();
      // First, so that what comes in meanwhile finds no account to write to.
      this.#settings.forget();
      this.#keyStore.forget();
      await this.#database.erase();
      return true;
    }
    await Promise.all(
      sessionIds.map(async (sessionId) => {
        const destroyed = await sessionOf(this.env, sessionId).destroy(this.#accountId);
        if (!destroyed.ok) {
          // Gone, or on its way: its own alarm sees to it.
          this.release(sessionId);
        }
      }),
    );
    return false;
  }

  emit(emitted: readonly EmittedEvent[]): void {
    // Of an account that was deleted meanwhile, nothing is to be kept.
    if (this.#settings.plan !== null) {
      this.#events.emit(emitted);
    }
  }

  override async fetch(request: Request): Promise<Response> {
    return this.#events.follow(await request.json<FollowOptions>());
  }

  createWebhook(request: CreateWebhook): Result<NewWebhook> {
    return this.#events.webhooks.create(request);
  }

  listWebhooks(): WebhookList {
    return this.#events.webhooks.list();
  }

  deleteWebhook(webhookId: string): Result<{ deleted: true; id: string }> {
    return this.#events.webhooks.remove(webhookId);
  }

  listDeliveries(webhookId: string, paging: { limit: number; offset: number }): Result<DeliveryList> {
    return this.#events.webhooks.deliveries(webhookId, paging);
  }

  replayDelivery(webhookId: string, deliveryId: string): Result<Delivery> {
    return this.#events.webhooks.replay(webhookId, deliveryId);
  }

  claimDelivery(message: DeliveryMessage): Claim {
    return this.#events.webhooks.claim(message);
  }

  settleDelivery(message: DeliveryMessage, attempt: Attempt): { retryInSeconds: number | null } {
    return this.#events.webhooks.settle(message, attempt);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    const next = earliest(
      withoutNulls({ idempotency: this.#idempotency.expire(now), deliveries: this.#events.webhooks.sweep(now) }),
    );
    if (next !== null) {
      await this.#alarm.by(next);
    }
  }

  async #admitRun(token: RunToken): Promise<Admission> {
    const grant = (await this.#runTokens.isSigned(token)) ? token : null;
    return this.#desk.admitRun(grant, (sessionId) => this.#sessions.has(sessionId), Date.now());
  }

  /** Sessions that a key may have streams of. One that sleeps is followed, too, or may be on its way up. */
  #openedBy(keyId: string): readonly string[] {
    const only = this.#keyStore.get(keyId)?.sessionId ?? null;
    return only === null ? this.#sessions.all() : [only];
  }

  /** What was opened with a key ends with it. */
  async #endStreams(keyId: string, sessionIds: readonly string[]): Promise<void> {
    this.#events.endStreams(keyId);
    await endStreams(this.env, sessionIds, { accountId: this.#accountId, keyId });
  }

  #sessionOf(ref: string): string | null {
    if (!SESSION_ID.test(ref)) {
      return this.#sessions.find(ref);
    }
    return this.#sessions.has(ref) ? ref : null;
  }

  /** What has happened has happened: where it cannot be written down, the log of the Worker has it. */
  async #audit(event: Omit<AuditEvent, "accountId">): Promise<void> {
    try {
      await registryOf(this.env).record({ ...event, accountId: this.#accountId });
    } catch (error) {
      logError("audit_failed", { ...event, accountId: this.#accountId, reason: reasonOf(error) });
    }
  }
}

function withoutNulls(times: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(Object.entries(times).filter((entry): entry is [string, number] => entry[1] !== null));
}
