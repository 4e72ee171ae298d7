// Output of one execution while it is printed: numbers the pieces, records them up to the limit, and lets any number of
// readers follow at their own pace. A slow reader never holds up the program: what is recorded it reads from the file,
// what is past the record is kept for a moment and then dropped. Memory stays bounded however much is printed.
import { RECORD_OUTPUT_BYTES } from "../../../src/contract/limits.ts";
import type { Chunk, OutputFile } from "./output-file.ts";

/** Recorded once this much has gathered, or after the delay. */
const FLUSH_BYTES = 64 * 1024;
const FLUSH_DELAY_MS = 50;
/** Small pieces of one stream become one until somebody has read them. */
const MERGE_BYTES = 4 * 1024;
/** As much needs no file of its own. */
const SHORT_BYTES = 2 * 1024;
/** Kept for readers once the record is full. */
const RING_BYTES = 1024 * 1024;

export class OutputLog {
  /** Printed so far, recorded or not. */
  totalBytes = 0;
  /** More was printed than the record holds. */
  truncated = false;
  /** Nothing follows. */
  closed = false;
  lastSeq = 0;
  readonly #file: OutputFile;
  /** Not in the file: waiting to be written, or, once the record is full, the latest. */
  #recent: Chunk[] = [];
  #recentBytes = 0;
  #recordedBytes = 0;
  /** The highest seq that a reader has been given. */
  #readSeq = 0;
  #flushTimer: ReturnType<typeof setTimeout> | null = null;
  #waiters: (() => void)[] = [];

  constructor(file: OutputFile) {
    this.#file = file;
  }

  append(stream: Chunk["stream"], bytes: Uint8Array): void {
    this.totalBytes += bytes.length;
    if (!this.truncated && this.#recordedBytes + this.#recentBytes + bytes.length > RECORD_OUTPUT_BYTES) {
      this.flush();
      this.truncated = true;
    }
    const last = this.#recent.at(-1);
    const merges = stream !== "result" && last?.stream === stream && last.seq > this.#readSeq;
    if (merges && last.bytes.length + bytes.length <= MERGE_BYTES) {
      this.#recent[this.#recent.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, bytes]) };
    } else {
      this.lastSeq += 1;
      this.#recent.push({ seq: this.lastSeq, stream, bytes: ownCopy(bytes) });
    }
    this.#recentBytes += bytes.length;
    if (this.truncated) this.#dropOldest();
    else if (this.#recentBytes >= FLUSH_BYTES) this.flush();
    else this.#flushTimer ??= setTimeout(() => this.flush(), FLUSH_DELAY_MS);
    this.wake();
  }

  /** Writes what is waiting to the record. */
  flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    if (this.truncated || this.#recent.length === 0) return;
    try {
      this.#file.append(this.#recent);
    } catch (error) {
      console.error("output not recorded", error);
      this.truncated = true;
      return;
    }
    this.#recordedBytes += this.#recentBytes;
    this.#recent = [];
    this.#recentBytes = 0;
    if (this.#file.isFull) this.truncated = true;
  }

  /** Nothing follows. Gives back the whole output where it is short and not in the file: for the caller to keep. */
  close(): readonly Chunk[] {
    const short = !this.truncated && this.#recordedBytes === 0 && this.#recentBytes <= SHORT_BYTES;
    if (!short) this.flush();
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#file.close();
    this.closed = true;
    this.wake();
    return short ? this.#recent : [];
  }

  /** Chunks above `after`, at least one if there is any, at the most about `maxBytes`. */
  read(after: number, maxBytes: number): Chunk[] {
    const oldest = this.#recent[0]?.seq ?? this.lastSeq + 1;
    let chunks = after + 1 < oldest ? this.#file.read(after, maxBytes) : [];
    if (chunks.length === 0) chunks = this.#recent.filter(({ seq }) => seq > after);
    this.#readSeq = Math.max(this.#readSeq, chunks.at(-1)?.seq ?? 0);
    return chunks;
  }

  /** Resolves at the next change, or after `timeoutMs`: then with false. */
  async changed(timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    this.#waiters.push(() => resolve(true));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets everyone who waits look again. */
  wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #dropOldest(): void {
    while (this.#recentBytes > RING_BYTES && this.#recent.length > 1) {
      this.#recentBytes -= this.#recent.shift()?.bytes.length ?? 0;
    }
  }
}

/** Bun hands out small views of large buffers; keeping one must not keep the other. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes;
}
