// Sessions in a SQLite database that the caller has opened, with better-sqlite3, node:sqlite or bun:sqlite.
import { checkedEvent, checkedRecord, isSameEvent } from "./checked.ts";
import type {
  ListEventsRequest,
  ListPage,
  ListPageRequest,
  SessionEvent,
  SessionPersistDriver,
  SessionRecord,
} from "./driver.ts";
import { eventCursor, eventsAfter, limitOf, pageOf, sessionCursor, sessionsAfter } from "./page.ts";
import { EVENT_COLUMNS, eventOfRow, insertionOf, tooNew, valuesOf } from "./rows.ts";
import type { EventRow, SessionRow } from "./rows.ts";
import { EventIdTaken, EventIndexTaken } from "./taken.ts";

/** What the three libraries have in common, as far as it is needed. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

export interface SqliteStatement {
  all(...values: (string | number)[]): unknown[];
}

/** The step to a version is at its place. What has been published stays as it is. */
const STEPS: readonly string[] = [
  `CREATE TABLE agent_sessions (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, record TEXT NOT NULL);
   CREATE INDEX agent_sessions_by_age ON agent_sessions (created_at, id);
   CREATE TABLE agent_events (
     session_id TEXT NOT NULL, event_index INTEGER NOT NULL, id TEXT NOT NULL, created_at INTEGER NOT NULL,
     connection_id TEXT NOT NULL, sender TEXT NOT NULL, payload TEXT NOT NULL,
     PRIMARY KEY (session_id, event_index), UNIQUE (session_id, id)
   );`,
];

export class SQLiteSessionPersistDriver implements SessionPersistDriver {
  readonly #statements: Readonly<Record<"get" | "list" | "put" | "events" | "insert" | "byId", SqliteStatement>>;

  /** Makes its tables in the database, beside whatever else is there. Closing it stays the caller's. */
  constructor(database: SqliteDatabase) {
    migrate(database);
    this.#statements = {
      get: database.prepare("SELECT record FROM agent_sessions WHERE id = ?"),
      list: database.prepare(
        "SELECT record FROM agent_sessions WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?",
      ),
      put: database.prepare(
        `INSERT INTO agent_sessions (id, created_at, record) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, record = excluded.record RETURNING id`,
      ),
      events: database.prepare(
        `SELECT ${EVENT_COLUMNS} FROM agent_events
         WHERE session_id = ? AND event_index > ? ORDER BY event_index LIMIT ?`,
      ),
      insert: database.prepare(insertionOf("agent_events", "?, ?, ?, ?, ?, ?, ?")),
      byId: database.prepare(`SELECT ${EVENT_COLUMNS} FROM agent_events WHERE session_id = ? AND id = ?`),
    };
  }

  async getSession(id: string): Promise<SessionRecord | undefined> {
    const [record] = records(this.#statements.get.all(id));
    return record;
  }

  async listSessions(request: ListPageRequest = {}): Promise<ListPage<SessionRecord>> {
    const limit = limitOf(request);
    const found = records(this.#statements.list.all(...sessionsAfter(request), limit + 1));
    return pageOf(found, limit, sessionCursor);
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const record = checkedRecord(session);
    this.#statements.put.all(record.id, record.createdAt, JSON.stringify(record));
  }

  async listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>> {
    const limit = limitOf(request);
    const found = events(this.#statements.events.all(request.sessionId, eventsAfter(request), limit + 1));
    return pageOf(found, limit, eventCursor);
  }

  async insertEvent(sessionId: string, event: SessionEvent): Promise<void> {
    const checked = checkedEvent(sessionId, event);
    if (this.#statements.insert.all(...valuesOf(checked)).length > 0) return;
    const [known] = events(this.#statements.byId.all(sessionId, checked.id));
    if (known === undefined) throw new EventIndexTaken(sessionId, checked.eventIndex);
    if (!isSameEvent(known, checked)) throw new EventIdTaken(sessionId, checked.id);
  }
}

function migrate(database: SqliteDatabase): void {
  if (versionOf(database) === STEPS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Asked again: another process may have been first.
    const version = versionOf(database);
    if (version > STEPS.length) throw tooNew(version, STEPS.length);
    // The database's own `user_version` is its owner's.
    database.exec("CREATE TABLE IF NOT EXISTS agent_persist (version INTEGER NOT NULL); DELETE FROM agent_persist");
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`INSERT INTO agent_persist (version) VALUES (${STEPS.length})`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** 0: there are no tables yet. */
function versionOf(database: SqliteDatabase): number {
  const named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'agent_persist'";
  if (database.prepare(named).all().length === 0) return 0;
  // SAFETY: the shape of the rows is that of the tables above; so it is below.
  const [row] = database.prepare("SELECT version FROM agent_persist").all() as { version: number | bigint }[];
  return Number(row?.version ?? 0);
}

const records = (rows: unknown[]): SessionRecord[] => (rows as SessionRow[]).map(({ record }) => JSON.parse(record));

const events = (rows: unknown[]): SessionEvent[] => (rows as EventRow[]).map(eventOfRow);
