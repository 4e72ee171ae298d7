// A session's history: events in threads, there whether its container runs or not. None of it starts one.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type { Appended, HistoryCleared, HistoryEvent, HistoryPage, NewEvent, Replay } from "../contract.ts";
import { follow } from "../follow.ts";
import { newKey } from "../key.ts";
import type { Query, RequestOptions, Transport } from "../transport.ts";
import { Threads } from "./threads.ts";

export interface OfThread extends OfSession {
  /** Default: the session's own. */
  readonly thread?: string | undefined;
}

export interface EventFilter {
  /** Default: all. */
  readonly types?: readonly string[] | undefined;
  /** Default: all; of a replay all but `system`. */
  readonly senders?: readonly string[] | undefined;
}

export interface EventPaging {
  /** Only those whose `eventIndex` is larger. */
  readonly after?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  /** Default: `asc`, the oldest first. */
  readonly order?: "asc" | "desc" | undefined;
  /** Default: 100; at most 1,000. */
  readonly limit?: number | undefined;
  /** Words that all have to be in the payload. */
  readonly q?: string | undefined;
}

export interface ReplayInput extends OfThread, EventFilter {
  /** Default: 50. */
  readonly maxEvents?: number | undefined;
  /** Default: 12,000. */
  readonly maxChars?: number | undefined;
}

export class History {
  readonly threads: Threads;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.threads = new Threads(transport);
  }

  /** Appends events, all or none. Those without an id get one here, so that a call which is sent again writes nothing twice. */
  append(
    { sessionId, thread, events }: OfThread & { readonly events: readonly NewEvent[] },
    options?: RequestOptions,
  ): Promise<Appended> {
    const json = { thread, events: events.map(withId) };
    const path = `${pathOf(null, { sessionId })}/events`;
    return this.#transport.json({ method: "POST", path, json, repeatable: true, options });
  }

  list(input: OfThread & EventFilter & EventPaging, options?: RequestOptions): Promise<HistoryPage> {
    const path = `${pathOf(null, input)}/events`;
    return this.#transport.json({ method: "GET", path, query: pageQuery(input), options });
  }

  get(
    { eventId, ...session }: OfSession & { readonly eventId: string },
    options?: RequestOptions,
  ): Promise<HistoryEvent> {
    const path = `${pathOf(null, session)}/events/${encodeURIComponent(eventId)}`;
    return this.#transport.json({ method: "GET", path, options });
  }

  /**
   * Events as they are written, from the next one on, or behind `after`. Never ends by itself: after a connection that broke
   * it goes on behind the last event. `signal`, or `break`, ends it.
   */
  follow(
    { after, ...input }: OfThread & EventFilter & Pick<EventPaging, "after">,
    options?: RequestOptions,
  ): AsyncGenerator<HistoryEvent, void> {
    const path = `${pathOf(null, input)}/events/stream`;
    return follow(this.#transport, path, { ...filterQuery(input), after }, options);
  }

  /** Deletes a thread's events. */
  clear(input: OfThread, options?: RequestOptions): Promise<HistoryCleared> {
    const path = `${pathOf(null, input)}/events`;
    return this.#transport.json({ method: "DELETE", path, query: { thread: input.thread }, options });
  }

  /** The newest events that fit, as text for a fresh agent. */
  replay(input: ReplayInput, options?: RequestOptions): Promise<Replay> {
    const { maxEvents, maxChars } = input;
    const query = { ...filterQuery(input), maxEvents, maxChars };
    return this.#transport.json({ method: "GET", path: `${pathOf(null, input)}/replay`, query, options });
  }
}

/** In the order of time, which the log's index likes. */
export function withId<T extends { readonly id?: string | undefined }>(item: T): T {
  return item.id === undefined ? { ...item, id: `${Date.now()}-${newKey()}` } : item;
}

export function pageQuery(input: OfThread & EventFilter & EventPaging): Query {
  const { after, cursor, order, limit, q } = input;
  return { ...filterQuery(input), after, cursor, order, limit, q };
}

function filterQuery({ thread, types, senders }: Omit<OfThread, "sessionId"> & EventFilter): Query {
  return { thread, type: types?.join(","), sender: senders?.join(",") };
}
