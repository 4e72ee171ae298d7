// An event as SQL's tables have it.
import type { SessionEvent } from "./driver.ts";

export interface EventRow {
  readonly id: string;
  /** Postgres gives a large integer as text. */
  readonly event_index: number | string;
  readonly session_id: string;
  readonly created_at: number | string;
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

/** What a store of a later version of this driver is answered with. */
export const tooNew = (version: number, known: number): Error =>
  new Error(`The tables of sessions are of version ${version}; this driver knows them up to ${known}. Update buntime.`);
