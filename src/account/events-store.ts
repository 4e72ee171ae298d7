// The table of an account's events: numbered as they came, each id once, the newest kept.
import type { Event, EventType } from "../contract/events.ts";
import { EVENTS } from "../contract/limits.ts";
import type { Database } from "./database.ts";
import type { EmittedEvent } from "./events-rpc.ts";

export interface KeptEvent {
  readonly seq: number;
  readonly id: string;
  readonly type: EventType;
  /** An Event as JSON: the very text that is signed and sent. */
  readonly body: string;
}

/** Those that are too old are not told; they are removed this often. */
const AGED_OUT_MS = 60 * 60 * 1000;

export class EventStore {
  readonly #database: Database;
  #agedOutAt = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Null where an event with this id is kept already. */
  append({ id, type, at, sessionId, data }: EmittedEvent): KeptEvent | null {
    const event: Event = { id, type, at: new Date(at).toISOString(), sessionId, data: { ...data } };
    const body = JSON.stringify(event);
    this.#database.prepare();
    const [row] = this.#database.exec<{ seq: number }>(
      "INSERT INTO event (id, type, at, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq",
      id,
      type,
      at,
      body,
    );
    if (row === undefined) {
      return null;
    }
    return { seq: row.seq, id, type, body };
  }

  /** After some were appended, `seq` being the last one's. */
  tidy(seq: number, now: number): void {
    this.#database.exec("DELETE FROM event WHERE seq <= ?", seq - EVENTS.kept);
    if (now - this.#agedOutAt > AGED_OUT_MS) {
      this.#agedOutAt = now;
      this.#database.exec("DELETE FROM event WHERE at <= ?", now - EVENTS.keptMs);
    }
  }

  /** Oldest first. */
  after(seq: number, limit: number): KeptEvent[] {
    const query = "SELECT seq, id, type, body FROM event WHERE seq > ? AND at > ? ORDER BY seq LIMIT ?";
    return this.#database.ready
      ? // SAFETY: `append` is the only writer.
        this.#database.exec<{ seq: number; id: string; type: EventType; body: string }>(
          query,
          seq,
          Date.now() - EVENTS.keptMs,
          limit,
        )
      : [];
  }

  /** Null where it is not kept. */
  seqOf(id: string): number | null {
    const query = "SELECT seq FROM event WHERE id = ?";
    const rows = this.#database.ready ? this.#database.exec<{ seq: number }>(query, id) : [];
    return rows[0]?.seq ?? null;
  }

  /** The newest that is told; null where there is none. */
  last(): Pick<KeptEvent, "seq" | "id"> | null {
    const query = "SELECT seq, id FROM event WHERE at > ? ORDER BY seq DESC LIMIT 1";
    const oldest = Date.now() - EVENTS.keptMs;
    const rows = this.#database.ready ? this.#database.exec<{ seq: number; id: string }>(query, oldest) : [];
    return rows[0] ?? null;
  }
}
