// The registry: one Durable Object that knows which accounts there are and keeps the audit log. Only the operator asks it;
// requests of accounts never pass here. What an account's own object has not been told, or still holds while it is being
// deleted, an alarm sees to, however often this object is lost in between. Its methods are those of registry-rpc.ts.
import { DurableObject } from "cloudflare:workers";
import type {
  Account,
  AccountList,
  AuditPage,
  CreateAccount,
  CreateKey,
  NewAccount,
  NewKey,
  UpdateAccount,
} from "../contract/account.ts";
import { SCOPES } from "../contract/scopes.ts";
import { newId } from "../contract/ids.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { Attempts } from "./attempts.ts";
import { planOf } from "./plan.ts";
import type { AuditEvent, Paging, RegistryRpc } from "./registry-rpc.ts";
import { RegistryStore } from "./registry-store.ts";
import { accountOf } from "./rpc.ts";
import type { AccountSettings } from "./rpc.ts";

const BY_OPERATOR = { actor: "operator" } as const;
/** Before the alarm does what a call did not get done. */
const AGAIN_MS = 15_000;
/** One call of an account's object; `erase` has the removal of sessions in it. */
const TELL_MS = 10_000;
const ERASE_MS = 120_000;
/** Accounts that one alarm works on. */
const ACCOUNTS_AT_ONCE = 10;
const AUDIT_EXPIRY_MS = 24 * 60 * 60 * 1000;

export class Registry extends DurableObject<Env> implements RegistryRpc {
  readonly #store: RegistryStore;
  readonly #attempts = new Attempts();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RegistryStore(ctx.storage);
  }

  async create({ name, plan, limits = {} }: CreateAccount): Promise<Result<NewAccount>> {
    const settings: AccountSettings = {
      id: newId("acc"),
      name,
      plan,
      limits,
      status: "active",
      budget: null,
      createdAt: Date.now(),
    };
    await this.#change(settings, { action: "account.created", details: { name, plan } });
    const key = await accountOf(this.env, settings.id).createKey({ name: "first", scopes: [...SCOPES] }, BY_OPERATOR);
    return key.ok ? ok({ ...viewOf(settings), key: key.value.key, keyId: key.value.id }) : key;
  }

  async list(paging: Paging): Promise<AccountList> {
    const { accounts, total } = this.#store.list(paging);
    return { accounts: accounts.map(viewOf), total };
  }

  async get(accountId: string): Promise<Result<Account>> {
    const settings = this.#store.find(accountId);
    return settings === null ? unknown(accountId) : ok(viewOf(settings));
  }

  async update(accountId: string, changes: UpdateAccount): Promise<Result<Account>> {
    const found = this.#living(accountId);
    if (!found.ok) {
      return found;
    }
    const before = found.value;
    const plan = changes.plan ?? before.plan;
    if (changes.limits !== undefined && plan !== "enterprise") {
      return fail("invalid_request", "`limits` are for enterprise accounts only. Change the plan with them.");
    }
    const after: AccountSettings = {
      ...before,
      name: changes.name ?? before.name,
      plan,
      limits: plan === "enterprise" ? (changes.limits ?? before.limits) : {},
      status: changes.status ?? before.status,
      budget: changes.budget === undefined ? before.budget : changes.budget,
    };
    await this.#change(after, { action: "account.changed", details: { ...changes } });
    return ok(viewOf(after));
  }

  async remove(accountId: string): Promise<Result<Account>> {
    const before = this.#store.find(accountId);
    if (before === null) {
      return unknown(accountId);
    }
    if (before.status === "deleting") {
      return ok(viewOf(before));
    }
    const settings: AccountSettings = { ...before, status: "deleting" };
    await this.#change(settings, { action: "account.deleted", details: { name: before.name } });
    await this.ctx.storage.setAlarm(Date.now());
    return ok(viewOf(settings));
  }

  async createKey(accountId: string, key: CreateKey): Promise<Result<NewKey>> {
    const account = this.#living(accountId);
    return account.ok ? accountOf(this.env, accountId).createKey(key, BY_OPERATOR) : account;
  }

  async audit(query: Paging & { readonly accountId?: string | undefined }): Promise<AuditPage> {
    return this.#store.audit(query);
  }

  async record(event: AuditEvent): Promise<void> {
    this.#store.record(event, Date.now());
    await this.#alarmBy(Date.now() + AUDIT_EXPIRY_MS);
  }

  async attempt(client: string, options: { readonly failed: boolean }): Promise<number | null> {
    return this.#attempts.attempt(client, options, Date.now());
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#store.expireAudit(now);
    const unfinished = this.#store.unfinished(ACCOUNTS_AT_ONCE);
    const worked = await Promise.all(unfinished.map((settings) => this.#finish(settings)));
    if (unfinished.length > 0) {
      // At once where there is more to do of what worked.
      await this.#alarmBy(worked.includes(false) ? Date.now() + AGAIN_MS : Date.now());
    } else if (this.#store.hasAudit) {
      await this.#alarmBy(now + AUDIT_EXPIRY_MS);
    }
  }

  /** Kept here first; then the account's object is told, by this call or by the alarm. */
  async #change(settings: AccountSettings, event: Pick<AuditEvent, "action" | "details">): Promise<void> {
    this.#store.save(settings);
    this.#store.record({ ...event, accountId: settings.id, actor: "operator" }, Date.now());
    await this.#alarmBy(Date.now() + AGAIN_MS);
    await this.#tell(settings);
  }

  async #tell(settings: AccountSettings): Promise<void> {
    await within(accountOf(this.env, settings.id).configure(settings), TELL_MS);
    this.#store.noteTold(settings);
  }

  /** Whether it worked, not whether all is done. */
  async #finish(settings: AccountSettings): Promise<boolean> {
    const { id, status } = settings;
    try {
      await this.#tell(settings);
      if (status === "deleting" && (await within(accountOf(this.env, id).erase(), ERASE_MS))) {
        this.#store.remove(id);
        this.#store.record({ action: "account.erased", accountId: id, actor: null, details: {} }, Date.now());
      }
      return true;
    } catch (error) {
      logError("account_not_told", { accountId: id, status, reason: describe(error) });
      return false;
    }
  }

  #living(accountId: string): Result<AccountSettings> {
    const settings = this.#store.find(accountId);
    if (settings === null) {
      return unknown(accountId);
    }
    return settings.status === "deleting"
      ? fail("conflict", `Account ${accountId} is being deleted. Create another.`, { accountId })
      : ok(settings);
  }

  async #alarmBy(at: number): Promise<void> {
    const current = await this.ctx.storage.getAlarm();
    if (current === null || current > at) {
      await this.ctx.storage.setAlarm(at);
    }
  }
}

function viewOf(settings: AccountSettings): Account {
  return {
    id: settings.id,
    name: settings.name,
    plan: settings.plan,
    limits: planOf(settings),
    status: settings.status,
    budget: settings.budget,
    createdAt: new Date(settings.createdAt).toISOString(),
  };
}

function unknown(accountId: string): Result<never> {
  return fail("not_found", `There is no account ${accountId}. List the accounts.`, { accountId });
}
