// What the front door and the accounts may ask of the registry.
import type {
  Account,
  AccountList,
  AuditAction,
  AuditEntry,
  AuditPage,
  CreateAccount,
  CreateKey,
  NewAccount,
  NewKey,
  UpdateAccount,
} from "../contract/account.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";

export interface AuditEvent {
  readonly action: AuditAction;
  readonly accountId: string | null;
  /** `operator`, or the id of a key; null: nobody that is known. */
  readonly actor: string | null;
  /** Never with a secret in it. */
  readonly details: AuditEntry["details"];
}

export interface Paging {
  readonly limit: number;
  readonly offset: number;
}

export interface RegistryRpc {
  create(account: CreateAccount): Promise<Result<NewAccount>>;
  list(paging: Paging): Promise<AccountList>;
  get(accountId: string): Promise<Result<Account>>;
  update(accountId: string, changes: UpdateAccount): Promise<Result<Account>>;
  /** Its keys are refused from then on; what it owns is removed by the registry's alarm. */
  remove(accountId: string): Promise<Result<Account>>;
  createKey(accountId: string, key: CreateKey): Promise<Result<NewKey>>;
  audit(query: Paging & { readonly accountId?: string | undefined }): Promise<AuditPage>;
  record(event: AuditEvent): Promise<void>;
  /**
   * Somebody from `client` has shown the operator's key, or failed to. Seconds for which nothing from there is looked at,
   * the right key included; null: it counts.
   */
  attempt(client: string, options: { readonly failed: boolean }): Promise<number | null>;
}

const NAME = "registry";

export function registryOf(env: Env): RegistryRpc {
  const stub: unknown = env.REGISTRY.getByName(NAME);
  // SAFETY: account/registry.ts implements it. The generated RPC types give up on what an entry may hold.
  return stub as RegistryRpc;
}
