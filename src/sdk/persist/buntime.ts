// Sessions in the history of a session of buntime, each as a thread of it: where the agent's own machine is, and there
// whether or not that machine runs.
import type { HistoryEvent, Thread } from "../contract.ts";
import { BuntimeError } from "../error.ts";
import { History } from "../memory/history.ts";
import { transportOf } from "../settings.ts";
import type { BuntimeOptions } from "../settings.ts";
import { checkedEvent, checkedRecord, isName } from "./checked.ts";
import type {
  ListEventsRequest,
  ListPage,
  ListPageRequest,
  SessionEvent,
  SessionPersistDriver,
  SessionRecord,
} from "./driver.ts";
import { eventCursor, eventsAfter, limitOf } from "./page.ts";
import { EventIdTaken } from "./taken.ts";

export interface BuntimePersistOptions extends Omit<BuntimeOptions, "webSocket"> {
  /** Id or name of the session of buntime whose history it is. */
  readonly sessionId: string;
}

/** Names that a path could not hold, and no thread has. */
const NOT_THREADS: ReadonlySet<string> = new Set([".", "..", "stream"]);

export class BuntimeSessionPersistDriver implements SessionPersistDriver {
  readonly #history: History;
  /** Of buntime. */
  readonly #sessionId: string;

  /** @throws BuntimeError `invalid_request` for a base URL or a number that is none */
  constructor({ sessionId, ...options }: BuntimePersistOptions) {
    this.#history = new History(transportOf(options));
    this.#sessionId = sessionId;
  }

  async getSession(id: string): Promise<SessionRecord | undefined> {
    if (!isThread(id)) return undefined;
    const asked = this.#history.threads.get({ sessionId: this.#sessionId, threadId: id });
    const thread = await foundOr("thread_not_found", asked);
    return thread === undefined ? undefined : recordOf(thread);
  }

  /** Threads without a record, or with one that is not an agent's, are passed over. */
  async listSessions(request: ListPageRequest = {}): Promise<ListPage<SessionRecord>> {
    const cursor = request.cursor === "" ? undefined : request.cursor;
    const input = { sessionId: this.#sessionId, limit: limitOf(request), cursor };
    const { items, nextCursor } = await this.#history.threads.list(input).catch((error: unknown) => {
      throw isCode(error, "invalid_request") ? new RangeError(error.message, { cause: error }) : error;
    });
    const records = items.flatMap((thread) => recordOf(thread) ?? []);
    return nextCursor === null ? { items: records } : { items: records, nextCursor };
  }

  async updateSession(session: SessionRecord): Promise<void> {
    const record = checkedRecord(session);
    const { id: threadId, createdAt } = record;
    await this.#history.threads.put({ sessionId: this.#sessionId, threadId, record, createdAt });
  }

  async listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>> {
    const { sessionId: thread } = request;
    const [after, limit] = [eventsAfter(request), limitOf(request)];
    if (!isThread(thread)) return { items: [] };
    const { items, nextCursor } = await this.#history.list({ sessionId: this.#sessionId, thread, after, limit });
    const events = items.map(eventOf);
    const last = events.at(-1);
    return nextCursor === null || last === undefined
      ? { items: events }
      : { items: events, nextCursor: eventCursor(last) };
  }

  async insertEvent(sessionId: string, event: SessionEvent): Promise<void> {
    // Whatever the client believes to be the next index: a history has no gaps and uses no index twice, but the client may
    // have lost an event, know nothing of those that were deleted, or be one of several.
    const { sessionId: thread, eventIndex: _, ...said } = checkedEvent(sessionId, event);
    try {
      await this.#history.append({ sessionId: this.#sessionId, thread, events: [said] });
    } catch (error) {
      throw isCode(error, "conflict") && error.details["id"] === said.id
        ? new EventIdTaken(sessionId, said.id, error)
        : error;
    }
  }
}

/** What is called by its own name and has an agent was put there as a session. */
function recordOf({ id, record }: Thread): SessionRecord | undefined {
  // SAFETY: only what is looked at is taken for granted.
  const session = record as SessionRecord | null;
  return session?.id === id && typeof session.agent === "string" ? session : undefined;
}

/** Without the type that a history has of it. */
function eventOf(event: HistoryEvent): SessionEvent {
  const { id, eventIndex, sessionId, createdAt, connectionId, sender, payload } = event as SessionEvent;
  return { id, eventIndex, sessionId, createdAt, connectionId, sender, payload };
}

const isThread = (id: string): boolean => isName(id) && !NOT_THREADS.has(id);

const isCode = (error: unknown, code: string): error is BuntimeError =>
  error instanceof BuntimeError && error.code === code;

/** Undefined for an answer of this code. */
async function foundOr<T>(code: string, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isCode(error, code)) return undefined;
    throw error;
  }
}
