// The tables of an account's webhooks and of what is or was sent to them.
import { EVENTS } from "../contract/limits.ts";
import type { Database } from "./database.ts";
import type { DeliveryRow, WebhookRow } from "./webhook-rows.ts";

type Row = Record<string, SqlStorageValue>;

export class WebhookStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Oldest first. */
  webhooks(): WebhookRow[] {
    return this.#read("SELECT * FROM webhook ORDER BY created_at, id");
  }

  webhook(id: string): WebhookRow | null {
    return this.#read<WebhookRow>("SELECT * FROM webhook WHERE id = ?", id)[0] ?? null;
  }

  addWebhook({ id, url, types, secret, created_at }: WebhookRow): void {
    this.#database.prepare();
    this.#database.exec(
      "INSERT INTO webhook (id, url, types, secret, created_at) VALUES (?, ?, ?, ?, ?)",
      id,
      url,
      types,
      secret,
      created_at,
    );
  }

  saveHealth({ id, failing_since, failures, disabled_reason }: WebhookRow): void {
    this.#database.exec(
      "UPDATE webhook SET failing_since = ?, failures = ?, disabled_reason = ? WHERE id = ?",
      failing_since,
      failures,
      disabled_reason,
      id,
    );
  }

  removeWebhook(id: string): boolean {
    if (this.#read("DELETE FROM webhook WHERE id = ? RETURNING id", id).length === 0) {
      return false;
    }
    this.#database.exec("DELETE FROM delivery WHERE webhook_id = ?", id);
    return true;
  }

  /** False where this event is or was on its way to this webhook already. */
  addDelivery(row: DeliveryRow): boolean {
    const [added] = this.#database.exec<{ seq: number }>(
      `INSERT INTO delivery (id, webhook_id, event_id, type, body, status, error, created_at, next_attempt_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, webhook_id) DO NOTHING RETURNING seq`,
      row.id,
      row.webhook_id,
      row.event_id,
      row.type,
      row.body,
      row.status,
      row.error,
      row.created_at,
      row.next_attempt_at,
    );
    if (added !== undefined) {
      const oldest = added.seq - EVENTS.deliveriesKept;
      this.#database.exec("DELETE FROM delivery WHERE seq <= ? AND status != 'pending'", oldest);
    }
    return added !== undefined;
  }

  delivery(id: string): DeliveryRow | null {
    return this.#read<DeliveryRow>("SELECT * FROM delivery WHERE id = ?", id)[0] ?? null;
  }

  saveDelivery(row: DeliveryRow): void {
    this.#database.exec(
      `UPDATE delivery SET status = ?, round = ?, attempts = ?, tries = ?, response_status = ?, duration_ms = ?,
         error = ?, last_attempt_at = ?, next_attempt_at = ? WHERE id = ?`,
      row.status,
      row.round,
      row.attempts,
      row.tries,
      row.response_status,
      row.duration_ms,
      row.error,
      row.last_attempt_at,
      row.next_attempt_at,
      row.id,
    );
  }

  /** Newest first. */
  deliveries(webhookId: string, { limit, offset }: { limit: number; offset: number }): DeliveryRow[] {
    const query = "SELECT * FROM delivery WHERE webhook_id = ? ORDER BY seq DESC LIMIT ? OFFSET ?";
    return this.#read(query, webhookId, limit, offset);
  }

  countDeliveries(webhookId: string): number {
    const query = "SELECT count(*) AS count FROM delivery WHERE webhook_id = ?";
    return this.#read<{ count: number }>(query, webhookId)[0]?.count ?? 0;
  }

  countPending(): number {
    return (
      this.#read<{ count: number }>("SELECT count(*) AS count FROM delivery WHERE status = 'pending'")[0]?.count ?? 0
    );
  }

  /** Whose attempt should have been made by then, the one that has waited longest first. */
  overdue(at: number, limit: number): DeliveryRow[] {
    const query =
      "SELECT * FROM delivery WHERE status = 'pending' AND next_attempt_at <= ? ORDER BY next_attempt_at LIMIT ?";
    return this.#read(query, at, limit);
  }

  nextAttempt(): number | null {
    const query = "SELECT min(next_attempt_at) AS next FROM delivery WHERE status = 'pending'";
    return this.#read<{ next: number | null }>(query)[0]?.next ?? null;
  }

  failPending(webhookId: string, error: string): void {
    this.#database.exec(
      "UPDATE delivery SET status = 'failed', next_attempt_at = NULL, error = ? WHERE webhook_id = ? AND status = 'pending'",
      error,
      webhookId,
    );
  }

  #read<T extends Row>(query: string, ...values: SqlStorageValue[]): T[] {
    return this.#database.ready ? this.#database.exec<T>(query, ...values) : [];
  }
}
