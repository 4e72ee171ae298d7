// One account's Durable Object: the exact index of its sessions and the owner of their names. The sessions themselves
// keep it true; what one failed to take back expires with its time to live. It counts the account's requests and knows
// its idempotency keys as well, since here nothing happens twice at once. Its methods are those of rpc.ts.
import { DurableObject } from "cloudflare:workers";
import type { Session } from "../contract/session.ts";
import type { Env } from "../env.ts";
import { hasSchema, migrate } from "../lib/schema.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import { Idempotency } from "./idempotency.ts";
import { IdempotencyStore } from "./idempotency-store.ts";
import { MIGRATIONS } from "./migrations.ts";
import { countRequest, isOpen } from "./rate-limit.ts";
import type { RateDecision, RateWindow } from "./rate-limit.ts";
import type { Begun, KeyedCall, SessionPage, SessionQuery } from "./rpc.ts";

/** How a JSON value of `metadata` reads in a query: text as it is, the rest as JSON. */
const VALUE_AS_TEXT = `CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null'
  ELSE CAST(value AS TEXT) END`;
const HAS_METADATA = `EXISTS (SELECT 1 FROM json_each(session.record, '$.metadata')
  WHERE key = ? AND ${VALUE_AS_TEXT} = ?)`;

/** Above so many, those of keys that were quiet for a while are dropped. */
const RATE_WINDOWS = 1000;

export class Account extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #idempotency: Idempotency;
  /** By key. Not stored, so that a request costs no write: an object that was evicted begins new windows. */
  readonly #rateWindows = new Map<string, RateWindow>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#idempotency = new Idempotency(new IdempotencyStore(ctx.storage), {
      storage: ctx.storage,
      findSession: (name) => this.find(name),
    });
    if (hasSchema(ctx.storage)) {
      migrate(ctx.storage, MIGRATIONS);
    }
  }

  enter(record: SessionRecord): Result<null> {
    migrate(this.ctx.storage, MIGRATIONS);
    const now = Date.now();
    this.#sql.exec("DELETE FROM session WHERE expires_at <= ?", now);
    if (record.name !== null) {
      const owner = this.find(record.name);
      if (owner !== null && owner !== record.id) {
        return fail("conflict", `The name ${record.name} is taken by session ${owner}. Choose another.`, {
          name: record.name,
          sessionId: owner,
        });
      }
    }
    this.#sql.exec(
      `INSERT INTO session (id, name, created_at, expires_at, record) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, expires_at = excluded.expires_at, record = excluded.record`,
      record.id,
      record.name,
      record.createdAt,
      record.expiresAt,
      JSON.stringify(record),
    );
    return ok(null);
  }

  note(sessionId: string, state: Session["state"]): void {
    if (hasSchema(this.ctx.storage)) {
      this.#sql.exec("UPDATE session SET state = ? WHERE id = ?", state, sessionId);
    }
  }

  release(sessionId: string): void {
    if (hasSchema(this.ctx.storage)) {
      this.#sql.exec("DELETE FROM session WHERE id = ?", sessionId);
    }
  }

  find(name: string): string | null {
    if (!hasSchema(this.ctx.storage)) {
      return null;
    }
    const rows = this.#sql.exec<{ id: string }>(
      "SELECT id FROM session WHERE name = ? AND expires_at > ?",
      name,
      Date.now(),
    );
    return rows.toArray()[0]?.id ?? null;
  }

  countRequest(keyId: string, limit: number): RateDecision {
    const now = Date.now();
    const { window, decision } = countRequest(this.#rateWindows.get(keyId), limit, now);
    this.#rateWindows.set(keyId, window);
    if (this.#rateWindows.size > RATE_WINDOWS) {
      for (const [id, other] of this.#rateWindows) {
        if (!isOpen(other, now)) {
          this.#rateWindows.delete(id);
        }
      }
    }
    return decision;
  }

  begin(call: KeyedCall): Promise<Begun> {
    return this.#idempotency.begin(call);
  }

  override async alarm(): Promise<void> {
    await this.#idempotency.expire();
  }

  list(query: SessionQuery): SessionPage {
    if (!hasSchema(this.ctx.storage)) {
      return { sessions: [], total: 0 };
    }
    const filters = Object.entries(query.metadata);
    const ofState = query.state === undefined ? [] : [query.state];
    const where = ["expires_at > ?", ...ofState.map(() => "state = ?"), ...filters.map(() => HAS_METADATA)].join(
      " AND ",
    );
    const values = [Date.now(), ...ofState, ...filters.flat()];
    const total = this.#sql.exec<{ total: number }>(`SELECT count(*) AS total FROM session WHERE ${where}`, ...values);
    const sessions = this.#sql.exec<{ record: string; state: Session["state"] }>(
      `SELECT record, state FROM session WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
      ...values,
      query.limit,
      query.offset,
    );
    return {
      // SAFETY: `enter` and `note` are the only writers.
      sessions: sessions
        .toArray()
        .map((row) => ({ record: JSON.parse(row.record) as SessionRecord, state: row.state })),
      total: total.one().total,
    };
  }
}
