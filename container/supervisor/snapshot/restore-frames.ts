// Cuts the frames that are needed out of a pack while it arrives. Bytes that nobody needs are passed over.
import type { PlannedFrame, PlannedPack } from "./restore-plan.ts";

export interface ArrivedFrame {
  readonly frame: PlannedFrame;
  /** Compressed. */
  readonly bytes: Uint8Array;
}

export class FrameCutter {
  readonly #pack: PlannedPack;
  /** The frame that comes next. */
  #next = 0;
  /** Its start, where it began in an earlier chunk. */
  #begun: Uint8Array | null = null;
  /** Bytes of the pack that came so far. */
  #received = 0;

  constructor(pack: PlannedPack) {
    this.#pack = pack;
  }

  /** The pack has come whole, and nothing beyond it. */
  get isComplete(): boolean {
    return this.#received === this.#pack.sizeBytes;
  }

  /** What the chunk completes. Parts of the chunk itself are handed on: it must not change. */
  *push(chunk: Uint8Array): Generator<ArrivedFrame> {
    const chunkStart = this.#received;
    const chunkEnd = chunkStart + chunk.length;
    this.#received = chunkEnd;
    for (;;) {
      const frame = this.#pack.frames[this.#next];
      if (frame === undefined || frame.offset >= chunkEnd) return;
      const frameEnd = frame.offset + frame.length;
      const from = Math.max(frame.offset, chunkStart) - chunkStart;
      const part = chunk.subarray(from, Math.min(frameEnd, chunkEnd) - chunkStart);
      const isWhole = part.length === frame.length;
      if (!isWhole) {
        this.#begun ??= new Uint8Array(frame.length);
        this.#begun.set(part, chunkStart + from - frame.offset);
      }
      if (frameEnd > chunkEnd) return;
      const bytes = isWhole ? part : this.#begun;
      this.#begun = null;
      this.#next++;
      if (bytes !== null) yield { frame, bytes };
    }
  }
}

const MAGIC = 0xfd2fb528;
const HEADER_BYTES = 18;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/** How long a zstd frame is uncompressed, by its header (RFC 8878, 3.1.1.1); null where that does not say it. */
export function contentSizeOf(frame: Uint8Array): number | null {
  // Padded, so that a header that is cut off is read as one of zeros.
  const header = new Uint8Array(HEADER_BYTES);
  header.set(frame.subarray(0, HEADER_BYTES));
  const view = new DataView(header.buffer);
  if (view.getUint32(0, true) !== MAGIC) return null;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? view.getUint8(at) : null;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
