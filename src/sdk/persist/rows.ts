// An event as SQL's tables have it.
import type { SessionEvent } from "./driver.ts";

export interface EventRow {
  readonly id: string;
  /** Postgres gives a large integer as text, SQLite as a BigInt where its owner wants that. */
  readonly event_index: number | string | bigint;
  readonly session_id: string;
  readonly created_at: number | string | bigint;
  readonly connection_id: string;
  readonly sender: "client" | "agent";
  readonly payload: string;
}

export interface SessionRow {
  readonly record: string;
}

export const eventOfRow = (row: EventRow): SessionEvent => ({
  id: row.id,
  eventIndex: Number(row.event_index),
  sessionId: row.session_id,
  createdAt: Number(row.created_at),
  connectionId: row.connection_id,
  sender: row.sender,
  payload: JSON.parse(row.payload),
});

/** The values of an insert, in the order of EVENT_COLUMNS. */
export const valuesOf = (event: SessionEvent): [string, number, string, number, string, string, string] => [
  event.sessionId,
  event.eventIndex,
  event.id,
  event.createdAt,
  event.connectionId,
  event.sender,
  JSON.stringify(event.payload),
];

export const EVENT_COLUMNS = "session_id, event_index, id, created_at, connection_id, sender, payload";

/**
 * Inserts `values` at their index, or after the last where that is taken: in one statement, for another writer may be about
 * to do the same. No row comes back where the event is there already.
 */
export const insertionOf = (table: string, values: string): string =>
  `WITH given (${EVENT_COLUMNS}) AS (VALUES (${values}))
   INSERT INTO ${table} (${EVENT_COLUMNS})
   SELECT session_id,
     CASE WHEN EXISTS (
       SELECT 1 FROM ${table} AS other WHERE other.session_id = given.session_id AND other.event_index = given.event_index
     )
     THEN (SELECT max(other.event_index) + 1 FROM ${table} AS other WHERE other.session_id = given.session_id)
     ELSE event_index END,
     id, created_at, connection_id, sender, payload
   FROM given WHERE true
   ON CONFLICT DO NOTHING RETURNING id`;

/** What a store of a later version of this driver is answered with. */
export const tooNew = (version: number, known: number): Error =>
  new Error(`The tables of sessions are of version ${version}; this driver knows them up to ${known}. Update buntime.`);
