// Sessions and events as sandbox-agent's client makes them, and a driver's lists as a whole.
import { randomUUID } from "node:crypto";
import type { ListPage, SessionEvent, SessionPersistDriver, SessionRecord } from "../../src/sdk/persist/driver.ts";

export const aRecord = (id: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  agent: "mock",
  agentSessionId: `agent-${id}`,
  lastConnectionId: "connection-1",
  createdAt: 1_700_000_000_000,
  ...more,
});

export const anEvent = (sessionId: string, eventIndex: number, more: Partial<SessionEvent> = {}): SessionEvent => ({
  id: randomUUID(),
  eventIndex,
  sessionId,
  createdAt: 1_700_000_000_000 + eventIndex,
  connectionId: "connection-1",
  sender: eventIndex % 2 === 1 ? "client" : "agent",
  payload: { jsonrpc: "2.0", method: "session/update", params: { eventIndex } },
  ...more,
});

/** Far more than any test has; a cursor that leads in a circle ends here. */
const PAGES_MAX = 500;

async function paged<T>(page: (cursor: string | undefined) => Promise<ListPage<T>>): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < PAGES_MAX; count++) {
    const { items, nextCursor } = await page(cursor);
    all.push(...items);
    if (nextCursor === undefined) return all;
    cursor = nextCursor;
  }
  throw new Error(`a list has more than ${PAGES_MAX} pages`);
}

export const allSessions = (driver: SessionPersistDriver, limit?: number): Promise<SessionRecord[]> =>
  paged((cursor) => driver.listSessions({ cursor, limit }));

export const allEvents = (driver: SessionPersistDriver, sessionId: string, limit?: number): Promise<SessionEvent[]> =>
  paged((cursor) => driver.listEvents({ sessionId, cursor, limit }));
