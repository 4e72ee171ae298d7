// A history on a database of its own, as a session's object has one: real SQLite, without a session around it.
import { env, runInDurableObject } from "cloudflare:test";
import { newId } from "../../src/contract/ids.ts";
import { migrate } from "../../src/lib/schema.ts";
import type { AppendedEvent } from "../../src/session/history/command.ts";
import { HistoryLog } from "../../src/session/history/log.ts";
import type { PickRequest } from "../../src/session/history/log.ts";
import { EVENT_COLUMNS } from "../../src/session/history/rows.ts";
import type { EventRow } from "../../src/session/history/rows.ts";
import { MIGRATIONS } from "../../src/session/migrations.ts";

const ROOMY = 9e9;
export const EVERYTHING: Omit<PickRequest, "limit"> = {
  after: 0,
  cursor: null,
  order: "asc",
  types: null,
  senders: null,
  q: null,
};

export function withLog<T>(
  work: (log: HistoryLog, storage: DurableObjectStorage) => Promise<T> | T,
  { maxBytes = ROOMY } = {},
): Promise<T> {
  return runInDurableObject(env.SESSION.getByName(newId("ses")), async (_session, { storage }) => {
    migrate(storage, MIGRATIONS);
    const outcome = await work(new HistoryLog(storage, { maxBytes }), storage);
    await storage.deleteAll();
    return outcome;
  });
}

export function eventOf(event: Partial<AppendedEvent> & { readonly id: string }): AppendedEvent {
  const rest = { connectionId: null, payload: "null", createdAt: null, eventIndex: null };
  return { type: "event", sender: "client", ...rest, ...event };
}

/** What a request finds, to its end. */
export function found(log: HistoryLog, thread: string, request: Partial<PickRequest> = {}): EventRow[] {
  const row = log.threads.find(thread);
  return row === null ? [] : [...log.read(log.pick(row, { ...EVERYTHING, limit: 100_000, ...request }))];
}

/** Every row there is, and every row that a search knows. */
export function rowsOf({ sql }: DurableObjectStorage): { readonly events: EventRow[]; readonly searched: number } {
  const events = sql.exec<EventRow>(`SELECT ${EVENT_COLUMNS} FROM event ORDER BY seq`).toArray();
  return { events, searched: sql.exec<{ n: number }>("SELECT count(*) AS n FROM event_text").one().n };
}
