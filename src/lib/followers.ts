// Followers of something that grows, as server-sent events. A stream holds no events of its own: it asks for more when its
// reader does, so a slow reader costs nothing and misses nothing that is still kept.
import { HEARTBEAT_MS } from "../contract/limits.ts";

/** That a reader has left is noticed by writing to it. When all places are taken, that is done before one is refused. */
const PROBES = 10;
const PROBE_PAUSE_MS = 50;

export interface Followed {
  /** Events as text, from where the last call ended; null while there are no more. */
  readonly next: () => string | null;
  /** There will be no more. Absent: there always may be. */
  readonly isOver?: () => boolean;
  /** The id behind which it would begin if it were opened anew. */
  readonly position: () => string | number;
  /** When the stream ends, in milliseconds since the epoch, for its reader to come back. */
  readonly endAt: number;
  /** With which it was opened, see `end`. Absent: whoever passes it on ends it. */
  readonly keyId?: string;
}

interface OpenStream {
  readonly keyId: string | undefined;
  ended: boolean;
}

export class Followers {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  readonly #open = new Set<OpenStream>();

  constructor({ most }: { readonly most: number }) {
    this.#most = most;
  }

  /** There may be more. Streams that have nothing to tell show that they live. */
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

  /** Whether there is a place for one more, once those who have left have given theirs back. */
  async hasPlace(): Promise<boolean> {
    for (let asked = 0; this.#open.size >= this.#most && asked < PROBES; asked++) {
      this.wake();
      await scheduler.wait(PROBE_PAUSE_MS);
    }
    return this.#open.size < this.#most;
  }

  open({ next, isOver = () => false, position, endAt, keyId }: Followed): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const opened: OpenStream = { keyId, ended: false };
    this.#open.add(opened);
    const close = (): void => {
      opened.ended = true;
      this.#open.delete(opened);
    };
    // Without data it is no event; who comes back has the id, though no event came before the connection broke.
    const comment = (text: string): string => `id: ${position()}\n: ${text}\n\n`;
    let begun = false;
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        try {
          // Sent at once, so that the client knows that it is connected.
          let text = begun ? next() : (next() ?? comment("connected"));
          begun = true;
          if (text === null && !opened.ended && !isOver()) {
            await this.#arrival(endAt - Date.now());
            text = next() ?? ": waiting\n\n";
          }
          // What it has not told by then, it tells to who resumes.
          if (text === null || opened.ended || isOver() || Date.now() >= endAt) {
            close();
            if (isOver()) {
              controller.enqueue(encoder.encode(comment("over")));
            }
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
