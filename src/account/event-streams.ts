// Followers of an account's events.
import { EVENTS } from "../contract/limits.ts";
import { Followers } from "../lib/followers.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { FollowOptions } from "./events-rpc.ts";
import type { EventStore, KeptEvent } from "./events-store.ts";

const PAGE = 100;
/** An id that no event has. */
const BEFORE_ALL = "evt_00000000000000000000";

export class EventStreams {
  readonly #store: EventStore;
  readonly #followers = new Followers({ most: EVENTS.streams });

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Something was added to the store. */
  wake(): void {
    this.#followers.wake();
  }

  /** Ends the streams of a key; with null, of all keys. */
  end(keyId: string | null): void {
    this.#followers.end(keyId);
  }

  async open({ after, types, keyId, expiresAt }: FollowOptions): Promise<Result<ReadableStream<Uint8Array>>> {
    if (!(await this.#followers.hasPlace())) {
      return fail(
        "rate_limit_exceeded",
        `This account follows its events by ${EVENTS.streams} streams already, which is the most. Close one.`,
        { streamsMax: EVENTS.streams },
      );
    }
    const last = after === null ? this.#store.last() : null;
    let id = after ?? last?.id ?? BEFORE_ALL;
    // What is not kept any longer is older than all that is.
    let seq = last?.seq ?? this.#store.seqOf(id) ?? 0;
    const next = (): string | null => {
      for (;;) {
        const page = this.#store.after(seq, PAGE);
        ({ seq, id } = page.at(-1) ?? { seq, id });
        const wanted = types === null ? page : page.filter(({ type }) => types.includes(type));
        if (wanted.length > 0 || page.length === 0) {
          return wanted.length === 0 ? null : wanted.map(eventText).join("");
        }
      }
    };
    const endAt = Math.min(Date.now() + EVENTS.streamMs, expiresAt ?? Number.POSITIVE_INFINITY);
    return ok(this.#followers.open({ next, position: () => id, endAt, keyId }));
  }
}

function eventText({ id, type, body }: KeptEvent): string {
  return `event: ${type}\nid: ${id}\ndata: ${body}\n\n`;
}
