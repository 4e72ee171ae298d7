// Sessions in a Postgres database, over a pool or client of `pg` or whatever queries as it does.
import { checkedEvent, checkedRecord, isName, isSameEvent } from "./checked.ts";
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

/** What is asked of a pool. Each query may go over another of its connections. */
export interface PostgresPool {
  query(text: string, values?: (string | number)[]): Promise<{ rows: unknown[] }>;
}

export interface PostgresOptions {
  /** Where the tables are: made when it is not there. Letters, digits and underscores. Default: `public`. */
  readonly schema?: string | undefined;
}

/** The step to a version is at its place; `$` stands for the schema. What has been published stays as it is. */
const STEPS: readonly string[] = [
  // Ids are ordered as they are in every other store, whatever the language of the database. A payload is text, because
  // neither kind of JSON column takes all that JSON can say.
  `CREATE TABLE $.agent_sessions (id text COLLATE "C" PRIMARY KEY, created_at bigint NOT NULL, record text NOT NULL);
   CREATE INDEX agent_sessions_by_age ON $.agent_sessions (created_at, id);
   CREATE TABLE $.agent_events (
     session_id text COLLATE "C" NOT NULL, event_index bigint NOT NULL, id text COLLATE "C" NOT NULL,
     created_at bigint NOT NULL, connection_id text NOT NULL, sender text NOT NULL, payload text NOT NULL,
     PRIMARY KEY (session_id, event_index), UNIQUE (session_id, id)
   );`,
];

const INSERT = insertionOf(
  "$.agent_events",
  "$1::text, $2::bigint, $3::text, $4::bigint, $5::text, $6::text, $7::text",
);

/** For one event or one query: many more than writers who stand in each other's way, each of whom is in the end the first. */
const TRIES = 100;

/** What Postgres calls its failures. */
const SERIALIZATION_FAILURE = "40001";
const UNDEFINED_TABLE = "42P01";
const IN_FAILED_TRANSACTION = "25P02";

export class PostgresSessionPersistDriver implements SessionPersistDriver {
  readonly #pool: PostgresPool;
  readonly #name: string;
  #ready: Promise<void> | null = null;

  /** Makes its tables at the first call. Ending the pool stays the caller's. @throws RangeError for a schema's name that is none */
  constructor(pool: PostgresPool, { schema = "public" }: PostgresOptions = {}) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/i.test(schema)) throw new RangeError(`schema is not a plain name: ${schema}`);
    this.#pool = pool;
    this.#name = schema;
  }

  async getSession(id: string): Promise<SessionRecord | undefined> {
    // It takes no null character, not even to look for it.
    if (!isName(id)) return undefined;
    const [record] = await this.#records("SELECT record FROM $.agent_sessions WHERE id = $1", [id]);
    return record;
  }

  async listSessions(request: ListPageRequest = {}): Promise<ListPage<SessionRecord>> {
    const limit = limitOf(request);
    const found = await this.#records(
      "SELECT record FROM $.agent_sessions WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
      [...sessionsAfter(request), limit + 1],
    );
    return pageOf(found, limit, sessionCursor);
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const record = checkedRecord(session);
    await this.#query(
      `INSERT INTO $.agent_sessions (id, created_at, record) VALUES ($1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, record = excluded.record`,
      [record.id, record.createdAt, JSON.stringify(record)],
    );
  }

  async listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>> {
    const limit = limitOf(request);
    const after = eventsAfter(request);
    if (!isName(request.sessionId)) return { items: [] };
    const found = await this.#events(
      `SELECT ${EVENT_COLUMNS} FROM $.agent_events
       WHERE session_id = $1 AND event_index > $2 ORDER BY event_index LIMIT $3`,
      [request.sessionId, after, limit + 1],
    );
    return pageOf(found, limit, eventCursor);
  }

  async insertEvent(sessionId: string, event: SessionEvent): Promise<void> {
    const checked = checkedEvent(sessionId, event);
    for (let tries = 1; tries <= TRIES; tries++) {
      if ((await this.#query(INSERT, valuesOf(checked))).length > 0) return;
      const [known] = await this.#events(
        `SELECT ${EVENT_COLUMNS} FROM $.agent_events WHERE session_id = $1 AND id = $2`,
        [sessionId, checked.id],
      );
      if (known !== undefined) {
        if (isSameEvent(known, checked)) return;
        throw new EventIdTaken(sessionId, checked.id);
      }
      // Another writer was first at the index that this one saw free.
    }
    throw new EventIndexTaken(sessionId, checked.eventIndex);
  }

  // SAFETY: the shape of the rows is that of the tables above.
  async #records(text: string, values: (string | number)[]): Promise<SessionRecord[]> {
    return ((await this.#query(text, values)) as SessionRow[]).map(({ record }) => JSON.parse(record));
  }

  async #events(text: string, values: (string | number)[]): Promise<SessionEvent[]> {
    return ((await this.#query(text, values)) as EventRow[]).map(eventOfRow);
  }

  /** Again where Postgres asks for that, and with new tables where those that there were are gone. */
  async #query(text: string, values: (string | number)[]): Promise<unknown[]> {
    let before: unknown = null;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#queryOnce(text, values);
      } catch (error) {
        const code = codeOf(error);
        // They were made in a transaction of the caller's that was rolled back, or somebody dropped them.
        const isNews = code === UNDEFINED_TABLE && codeOf(before) !== UNDEFINED_TABLE;
        if (code === UNDEFINED_TABLE) this.#ready = null;
        // In a transaction of the caller's all that follows a failure fails for that alone.
        if (code === IN_FAILED_TRANSACTION && before !== null) throw before;
        if (tries === TRIES || !(isNews || code === SERIALIZATION_FAILURE)) throw error;
        before = error;
      }
    }
  }

  async #queryOnce(text: string, values: (string | number)[]): Promise<unknown[]> {
    // One that failed is tried again by the next call.
    this.#ready ??= this.#migrate().catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    await this.#ready;
    return (await this.#pool.query(this.#inSchema(text), values)).rows;
  }

  async #migrate(): Promise<void> {
    const version = await this.#version();
    if (version > STEPS.length) throw tooNew(version, STEPS.length);
    // Whoever may use the tables need not have the right to make them.
    if (version === STEPS.length) return;
    await this.#makeTables().catch(async (error: unknown) => {
      // Where every transaction sees what was there when it began, the second of two does not see those of the first.
      if ((await this.#version().catch(() => 0)) !== STEPS.length) throw error;
    });
  }

  async #makeTables(): Promise<void> {
    const steps = STEPS.map((step, index) => `IF at < ${index + 1} THEN ${step} END IF;`);
    // One statement, so that it is one transaction on one connection; the lock is for those who start at the same time.
    // Whether the schema is there is read from its table, since what functions such as to_regnamespace() know may be
    // from before the lock was had.
    await this.#pool.query(
      this.#inSchema(`DO $migrate$ DECLARE at integer; BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('buntime/persist'));
        IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${this.#name}') THEN CREATE SCHEMA $; END IF;
        CREATE TABLE IF NOT EXISTS $.agent_persist (version integer NOT NULL);
        SELECT coalesce(max(version), 0) INTO at FROM $.agent_persist;
        ${steps.join("\n")}
        IF at < ${STEPS.length} THEN
          DELETE FROM $.agent_persist;
          INSERT INTO $.agent_persist (version) VALUES (${STEPS.length});
        END IF;
      END $migrate$`),
    );
  }

  /** 0: there are no tables yet. */
  async #version(): Promise<number> {
    const named = await this.#pool.query(this.#inSchema("SELECT 1 WHERE to_regclass('$.agent_persist') IS NOT NULL"));
    if (named.rows.length === 0) return 0;
    const { rows } = await this.#pool.query(this.#inSchema("SELECT version FROM $.agent_persist"));
    const [row] = rows as { version: number }[];
    return row?.version ?? 0;
  }

  /** `$` by itself or before a dot, never `$1` or `$migrate$`. */
  #inSchema(text: string): string {
    return text.replaceAll(/(?<!\w)\$(?![\w$])/g, `"${this.#name}"`);
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
