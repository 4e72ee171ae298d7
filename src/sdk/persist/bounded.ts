// A driver that keeps everything in memory of some kind, and so only the latest of it.
import { checkedEvent, checkedRecord, copyOf, isSameEvent } from "./checked.ts";
import type {
  ListEventsRequest,
  ListPage,
  ListPageRequest,
  SessionEvent,
  SessionPersistDriver,
  SessionRecord,
} from "./driver.ts";
import { eventCursor, eventsAfter, isAfter, limitOf, pageOf, placeOf, sessionCursor, sessionsAfter } from "./page.ts";
import type { SessionPlace } from "./page.ts";
import { EventIdTaken } from "./taken.ts";

export interface BoundedOptions {
  /** Sessions that are kept; the oldest goes first, with its events. Default: 1024. */
  readonly maxSessions?: number | undefined;
  /** Events of one session that are kept; those with the lowest index go first. Default: 500. */
  readonly maxEventsPerSession?: number | undefined;
}

/** What a Map does, and is asked of it here. */
export interface Shelf<V> {
  readonly size: number;
  get(key: string): V | undefined;
  set(key: string, value: V): unknown;
  delete(key: string): unknown;
  keys(): Iterable<string>;
  values(): Iterable<V>;
}

export interface Shelves {
  readonly sessions: Shelf<SessionRecord>;
  /** By session, ascending by index. A session that has a record has a list, if only an empty one. */
  readonly events: Shelf<SessionEvent[]>;
}

export class BoundedDriver implements SessionPersistDriver {
  readonly #shelves: Shelves;
  readonly #maxSessions: number;
  readonly #maxEvents: number;

  /** @throws RangeError for a cap that is not a whole number from 1 on */
  constructor(shelves: Shelves, { maxSessions = 1024, maxEventsPerSession = 500 }: BoundedOptions) {
    this.#shelves = shelves;
    this.#maxSessions = checkedCap("maxSessions", maxSessions);
    this.#maxEvents = checkedCap("maxEventsPerSession", maxEventsPerSession);
  }

  async getSession(id: string): Promise<SessionRecord | undefined> {
    const record = this.#shelves.sessions.get(id);
    return record === undefined ? undefined : copyOf(record);
  }

  async listSessions(request: ListPageRequest = {}): Promise<ListPage<SessionRecord>> {
    const [limit, after] = [limitOf(request), sessionsAfter(request)];
    const found = [...this.#shelves.sessions.values()]
      .filter((record) => isAfter(placeOf(record), after))
      .toSorted((one, other) => (isAfter(placeOf(one), placeOf(other)) ? 1 : -1))
      .slice(0, limit + 1);
    return pageOf(copyOf(found), limit, sessionCursor);
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const { sessions, events } = this.#shelves;
    const record = checkedRecord(session);
    sessions.set(record.id, record);
    if (events.get(record.id) === undefined) events.set(record.id, []);
    this.#evict();
  }

  async listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>> {
    const [limit, after] = [limitOf(request), eventsAfter(request)];
    const events = this.#shelves.events.get(request.sessionId) ?? [];
    const found = events.filter(({ eventIndex }) => eventIndex > after).slice(0, limit + 1);
    return pageOf(copyOf(found), limit, eventCursor);
  }

  async insertEvent(sessionId: string, event: SessionEvent): Promise<void> {
    const checked = checkedEvent(sessionId, event);
    const { id, eventIndex } = checked;
    const events = this.#shelves.events.get(sessionId) ?? [];
    const known = events.find((each) => each.id === id);
    if (known !== undefined) {
      if (isSameEvent(copyOf(known), checked)) return;
      throw new EventIdTaken(sessionId, id);
    }
    // Before the first of as many as are kept, it would be gone at once.
    const first = events.at(-this.#maxEvents)?.eventIndex ?? 0;
    const hasPlace = eventIndex > first && !events.some((each) => each.eventIndex === eventIndex);
    const place = hasPlace ? eventIndex : (events.at(-1)?.eventIndex ?? 0) + 1;
    const before = events.findLastIndex((each) => each.eventIndex < place);
    events.splice(before + 1, 0, { ...checked, eventIndex: place });
    events.splice(0, events.length - this.#maxEvents);
    this.#shelves.events.set(sessionId, events);
    this.#evict();
  }

  #evict(): void {
    const { sessions, events } = this.#shelves;
    while (events.size > this.#maxSessions) {
      const [[, oldest] = [0, ""]] = [...events.keys()]
        .map((id): SessionPlace => [sessions.get(id)?.createdAt ?? events.get(id)?.[0]?.createdAt ?? 0, id])
        .toSorted((one, other) => (isAfter(one, other) ? 1 : -1));
      sessions.delete(oldest);
      events.delete(oldest);
    }
  }
}

function checkedCap(name: string, cap: number): number {
  if (!Number.isSafeInteger(cap) || cap < 1) throw new RangeError(`${name} is not a whole number from 1 on: ${cap}`);
  return cap;
}
