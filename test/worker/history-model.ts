// What a history has to be, in a few lines: lists in memory, and nothing clever.
import type { AppendedEvent } from "../../src/session/history/command.ts";

export interface ModelEvent extends AppendedEvent {
  readonly thread: string;
  readonly index: number;
}

interface ModelThread {
  last: number;
  events: ModelEvent[];
}

export class HistoryModel {
  #threads = new Map<string, ModelThread>();

  /** The indexes that the events have; null: refused, and nothing is changed. */
  append(thread: string, events: readonly AppendedEvent[]): number[] | null {
    const before = structuredClone(this.#threads);
    const indexes: number[] = [];
    for (const event of events) {
      const known = this.all().find(({ id }) => id === event.id);
      if (known !== undefined && !isSame(known, event, thread)) {
        this.#threads = before;
        return null;
      }
      const own = this.#threads.get(thread) ?? { last: 0, events: [] };
      if (known === undefined && event.eventIndex !== null && event.eventIndex !== own.last + 1) {
        this.#threads = before;
        return null;
      }
      if (known === undefined) {
        own.last++;
        own.events.push({ ...event, thread, index: own.last });
        this.#threads.set(thread, own);
      }
      indexes.push(known?.index ?? own.last);
    }
    return indexes;
  }

  clear(thread: string, types: readonly string[] | null): number {
    const own = this.#threads.get(thread);
    const kept = own?.events.filter(({ type }) => types !== null && !types.includes(type)) ?? [];
    const deleted = (own?.events.length ?? 0) - kept.length;
    if (own !== undefined) own.events = kept;
    return deleted;
  }

  remove(thread: string): boolean {
    return this.#threads.delete(thread);
  }

  all(): ModelEvent[] {
    return [...this.#threads.values()].flatMap(({ events }) => events);
  }

  of(thread: string): readonly ModelEvent[] {
    return this.#threads.get(thread)?.events ?? [];
  }

  lastOf(thread: string): number | undefined {
    return this.#threads.get(thread)?.last;
  }
}

function isSame(known: ModelEvent, event: AppendedEvent, thread: string): boolean {
  return (
    known.thread === thread &&
    known.type === event.type &&
    known.sender === event.sender &&
    known.payload === event.payload &&
    (event.eventIndex ?? known.index) === known.index
  );
}
