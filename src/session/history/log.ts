// The log of a session's history: appends, which are all or nothing, pages and deletions. All of it in one turn of the
// object, so writers are in order as they come, and what is acknowledged is what was stored.
import { HISTORY } from "../../contract/limits.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import type { AppendedEvent, PageRequest } from "./command.ts";
import { pickSeqs } from "./pick.ts";
import { EVENT_COLUMNS, indexOf, keyOf, rangeOf, seqOf } from "./rows.ts";
import type { EventRow, ThreadRow } from "./rows.ts";
import { searchedText } from "./search.ts";
import { Threads } from "./threads.ts";

export interface PickRequest extends PageRequest {
  /** Leave out what the platform has written itself. */
  readonly withoutSystem?: boolean;
}

/** Takes some tens of milliseconds. */
const CLEARED_AT_ONCE = 1000;

export interface Place {
  readonly id: string;
  readonly eventIndex: number;
  readonly createdAt: number;
}

export class HistoryLog {
  readonly threads: Threads;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #maxBytes: number;

  constructor(storage: DurableObjectStorage, { maxBytes }: { readonly maxBytes: number }) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#maxBytes = maxBytes;
    this.threads = new Threads(storage.sql);
  }

  /**
   * Where each event is: what was there already, with the same content, stays where it was.
   * @throws ProblemError `conflict`, `disk_full`; then nothing is written
   */
  append(threadId: string, events: readonly AppendedEvent[], now: number): Place[] {
    return this.#storage.transactionSync(() => {
      let thread: ThreadRow | null = null;
      let added = 0;
      const places = events.map((event): Place => {
        const known = this.get(event.id);
        if (known !== null) {
          return this.#same(event, known, threadId);
        }
        thread ??= this.threads.findOrCreate(threadId, now);
        added++;
        return this.#insert(thread, thread.last_index + added, event, now);
      });
      if (thread !== null) {
        const { key, last_index: last, events: before } = thread as ThreadRow;
        this.threads.count(key, { lastIndex: last + added, events: before + added });
        this.#checkRoom();
      }
      return places;
    });
  }

  get(id: string): EventRow | null {
    return this.#sql.exec<EventRow>(`SELECT ${EVENT_COLUMNS} FROM event WHERE id = ?`, id).toArray()[0] ?? null;
  }

  /** One row after the other, as they are asked for. */
  *read(seqs: readonly number[]): Generator<EventRow, void> {
    for (const seq of seqs) {
      yield this.#sql.exec<EventRow>(`SELECT ${EVENT_COLUMNS} FROM event WHERE seq = ?`, seq).one();
    }
  }

  /** Places of what is asked for, at most `limit`, and of one more where there is more. */
  pick({ key }: ThreadRow, { after, cursor, limit, ...request }: PickRequest): number[] {
    const { above, below } =
      request.order === "asc" ? rangeOf(key, Math.max(after, cursor ?? 0)) : rangeOf(key, after, cursor ?? undefined);
    return pickSeqs(this.#sql, { ...request, above, below, limit: limit + 1 });
  }

  /**
   * How many of a thread's events were deleted, of those that were there; `types` null: all. In turns between which others
   * are served, since a log may hold millions.
   */
  async clear(threadId: string, types: readonly string[] | null): Promise<number> {
    const below = (this.threads.find(threadId)?.last_index ?? 0) + 1;
    let deleted = 0;
    for (;;) {
      const some = this.#clearSome(threadId, types, below);
      deleted += some;
      if (some < CLEARED_AT_ONCE) {
        return deleted;
      }
      await scheduler.wait(0);
    }
  }

  /** @throws ProblemError `conflict`, `disk_full`; then nothing is written */
  putThread(id: string, put: { readonly record: string; readonly createdAt: number | null }, now: number): void {
    this.#storage.transactionSync(() => {
      this.threads.put(id, put.record, put.createdAt, now);
      this.#checkRoom();
    });
  }

  /** With its events. False where there is no such thread. */
  async removeThread(id: string): Promise<boolean> {
    for (;;) {
      await this.clear(id, null);
      const thread = this.threads.find(id);
      if (thread === null) {
        return false;
      }
      if (thread.events === 0) {
        this.#storage.transactionSync(() => this.threads.remove(thread.key));
        return true;
      }
    }
  }

  #insert({ key }: ThreadRow, eventIndex: number, event: AppendedEvent, now: number): Place {
    if (event.eventIndex !== null && event.eventIndex !== eventIndex) {
      throw new ProblemError(
        "conflict",
        `Event ${event.id} would get the index ${eventIndex}, not ${event.eventIndex}. List what came before, and send it again.`,
        { id: event.id, eventIndex: event.eventIndex, nextIndex: eventIndex },
      );
    }
    if (eventIndex > HISTORY.indexMost) {
      throw new ProblemError(
        "disk_full",
        `The thread has had ${HISTORY.indexMost} events, which is the most. Use another.`,
        {
          eventsMax: HISTORY.indexMost,
        },
      );
    }
    const seq = seqOf(key, eventIndex);
    const createdAt = event.createdAt ?? now;
    this.#sql.exec(
      `INSERT INTO event (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      seq,
      event.id,
      event.type,
      event.sender,
      event.connectionId,
      createdAt,
      event.payload,
    );
    this.#sql.exec("INSERT INTO event_text (rowid, text) VALUES (?, ?)", seq, searchedText(event.payload));
    return { id: event.id, eventIndex, createdAt };
  }

  #same(event: AppendedEvent, known: EventRow, threadId: string): Place {
    const place = { id: known.id, eventIndex: indexOf(known.seq), createdAt: known.created_at };
    if (
      this.threads.idOf(keyOf(known.seq)) !== threadId ||
      event.type !== known.type ||
      event.sender !== known.sender ||
      event.connectionId !== known.connection_id ||
      (event.createdAt ?? place.createdAt) !== place.createdAt ||
      (event.eventIndex ?? place.eventIndex) !== place.eventIndex ||
      !isSameJson(event.payload, known.payload)
    ) {
      throw new ProblemError("conflict", `There is another event with the id ${event.id}. Give each its own.`, {
        id: event.id,
        eventIndex: place.eventIndex,
      });
    }
    return place;
  }

  #clearSome(threadId: string, types: readonly string[] | null, below: number): number {
    return this.#storage.transactionSync(() => {
      const thread = this.threads.find(threadId);
      if (thread === null || thread.events === 0) {
        return 0;
      }
      if (types === null && thread.last_index < below && !this.threads.hasEvents({ besides: thread.key })) {
        // The whole log goes at once, however large it is.
        this.#sql.exec("INSERT INTO event_text (event_text) VALUES ('delete-all')");
        this.#sql.exec("DELETE FROM event");
        this.threads.count(thread.key, { lastIndex: thread.last_index, events: 0 });
        return thread.events;
      }
      const range = rangeOf(thread.key, 0, below);
      const seqs = JSON.stringify(
        pickSeqs(this.#sql, { ...range, types, senders: null, order: "asc", q: null, limit: CLEARED_AT_ONCE }),
      );
      this.#sql.exec("DELETE FROM event_text WHERE rowid IN (SELECT value FROM json_each(?))", seqs);
      this.#sql.exec("DELETE FROM event WHERE seq IN (SELECT value FROM json_each(?))", seqs);
      const { deleted } = this.#sql.exec<{ deleted: number }>("SELECT changes() AS deleted").one();
      this.threads.count(thread.key, { lastIndex: thread.last_index, events: thread.events - deleted });
      return deleted;
    });
  }

  /** Looked at when it is written, before it is stored. */
  #checkRoom(): void {
    if (this.#sql.databaseSize > this.#maxBytes) {
      throw new ProblemError(
        "disk_full",
        `The history of this session would be larger than ${this.#maxBytes} bytes, which is the most. Delete events or threads.`,
        { limitBytes: this.#maxBytes },
      );
    }
  }
}

/** Members may have come in another order. */
function isSameJson(one: string, other: string): boolean {
  return one === other || inOrder(one) === inOrder(other);
}

function inOrder(json: string): string {
  return JSON.stringify(JSON.parse(json), (_name, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}
