// The exact index of an account's sessions: it owns their names and knows how many there are. The sessions themselves keep
// it true; what one failed to take back expires with its time to live.
import type { Plan } from "../contract/limits.ts";
import type { Session } from "../contract/session.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import type { Database } from "./database.ts";
import type { SessionPage, SessionQuery } from "./rpc.ts";

/** How a JSON value of `metadata` reads in a query: text as it is, the rest as JSON. */
const VALUE_AS_TEXT = `CASE own.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null'
  ELSE CAST(own.value AS TEXT) END`;

/** Holds where `condition` does for every item of a JSON array: one value to bind, however many are asked for. */
const forEach = (condition: string): string =>
  `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT (${condition}))`;
const HAS_METADATA = forEach(`EXISTS (SELECT 1 FROM json_each(session.record, '$.metadata') AS own
  WHERE own.key = wanted.value ->> 0 AND ${VALUE_AS_TEXT} = wanted.value ->> 1)`);
const HAS_TAGS = forEach(`EXISTS (SELECT 1 FROM json_each(session.record, '$.tags') AS own
  WHERE own.value = wanted.value)`);
const HAS_WORDS = forEach("instr(search_text, wanted.value) > 0");

type SessionChanged = (type: "session.created" | "session.expired" | "session.deleted", sessionId: string) => void;
type Removed = { id: string; one_shot: number; expires_at: number };

export class SessionIndex {
  readonly #database: Database;
  readonly #changed: SessionChanged;

  /** `changed` is called in the turn in which a session is entered or taken out, once for each. */
  constructor(database: Database, changed: SessionChanged) {
    this.#database = database;
    this.#changed = changed;
  }

  /** See AccountRpc. A session made for one execution counts, and is in no list. */
  enter(record: SessionRecord, state: Session["state"], { sessions: most }: Plan): Result<null> {
    const database = this.#database;
    database.prepare();
    this.#tellRemoved(
      database.exec<Removed>(
        "DELETE FROM session WHERE expires_at <= ? RETURNING id, one_shot, expires_at",
        Date.now(),
      ),
    );
    if (record.name !== null) {
      const owner = this.find(record.name);
      if (owner !== null && owner !== record.id) {
        return fail("conflict", `The name ${record.name} is taken by session ${owner}. Choose another.`, {
          name: record.name,
          sessionId: owner,
        });
      }
    }
    const isNew = !this.has(record.id);
    // Not one that is in already: a plan that has become smaller takes nothing away.
    const [others] = database.exec<{ count: number }>("SELECT count(*) AS count FROM session WHERE id != ?", record.id);
    if (others !== undefined && others.count >= most && isNew) {
      return fail(
        "session_limit_exceeded",
        `This account has ${others.count} sessions, and its plan allows ${most} at the same time. Delete one first.`,
        { limit: most, sessions: others.count },
      );
    }
    database.exec(
      `INSERT INTO session (id, name, created_at, expires_at, record, state, one_shot, search_text)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, expires_at = excluded.expires_at, record = excluded.record,
         search_text = excluded.search_text`,
      record.id,
      record.name,
      record.createdAt,
      record.expiresAt,
      JSON.stringify(record),
      state,
      Number(record.oneShot),
      searchText([record.name ?? "", record.description ?? "", ...(record.tags ?? [])].join("\n")),
    );
    if (isNew && !record.oneShot) {
      this.#changed("session.created", record.id);
    }
    return ok(null);
  }

  note(sessionId: string, state: Session["state"]): void {
    if (this.#database.ready) {
      this.#database.exec("UPDATE session SET state = ? WHERE id = ?", state, sessionId);
    }
  }

  release(sessionId: string): void {
    if (this.#database.ready) {
      const query = "DELETE FROM session WHERE id = ? RETURNING id, one_shot, expires_at";
      this.#tellRemoved(this.#database.exec<Removed>(query, sessionId));
    }
  }

  find(name: string): string | null {
    const query = "SELECT id FROM session WHERE name = ? AND expires_at > ?";
    const rows = this.#database.ready ? this.#database.exec<{ id: string }>(query, name, Date.now()) : [];
    return rows[0]?.id ?? null;
  }

  has(sessionId: string): boolean {
    const query = "SELECT 1 FROM session WHERE id = ? AND expires_at > ?";
    return this.#database.ready && this.#database.exec(query, sessionId, Date.now()).length > 0;
  }

  /** Those that may be in use come first. */
  all(): readonly string[] {
    const query = "SELECT id FROM session WHERE expires_at > ? ORDER BY state = 'deep-sleep'";
    return this.#database.ready ? this.#database.exec<{ id: string }>(query, Date.now()).map(({ id }) => id) : [];
  }

  /** As many as count against the plan. */
  count(): number {
    const query = "SELECT count(*) AS count FROM session WHERE expires_at > ?";
    const rows = this.#database.ready ? this.#database.exec<{ count: number }>(query, Date.now()) : [];
    return rows[0]?.count ?? 0;
  }

  /** Whatever they are, those past their time included. */
  some(limit: number): readonly string[] {
    return this.#database.exec<{ id: string }>("SELECT id FROM session LIMIT ?", limit).map(({ id }) => id);
  }

  list(query: SessionQuery): SessionPage {
    if (!this.#database.ready) {
      return { sessions: [], total: 0 };
    }
    const ofState = query.state === undefined ? [] : [query.state];
    const where = [
      "one_shot = 0",
      "expires_at > ?",
      ...ofState.map(() => "state = ?"),
      HAS_METADATA,
      HAS_TAGS,
      HAS_WORDS,
    ].join(" AND ");
    const wanted = [Object.entries(query.metadata), query.tags, searchText(query.q).split(/\s+/).filter(Boolean)];
    const values = [Date.now(), ...ofState, ...wanted.map((items) => JSON.stringify(items))];
    const [count] = this.#database.exec<{ total: number }>(
      `SELECT count(*) AS total FROM session WHERE ${where}`,
      ...values,
    );
    const rows = this.#database.exec<{ record: string; state: Session["state"] }>(
      `SELECT record, state FROM session WHERE ${where} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
      ...values,
      query.limit,
      query.offset,
    );
    return {
      // SAFETY: `enter` and `note` are the only writers.
      sessions: rows.map((row) => ({ record: JSON.parse(row.record) as SessionRecord, state: row.state })),
      total: count?.total ?? 0,
    };
  }

  #tellRemoved(rows: readonly Removed[]): void {
    const now = Date.now();
    for (const { id, expires_at } of rows.filter(({ one_shot }) => one_shot === 0)) {
      this.#changed(expires_at <= now ? "session.expired" : "session.deleted", id);
    }
  }
}

/** No word of a search has space in it, so none is found across two of the parts. */
function searchText(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
