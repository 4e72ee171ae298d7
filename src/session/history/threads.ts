// The threads of a session's history. Each counts its own events; what a client keeps with it lies apart, so that an append
// does not write it again.
import { HISTORY } from "../../contract/limits.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { KEYS_MOST, THREAD_COLUMNS } from "./rows.ts";
import type { ThreadRow } from "./rows.ts";

export class Threads {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find(id: string): ThreadRow | null {
    return this.#sql.exec<ThreadRow>(`SELECT ${THREAD_COLUMNS} FROM thread WHERE id = ?`, id).toArray()[0] ?? null;
  }

  idOf(key: number): string {
    return this.#sql.exec<{ id: string }>("SELECT id FROM thread WHERE key = ?", key).one().id;
  }

  /** @throws ProblemError `conflict` where there are as many as there may be */
  findOrCreate(id: string, now: number): ThreadRow {
    return this.find(id) ?? this.#create(id, now);
  }

  record(key: number): string | null {
    const query = "SELECT record FROM thread_record WHERE thread = ?";
    return this.#sql.exec<{ record: string }>(query, key).toArray()[0]?.record ?? null;
  }

  /** `createdAt` null: as it is, or now. @throws ProblemError as `findOrCreate` */
  put(id: string, record: string, createdAt: number | null, now: number): void {
    const { key } = this.findOrCreate(id, createdAt ?? now);
    this.#sql.exec(
      "UPDATE thread SET updated_at = ?, created_at = coalesce(?, created_at) WHERE key = ?",
      now,
      createdAt,
      key,
    );
    this.#sql.exec("INSERT OR REPLACE INTO thread_record (thread, record) VALUES (?, ?)", key, record);
  }

  count(key: number, change: { readonly lastIndex: number; readonly events: number }): void {
    this.#sql.exec("UPDATE thread SET last_index = ?, events = ? WHERE key = ?", change.lastIndex, change.events, key);
  }

  hasEvents({ besides }: { readonly besides: number }): boolean {
    return this.#sql.exec("SELECT 1 FROM thread WHERE events > 0 AND key <> ? LIMIT 1", besides).toArray().length > 0;
  }

  remove(key: number): void {
    this.#sql.exec("DELETE FROM thread_record WHERE thread = ?", key);
    this.#sql.exec("DELETE FROM thread WHERE key = ?", key);
  }

  /** Those after one, by the time they were made and their ids. */
  list(after: { readonly createdAt: number; readonly id: string } | null, limit: number): ThreadRow[] {
    const { createdAt, id } = after ?? { createdAt: -1, id: "" };
    return this.#sql
      .exec<ThreadRow>(
        `SELECT ${THREAD_COLUMNS} FROM thread WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
        createdAt,
        id,
        limit,
      )
      .toArray();
  }

  #create(id: string, now: number): ThreadRow {
    const { count, last } = this.#sql
      .exec<{ count: number; last: number }>(
        "SELECT count(*) AS count, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'thread') AS last FROM thread",
      )
      .one();
    if (count >= HISTORY.threads || last >= KEYS_MOST) {
      throw new ProblemError(
        "conflict",
        `This session has ${count} threads, and ${HISTORY.threads} are the most. Delete one first.`,
        { threadsMax: HISTORY.threads },
      );
    }
    return this.#sql
      .exec<ThreadRow>(
        `INSERT INTO thread (id, created_at, updated_at) VALUES (?, ?, ?) RETURNING ${THREAD_COLUMNS}`,
        id,
        now,
        now,
      )
      .one();
  }
}
