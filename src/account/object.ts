// One account's Durable Object: the exact index of its sessions and the owner of their names. The sessions themselves
// keep it true; what one failed to take back expires with its time to live. Its methods are those of rpc.ts.
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { hasSchema, migrate } from "../lib/schema.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { SessionPage, SessionQuery } from "./rpc.ts";

/** How a JSON value of `metadata` reads in a query: text as it is, the rest as JSON. */
const VALUE_AS_TEXT = `CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null'
  ELSE CAST(value AS TEXT) END`;
const HAS_METADATA = `EXISTS (SELECT 1 FROM json_each(session.record, '$.metadata')
  WHERE key = ? AND ${VALUE_AS_TEXT} = ?)`;

export class Account extends DurableObject<Env> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
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
      "INSERT OR REPLACE INTO session (id, name, created_at, expires_at, record) VALUES (?, ?, ?, ?, ?)",
      record.id,
      record.name,
      record.createdAt,
      record.expiresAt,
      JSON.stringify(record),
    );
    return ok(null);
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

  list(query: SessionQuery): SessionPage {
    // Every session is active as long as there is nothing that puts one to sleep.
    if (!hasSchema(this.ctx.storage) || (query.state !== undefined && query.state !== "active")) {
      return { records: [], total: 0 };
    }
    const filters = Object.entries(query.metadata);
    const where = ["expires_at > ?", ...filters.map(() => HAS_METADATA)].join(" AND ");
    const values = [Date.now(), ...filters.flat()];
    const total = this.#sql.exec<{ total: number }>(`SELECT count(*) AS total FROM session WHERE ${where}`, ...values);
    const records = this.#sql.exec<{ record: string }>(
      `SELECT record FROM session WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
      ...values,
      query.limit,
      query.offset,
    );
    return {
      // SAFETY: `enter` is the only writer.
      records: records.toArray().map((row) => JSON.parse(row.record) as SessionRecord),
      total: total.one().total,
    };
  }
}
