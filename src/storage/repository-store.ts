// What a repository keeps about itself: which one it is, uploads that are under way, sessions that are gone, keys whose
// deletion is decided. Nothing is written before `create` nor after `erase`: late writers find it closed.
import { hasSchema, migrate } from "../lib/schema.ts";
import { MIGRATIONS } from "./repository-migrations.ts";

type Value = string | number | null;

export class RepositoryStore {
  readonly #storage: DurableObjectStorage;
  #exists: boolean;
  #erasure: Promise<unknown> = Promise.resolve();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#exists = hasSchema(storage);
    if (this.#exists) {
      migrate(storage, MIGRATIONS);
    }
  }

  get exists(): boolean {
    return this.#exists;
  }

  /** No rows, and nothing done, where there is no repository. */
  rows<Row extends Record<string, SqlStorageValue>>(query: string, ...values: readonly Value[]): Row[] {
    return this.#exists ? this.#storage.sql.exec<Row>(query, ...values).toArray() : [];
  }

  transaction<T>(work: () => T): T {
    return this.#storage.transactionSync(work);
  }

  /** Makes the database at the first call. */
  create(id: string, sweepAt: number): void {
    if (this.#exists) {
      return;
    }
    migrate(this.#storage, MIGRATIONS);
    this.#exists = true;
    this.rows("INSERT OR IGNORE INTO repository (only, id, sweep_at) VALUES (1, ?, ?)", id, sweepAt);
  }

  id(): string | null {
    return this.rows<{ id: string }>("SELECT id FROM repository")[0]?.id ?? null;
  }

  sweepAt(): number | null {
    return this.rows<{ at: number }>("SELECT sweep_at AS at FROM repository")[0]?.at ?? null;
  }

  setSweepAt(at: number): void {
    this.rows("UPDATE repository SET sweep_at = ?", at);
  }

  /** Sweeps at that time at the latest: an upload was given up, and what it left has to be found. */
  sweepBy(at: number): void {
    this.rows("UPDATE repository SET sweep_at = min(sweep_at, ?)", at);
  }

  pin(sessionId: string, now: number): void {
    this.rows("INSERT OR REPLACE INTO pin (session_id, began_at) VALUES (?, ?)", sessionId, now);
  }

  /** True when there was one. One that began after `beganBy` belongs to a later upload, and stays. */
  unpin(sessionId: string, beganBy: number): boolean {
    const query = "DELETE FROM pin WHERE session_id = ? AND began_at <= ? RETURNING 1";
    return this.rows(query, sessionId, beganBy).length > 0;
  }

  isPinned(sessionId: string, since: number): boolean {
    return this.rows("SELECT 1 FROM pin WHERE session_id = ? AND began_at > ?", sessionId, since).length > 0;
  }

  /** When the upload that is longest under way began. */
  oldestPin(since: number): number | null {
    return (
      this.rows<{ at: number | null }>("SELECT min(began_at) AS at FROM pin WHERE began_at > ?", since)[0]?.at ?? null
    );
  }

  /** Ends uploads that began so long ago. True when there were some. */
  expirePins(beganBy: number): boolean {
    return this.rows("DELETE FROM pin WHERE began_at <= ? RETURNING 1", beganBy).length > 0;
  }

  markRemoved(sessionId: string, now: number): void {
    this.rows("INSERT OR IGNORE INTO removed (session_id, removed_at) VALUES (?, ?)", sessionId, now);
  }

  isRemoved(sessionId: string): boolean {
    return this.rows("SELECT 1 FROM removed WHERE session_id = ?", sessionId).length > 0;
  }

  forgetRemoved(removedBy: number): void {
    this.rows("DELETE FROM removed WHERE removed_at <= ?", removedBy);
  }

  doom(keys: readonly string[]): void {
    this.rows("INSERT OR IGNORE INTO doomed (key) SELECT value FROM json_each(?)", JSON.stringify(keys));
  }

  doomed(): string[] {
    return this.rows<{ key: string }>("SELECT key FROM doomed").map((row) => row.key);
  }

  forgetDoomed(keys: readonly string[]): void {
    this.rows("DELETE FROM doomed WHERE key IN (SELECT value FROM json_each(?))", JSON.stringify(keys));
  }

  /** Leaves nothing behind, the alarm included. */
  async erase(): Promise<void> {
    this.#exists = false;
    // Both are asked for at once: nothing may be written in between.
    this.#erasure = Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
    await this.#erasure;
  }

  /** Before `create`: until what is being erased is gone. */
  async erased(): Promise<void> {
    await this.#erasure;
  }
}
