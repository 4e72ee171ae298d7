// The threads of a session's history, each with a record of the caller's.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type { PutThread, Thread, ThreadDeleted, ThreadList } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export interface OfOneThread extends OfSession {
  readonly threadId: string;
}

export interface ListThreads extends OfSession {
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  /** Default: 100; at most 1,000. */
  readonly limit?: number | undefined;
}

export class Threads {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Oldest first. */
  list({ cursor, limit, ...session }: ListThreads, options?: RequestOptions): Promise<ThreadList> {
    const path = `${pathOf(null, session)}/threads`;
    return this.#transport.json({ method: "GET", path, query: { cursor, limit }, options });
  }

  get(input: OfOneThread, options?: RequestOptions): Promise<Thread> {
    return this.#transport.json({ method: "GET", path: threadOf(input), options });
  }

  /** Creates it, or replaces its record. */
  put({ sessionId, threadId, ...json }: OfOneThread & PutThread, options?: RequestOptions): Promise<Thread> {
    return this.#transport.json({ method: "PUT", path: threadOf({ sessionId, threadId }), json, options });
  }

  /** Deletes it with its events. */
  delete(input: OfOneThread, options?: RequestOptions): Promise<ThreadDeleted> {
    const gone = { deleted: true, threadId: input.threadId } as const;
    return this.#transport.json({ method: "DELETE", path: threadOf(input), gone, options });
  }
}

function threadOf(input: OfOneThread): string {
  return `${pathOf(null, input)}/threads/${encodeURIComponent(input.threadId)}`;
}
