// Sessions in a browser's IndexedDB, so that they outlive a reload.
// The rest of this library is compiled without a browser's types, too.
/// <reference lib="dom" />
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
import { EventIdTaken } from "./taken.ts";

export interface IndexedDbOptions {
  /** The database's name, one for each origin of the browser. Default: `buntime-persist`. */
  readonly databaseName?: string | undefined;
}

/** The step to a version is at its place. What has been published stays as it is. */
const STEPS: readonly ((database: IDBDatabase) => void)[] = [
  (database) => {
    const sessions = database.createObjectStore("sessions", { keyPath: "id" });
    sessions.createIndex("byAge", ["createdAt", "id"]);
    const events = database.createObjectStore("events", { keyPath: ["sessionId", "eventIndex"] });
    events.createIndex("byId", ["sessionId", "id"], { unique: true });
  },
];
/** For a database that another tab keeps in an older version, and will not let go. */
const OPEN_MS = 10_000;

export class IndexedDbSessionPersistDriver implements SessionPersistDriver {
  readonly #name: string;
  #database: Promise<IDBDatabase> | null = null;

  constructor({ databaseName = "buntime-persist" }: IndexedDbOptions = {}) {
    this.#name = databaseName;
  }

  async getSession(id: string): Promise<SessionRecord | undefined> {
    const store = await this.#store("sessions", "readonly");
    return await answerOf<SessionRecord | undefined>(store.get(id));
  }

  async listSessions(request: ListPageRequest = {}): Promise<ListPage<SessionRecord>> {
    const limit = limitOf(request);
    const after = IDBKeyRange.lowerBound([...sessionsAfter(request)], true);
    const store = await this.#store("sessions", "readonly");
    const found = await answerOf<SessionRecord[]>(store.index("byAge").getAll(after, limit + 1));
    return pageOf(found, limit, sessionCursor);
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const record = checkedRecord(session);
    const store = await this.#store("sessions", "readwrite");
    store.put(record);
    await committed(store.transaction);
  }

  async listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>> {
    const limit = limitOf(request);
    const { sessionId } = request;
    const after = IDBKeyRange.bound([sessionId, eventsAfter(request)], [sessionId, Infinity], true);
    const store = await this.#store("events", "readonly");
    return pageOf(await answerOf<SessionEvent[]>(store.getAll(after, limit + 1)), limit, eventCursor);
  }

  async insertEvent(sessionId: string, event: SessionEvent): Promise<void> {
    const checked = checkedEvent(sessionId, event);
    const { id, eventIndex } = checked;
    // Other tabs wait for the end of this transaction, so that nothing comes between the look and the write.
    const store = await this.#store("events", "readwrite");
    const [known, holder] = await Promise.all([
      answerOf<SessionEvent | undefined>(store.index("byId").get([sessionId, id])),
      answerOf<SessionEvent | undefined>(store.get([sessionId, eventIndex])),
    ]);
    if (known !== undefined) {
      if (isSameEvent(known, checked)) return;
      throw new EventIdTaken(sessionId, id);
    }
    store.add(holder === undefined ? checked : { ...checked, eventIndex: 1 + (await lastIndex(store, sessionId)) });
    await committed(store.transaction);
  }

  /** Lets go of the database. The next call opens it again. */
  async close(): Promise<void> {
    const opened = this.#database;
    this.#database = null;
    (await opened)?.close();
  }

  /** In a transaction of its own, which ends by itself with the last request in it. */
  async #store(name: "sessions" | "events", mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.#database ??= this.#open().catch((error: unknown) => {
      this.#database = null;
      throw error;
    });
    return (await this.#database).transaction(name, mode).objectStore(name);
  }

  #open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(this.#name, STEPS.length);
      let isLate = false;
      const late = setTimeout(() => {
        isLate = true;
        reject(new Error(`The database ${this.#name} was not opened: another tab holds an older version of it.`));
      }, OPEN_MS);
      opening.addEventListener("upgradeneeded", ({ oldVersion }) => {
        for (const step of STEPS.slice(oldVersion)) step(opening.result);
      });
      opening.addEventListener("error", () => {
        clearTimeout(late);
        reject(opening.error ?? new Error(`The database ${this.#name} was not opened.`));
      });
      opening.addEventListener("success", () => {
        clearTimeout(late);
        const database = opening.result;
        if (isLate) database.close();
        const forget = (): void => {
          database.close();
          this.#database = null;
        };
        // A later version in another tab, or somebody who deletes it, does not wait for this one.
        database.addEventListener("versionchange", forget);
        database.addEventListener("close", forget);
        resolve(database);
      });
    });
  }
}

/** 0: there are no events. */
async function lastIndex(store: IDBObjectStore, sessionId: string): Promise<number> {
  const all = IDBKeyRange.bound([sessionId, 0], [sessionId, Infinity]);
  const last = await answerOf<IDBCursorWithValue | null>(store.openCursor(all, "prev"));
  // SAFETY: its values are what insertEvent has put there.
  return (last?.value as SessionEvent | undefined)?.eventIndex ?? 0;
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("a request to IndexedDB failed")));
  });
}

/** Resolves when what was written is in the database. */
function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () =>
      reject(transaction.error ?? new Error("a transaction of IndexedDB was aborted")),
    );
  });
}
