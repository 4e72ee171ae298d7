// The registry's tables: the accounts that there are, and the audit log.
import type { AuditAction, AuditEntry, AuditPage } from "../contract/account.ts";
import { AUDIT_KEPT } from "../contract/limits.ts";
import { migrate } from "../lib/schema.ts";
import { REGISTRY_MIGRATIONS } from "./registry-migrations.ts";
import type { AuditEvent, Paging } from "./registry-rpc.ts";
import type { AccountSettings } from "./rpc.ts";

/** Entries between two looks at what is too much. */
const EXPIRE_EVERY = 1000;

type Row = { settings: string };

export class RegistryStore {
  readonly #sql: SqlStorage;
  #recorded = 0;

  constructor(storage: DurableObjectStorage) {
    migrate(storage, REGISTRY_MIGRATIONS);
    this.#sql = storage.sql;
  }

  find(accountId: string): AccountSettings | null {
    return this.#read("SELECT settings FROM account WHERE id = ?", accountId)[0] ?? null;
  }

  list({ limit, offset }: Paging): { accounts: readonly AccountSettings[]; total: number } {
    return {
      accounts: this.#read(
        "SELECT settings FROM account ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?",
        limit,
        offset,
      ),
      total: this.#sql.exec<{ total: number }>("SELECT count(*) AS total FROM account").one().total,
    };
  }

  /** The account's own object is still to be told. */
  save(settings: AccountSettings): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO account (id, created_at, status, told, settings) VALUES (?, ?, ?, 0, ?)",
      settings.id,
      settings.createdAt,
      settings.status,
      JSON.stringify(settings),
    );
  }

  /** It was told exactly this. */
  noteTold(settings: AccountSettings): void {
    this.#sql.exec("UPDATE account SET told = 1 WHERE id = ? AND settings = ?", settings.id, JSON.stringify(settings));
  }

  remove(accountId: string): void {
    this.#sql.exec("DELETE FROM account WHERE id = ?", accountId);
  }

  /** Accounts that wait to be told, or to be erased. */
  unfinished(limit: number): readonly AccountSettings[] {
    return this.#read("SELECT settings FROM account WHERE told = 0 OR status = 'deleting' LIMIT ?", limit);
  }

  record({ accountId, action, actor, details }: AuditEvent, at: number): void {
    this.#sql.exec(
      "INSERT INTO audit (at, account_id, action, actor, details) VALUES (?, ?, ?, ?, ?)",
      at,
      accountId,
      action,
      actor,
      JSON.stringify(details),
    );
    if (++this.#recorded % EXPIRE_EVERY === 0) {
      this.expireAudit(at);
    }
  }

  audit({ limit, offset, accountId }: Paging & { readonly accountId?: string | undefined }): AuditPage {
    const where = accountId === undefined ? "" : "WHERE account_id = ?";
    const values = accountId === undefined ? [] : [accountId];
    const rows = this.#sql.exec<{
      at: number;
      account_id: string | null;
      action: string;
      actor: string | null;
      details: string;
    }>(`SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT ? OFFSET ?`, ...values, limit, offset);
    return {
      entries: rows.toArray().map((row) => ({
        at: new Date(row.at).toISOString(),
        // SAFETY: `record` is the only writer.
        action: row.action as AuditAction,
        accountId: row.account_id,
        actor: row.actor,
        // SAFETY: as above.
        details: JSON.parse(row.details) as AuditEntry["details"],
      })),
      total: this.#sql.exec<{ total: number }>(`SELECT count(*) AS total FROM audit ${where}`, ...values).one().total,
    };
  }

  /** Removes what was kept long enough. Of one account, no kind of entry may drive out the others. */
  expireAudit(now: number): void {
    this.#sql.exec("DELETE FROM audit WHERE at <= ?", now - AUDIT_KEPT.ms);
    this.#sql.exec(
      `DELETE FROM audit WHERE seq IN (
         SELECT seq FROM (
           SELECT seq, row_number() OVER (PARTITION BY account_id, action ORDER BY seq DESC) AS place FROM audit
         ) WHERE place > ?)`,
      AUDIT_KEPT.entries,
    );
  }

  get hasAudit(): boolean {
    return this.#sql.exec("SELECT 1 FROM audit LIMIT 1").toArray().length > 0;
  }

  #read(query: string, ...values: SqlStorageValue[]): AccountSettings[] {
    // SAFETY: `save` is the only writer.
    return this.#sql
      .exec<Row>(query, ...values)
      .toArray()
      .map(({ settings }) => JSON.parse(settings) as AccountSettings);
  }
}
