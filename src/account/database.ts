// The database of one account, for all parts of its object. Nothing is written before an account has something to keep:
// who guesses account ids leaves no trace.
import { hasSchema, migrate } from "../lib/schema.ts";
import { MIGRATIONS } from "./migrations.ts";

export class Database {
  readonly storage: DurableObjectStorage;
  #ready: boolean;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    this.#ready = hasSchema(storage);
    if (this.#ready) {
      migrate(storage, MIGRATIONS);
    }
  }

  /** Whether there are tables. Reading asks this first. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Before anything is written. */
  prepare(): void {
    if (!this.#ready) {
      migrate(this.storage, MIGRATIONS);
      this.#ready = true;
    }
  }

  /** @throws Error where there are no tables */
  exec<T extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]): T[] {
    return this.storage.sql.exec<T>(query, ...values).toArray();
  }

  /** All of it, the alarm included. */
  async erase(): Promise<void> {
    this.#ready = false;
    await this.storage.deleteAlarm();
    await this.storage.deleteAll();
  }
}
