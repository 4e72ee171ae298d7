// The tables of idempotency keys: what a key was first used for, the ids that were reserved for it, and the answer. Writes
// of one call without an await in between are stored all or none.
import { IDEMPOTENCY_KEPT_MS } from "../contract/limits.ts";
import type { Database } from "./database.ts";
import type { KeptAnswer, ReservedIds } from "./rpc.ts";

export interface StoredKey {
  /** What was asked, as a digest. */
  readonly fingerprint: string;
  readonly startedAt: number;
  readonly ids: ReservedIds;
  readonly answered: boolean;
}

/** Below the 2 MB that a row may have. */
const PART_BYTES = 1_000_000;

type Row = { fingerprint: string; started_at: number; ids: string; status: number | null };

export class IdempotencyStore {
  readonly #database: Database;
  /** Counted once, since counting reads every row. */
  #totals: { keys: number; bytes: number } | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  find(key: string): StoredKey | null {
    const row = this.#exec<Row>("SELECT fingerprint, started_at, ids, status FROM idempotency WHERE key = ?", key)[0];
    if (row === undefined) {
      return null;
    }
    // SAFETY: `reserve` is the only writer.
    const ids = JSON.parse(row.ids) as ReservedIds;
    return { fingerprint: row.fingerprint, startedAt: row.started_at, ids, answered: row.status !== null };
  }

  reserve(key: string, { fingerprint, startedAt, ids }: Omit<StoredKey, "answered">): void {
    const totals = this.totals();
    this.#exec(
      "INSERT INTO idempotency (key, fingerprint, started_at, ids) VALUES (?, ?, ?, ?)",
      key,
      fingerprint,
      startedAt,
      JSON.stringify(ids),
    );
    totals.keys++;
  }

  keep(key: string, { status, body, lastSeq }: KeptAnswer): void {
    const totals = this.totals();
    for (let offset = 0, seq = 0; offset < body.byteLength; offset += PART_BYTES, seq++) {
      const part = body.slice(offset, offset + PART_BYTES);
      this.#exec("INSERT OR REPLACE INTO idempotency_part (key, seq, chunk) VALUES (?, ?, ?)", key, seq, part.buffer);
    }
    this.#exec(
      "UPDATE idempotency SET status = ?, last_seq = ?, size = ? WHERE key = ?",
      status,
      lastSeq,
      body.byteLength,
      key,
    );
    totals.bytes += body.byteLength;
  }

  /** The answer of a key that is `answered`. */
  answer(key: string): KeptAnswer {
    const [head] = this.#exec<{ status: number; last_seq: number | null; size: number }>(
      "SELECT status, last_seq, size FROM idempotency WHERE key = ?",
      key,
    );
    if (head === undefined) {
      throw new Error("an answer was asked for that is not kept");
    }
    const body = new Uint8Array(head.size);
    let offset = 0;
    const parts = "SELECT chunk FROM idempotency_part WHERE key = ? ORDER BY seq";
    for (const { chunk } of this.#exec<{ chunk: ArrayBuffer }>(parts, key)) {
      body.set(new Uint8Array(chunk), offset);
      offset += chunk.byteLength;
    }
    return { status: head.status, body, lastSeq: head.last_seq };
  }

  forget(key: string): void {
    const totals = this.totals();
    this.#exec("DELETE FROM idempotency_part WHERE key = ?", key);
    for (const { size } of this.#exec<{ size: number }>("DELETE FROM idempotency WHERE key = ? RETURNING size", key)) {
      totals.keys--;
      totals.bytes -= size;
    }
  }

  /** Removes what was kept long enough; gives when the next is to be removed, or null when none is left. */
  expire(now: number): number | null {
    if (!this.#database.ready) {
      return null;
    }
    const expired = "SELECT key FROM idempotency WHERE started_at <= ?";
    this.#exec(`DELETE FROM idempotency_part WHERE key IN (${expired})`, now - IDEMPOTENCY_KEPT_MS);
    this.#exec("DELETE FROM idempotency WHERE started_at <= ?", now - IDEMPOTENCY_KEPT_MS);
    this.#totals = null;
    return this.nextExpiry();
  }

  nextExpiry(): number | null {
    const [row] = this.#exec<{ oldest: number | null }>("SELECT min(started_at) AS oldest FROM idempotency");
    return row === undefined || row.oldest === null ? null : row.oldest + IDEMPOTENCY_KEPT_MS;
  }

  totals(): { keys: number; bytes: number } {
    const count = "SELECT count(*) AS keys, total(size) AS bytes FROM idempotency";
    this.#totals ??= this.#exec<{ keys: number; bytes: number }>(count)[0] ?? { keys: 0, bytes: 0 };
    return this.#totals;
  }

  #exec<T extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]): T[] {
    this.#database.prepare();
    return this.#database.exec<T>(query, ...values);
  }
}
