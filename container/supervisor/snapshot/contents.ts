// Contents of files → pieces. Each is hashed first: what is stored already, under whatever name, is not stored again.
// A directory is opened by its name in its parent's descriptor, never through a link, as in scan.ts.
import type { Digest, Hole, Piece } from "../../../src/contract/manifest.ts";
import * as calls from "../linux/file-calls.ts";
import { Buffers, type IoBuffer } from "./buffers.ts";
import { layOut, MIDDLE_BYTES, LARGE_BYTES, SMALL_BYTES } from "./layout.ts";
import type { OpenRef, PackWriter } from "./pack-writer.ts";
import type { Stat } from "./tree.ts";

type OpenPiece = OpenRef & Omit<Piece, keyof OpenRef>;

/** `torn`: it was shorter than its `stat`. Otherwise an errno. */
export type ReadFailure = "torn" | number;

export class Contents {
  /** Bytes of files that were read, and of those, the bytes that had to be stored. */
  readonly counted = { filesRead: 0, bytesRead: 0, bytesStored: 0 };
  readonly #writer: PackWriter;
  readonly #findKnown: () => Map<Digest, Piece>;
  #knownPieces: Map<Digest, Piece> | null = null;
  readonly #buffers = new Buffers();
  /** Twice a frame: a piece is read behind the others, and moves on when it turns out to be too much. */
  #frame: IoBuffer;
  #used = 0;
  #refs: OpenRef[] = [];

  /** `findKnown`: stored pieces by their digest. Asked for when the first file is read. */
  constructor(writer: PackWriter, findKnown: () => Map<Digest, Piece>) {
    this.#writer = writer;
    this.#findKnown = findKnown;
    this.#frame = this.#buffers.take(2 * SMALL_BYTES);
  }

  /** Reads what `stat` says is there, no more. `rest` is called between parts, to let other work on. */
  async read(
    directory: number,
    name: string,
    { stat, rest }: { readonly stat: Stat; readonly rest: () => Promise<void> | null },
  ): Promise<(Piece | Hole)[] | ReadFailure> {
    this.counted.filesRead++;
    if (stat.size === 0) return [];
    const fd = calls.openFileAt(directory, name);
    if (fd < 0) return -fd;
    try {
      const pieces: (Piece | Hole)[] = [];
      for (const { offset, size, isHole } of layOut(fd, stat)) {
        if (isHole) {
          pieces.push({ hole: size });
          continue;
        }
        const piece = size <= SMALL_BYTES ? this.#readShared(fd, offset, size) : this.#readAlone(fd, offset, size);
        if (piece === "torn" || typeof piece === "number") return piece;
        pieces.push(piece.piece);
        if (piece.full !== null) await piece.full;
        await rest();
      }
      return pieces;
    } finally {
      calls.close(fd);
    }
  }

  /** Nothing of what was read is held back any more. */
  async flush(): Promise<void> {
    await this.#flush(null);
  }

  get #known(): Map<Digest, Piece> {
    return (this.#knownPieces ??= this.#findKnown());
  }

  #readShared(fd: number, offset: number, size: number): Read | ReadFailure {
    const start = this.#used;
    const failure = this.#fill(fd, { address: this.#frame.address + start, size, offset });
    if (failure !== null) return failure;
    const digest = Bun.SHA256.hash(this.#frame.bytes.subarray(start, start + size), "hex");
    const known = this.#known.get(digest);
    if (known !== undefined) return { piece: known, full: null };
    let full: Promise<void> | null = null;
    if (start + size > SMALL_BYTES) full = this.#flush({ start, size });
    const piece = this.#newPiece(digest, this.#used, size);
    this.#refs.push(piece);
    this.#used += size;
    return { piece, full };
  }

  #readAlone(fd: number, offset: number, size: number): Read | ReadFailure {
    const buffer = this.#buffers.take(size <= MIDDLE_BYTES ? MIDDLE_BYTES : LARGE_BYTES);
    const release = (): void => this.#buffers.give(buffer);
    const failure = this.#fill(fd, { address: buffer.address, size, offset });
    const bytes = buffer.bytes.subarray(0, size);
    const digest = failure === null ? Bun.SHA256.hash(bytes, "hex") : "";
    const known = this.#known.get(digest);
    if (failure === null && known === undefined) {
      const piece = this.#newPiece(digest, 0, size);
      return { piece, full: this.#writer.add({ bytes, refs: [piece], release }) };
    }
    release();
    return failure ?? (known === undefined ? "torn" : { piece: known, full: null });
  }

  #fill(fd: number, { address, size, offset }: { address: number; size: number; offset: number }): ReadFailure | null {
    const length = calls.readAt(fd, address, size, offset);
    if (length < 0) return -length;
    this.counted.bytesRead += length;
    return length < size ? "torn" : null;
  }

  #newPiece(digest: Digest, start: number, size: number): OpenPiece {
    const piece: OpenPiece = { pack: "", offset: 0, length: 0, start, size, digest };
    this.#known.set(digest, piece);
    this.counted.bytesStored += size;
    return piece;
  }

  /** `keep`: bytes of the frame that belong into the next one. */
  #flush(keep: { readonly start: number; readonly size: number } | null): Promise<void> | null {
    const full = this.#frame;
    const refs = this.#refs;
    const used = this.#used;
    if (used === 0) return null;
    this.#frame = this.#buffers.take(2 * SMALL_BYTES);
    if (keep !== null) this.#frame.bytes.set(full.bytes.subarray(keep.start, keep.start + keep.size));
    [this.#refs, this.#used] = [[], 0];
    return this.#writer.add({
      bytes: full.bytes.subarray(0, used),
      refs,
      release: () => this.#buffers.give(full),
    });
  }
}

interface Read {
  readonly piece: Piece;
  /** Wait for it before the next. */
  readonly full: Promise<void> | null;
}
