// Frames → packs. Frames are compressed on other threads while the next ones are read, and laid down in the order in which
// they came. Where a frame lies is known only when its pack is whole: its references are filled in then.
import type { Digest, FrameRef, PackRef } from "../../../src/contract/manifest.ts";
import { freeMemory } from "./buffers.ts";
import type { ObjectQueue } from "./objects.ts";

/** A pack grows up to this, if no single frame is larger. */
const PACK_BYTES = 4 * 1024 * 1024;
/** Uncompressed bytes that are on their way through the compressor. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
/** A pack's memory to begin with; most snapshots are small. It grows four times larger at a time. */
const FIRST_BYTES = 512 * 1024;
/** Fastest; the others cost more time than their bytes would take on the way. */
const LEVEL = 1;

/** Empty until the pack is whole. */
export interface OpenRef extends FrameRef {
  pack: Digest;
  offset: number;
  length: number;
}

export interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly refs: readonly OpenRef[];
  /** Called when `bytes` are not needed any more. */
  readonly release?: () => void;
}

export class PackWriter {
  readonly packs: PackRef[] = [];
  readonly #queue: ObjectQueue;
  /** Of the pack that grows: `#sizeBytes` of it are used. */
  #bytes: Uint8Array<ArrayBuffer> | null = null;
  #sizeBytes = 0;
  #refs: OpenRef[] = [];
  /** Frames that are not laid down yet, oldest first. */
  readonly #inFlight: { readonly bytes: number; readonly done: Promise<void> }[] = [];
  #inFlightBytes = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(queue: ObjectQueue) {
    this.#queue = queue;
  }

  /** Null when there is room for more; otherwise wait for it. */
  add(frame: Frame): Promise<void> | null {
    const { length } = frame.bytes;
    const done = this.#layDown(frame, Bun.zstdCompress(frame.bytes, { level: LEVEL }), this.#last);
    // Whoever waits for room or for the end sees it.
    done.catch(() => {});
    this.#last = done;
    this.#inFlight.push({ bytes: length, done });
    this.#inFlightBytes += length;
    return this.#inFlightBytes > IN_FLIGHT_BYTES ? this.#room() : null;
  }

  /** Everything that was added lies in a pack that is whole. */
  async finish(): Promise<void> {
    await this.#last;
    this.#inFlight.length = 0;
    this.#inFlightBytes = 0;
    await this.#close();
  }

  async #room(): Promise<void> {
    while (this.#inFlightBytes > IN_FLIGHT_BYTES) {
      const oldest = this.#inFlight.shift();
      if (oldest === undefined) return;
      await oldest.done;
      this.#inFlightBytes -= oldest.bytes;
    }
  }

  async #layDown(frame: Frame, compressing: Promise<Buffer>, before: Promise<void>): Promise<void> {
    const compressed = await compressing;
    frame.release?.();
    await before;
    if (this.#sizeBytes > 0 && this.#sizeBytes + compressed.length > PACK_BYTES) await this.#close();
    for (const ref of frame.refs) {
      ref.offset = this.#sizeBytes;
      ref.length = compressed.length;
      this.#refs.push(ref);
    }
    this.#append(compressed);
    freeMemory(compressed);
  }

  #append(compressed: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + compressed.length;
    let bytes = this.#bytes;
    if (bytes === null || bytes.length < sizeBytes) {
      const larger = new Uint8Array(
        Math.max(sizeBytes, bytes === null ? FIRST_BYTES : Math.min(4 * bytes.length, PACK_BYTES)),
      );
      if (bytes !== null) {
        larger.set(bytes);
        freeMemory(bytes);
      }
      this.#bytes = bytes = larger;
    }
    bytes.set(compressed, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  async #close(): Promise<void> {
    if (this.#bytes === null) return;
    const bytes = this.#bytes.subarray(0, this.#sizeBytes);
    const refs = this.#refs;
    [this.#bytes, this.#refs, this.#sizeBytes] = [null, [], 0];
    // On another thread.
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
    for (const ref of refs) ref.pack = digest;
    this.packs.push({ id: digest, sizeBytes: bytes.length });
    await this.#queue.put({ digest, bytes, isRoot: false });
  }
}
