// Followers of an account's events. A stream holds no events of its own: it reads the store when its reader asks for more,
// so a slow reader costs nothing and misses nothing that is still kept.
import { EVENTS, HEARTBEAT_MS } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { FollowOptions } from "./events-rpc.ts";
import type { EventStore, KeptEvent } from "./events-store.ts";

const PAGE = 100;
/** That a reader has left is noticed by writing to it. When all places are taken, that is done before one is refused. */
const PROBES = 10;
const PROBE_PAUSE_MS = 50;

interface OpenStream {
  readonly keyId: string;
  ended: boolean;
}

export class EventStreams {
  readonly #store: EventStore;
  readonly #waiting = new Set<() => void>();
  readonly #open = new Set<OpenStream>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Something was added to the store. Streams that have nothing to tell show that they live. */
  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) {
      resolve();
    }
  }

  /** Ends the streams of a key; with null, of all keys. */
  end(keyId: string | null): void {
    for (const stream of this.#open) {
      stream.ended ||= keyId === null || stream.keyId === keyId;
    }
    this.wake();
  }

  async open({ after, types, keyId, expiresAt }: FollowOptions): Promise<Result<ReadableStream<Uint8Array>>> {
    for (let asked = 0; this.#open.size >= EVENTS.streams && asked < PROBES; asked++) {
      this.wake();
      await scheduler.wait(PROBE_PAUSE_MS);
    }
    if (this.#open.size >= EVENTS.streams) {
      return fail(
        "rate_limit_exceeded",
        `This account follows its events by ${EVENTS.streams} streams already, which is the most. Close one.`,
        { streamsMax: EVENTS.streams },
      );
    }
    // What is not kept any longer is older than all that is.
    let seq = after === null ? this.#store.lastSeq() : (this.#store.seqOf(after) ?? 0);
    const endAt = Math.min(Date.now() + EVENTS.streamMs, expiresAt ?? Number.POSITIVE_INFINITY);
    const encoder = new TextEncoder();
    const next = (): string | null => {
      for (;;) {
        const page = this.#store.after(seq, PAGE);
        seq = page.at(-1)?.seq ?? seq;
        const wanted = types === null ? page : page.filter(({ type }) => types.includes(type));
        if (wanted.length > 0 || page.length === 0) {
          return wanted.length === 0 ? null : wanted.map(eventText).join("");
        }
      }
    };
    const opened: OpenStream = { keyId, ended: false };
    this.#open.add(opened);
    const close = (): void => {
      opened.ended = true;
      this.#open.delete(opened);
    };
    let begun = false;
    const stream = new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        try {
          // Sent at once, so that the client knows that it is connected.
          let text = begun ? next() : (next() ?? ": connected\n\n");
          begun = true;
          if (text === null && !opened.ended) {
            await this.#arrival(endAt - Date.now());
            text = next() ?? ": waiting\n\n";
          }
          // What it has not told by then, it tells to who resumes.
          if (text === null || opened.ended || Date.now() >= endAt) {
            close();
            controller.close();
          } else {
            controller.enqueue(encoder.encode(text));
          }
        } catch (error) {
          close();
          throw error;
        }
      },
      cancel: close,
    });
    return ok(stream);
  }

  /** Resolves when something was added, or it is time to show that the stream still lives, or to end it. */
  async #arrival(leftMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = setTimeout(resolve, Math.min(HEARTBEAT_MS, Math.max(0, leftMs)));
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}

function eventText({ id, type, body }: KeptEvent): string {
  return `event: ${type}\nid: ${id}\ndata: ${body}\n\n`;
}
