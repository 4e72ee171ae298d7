// Contents of files → pieces. Each is hashed first: what is stored already, under whatever name, is not stored again.
// A directory is opened by its name in its parent's descriptor, never through a link, as in scan.ts.
import type { Digest, Hole, Piece } from "../../../src/contract/manifest.ts";
import * as calls from "../linux/file-calls.ts";
import { Buffers, type IoBuffer } from "./buffers.ts";
import { layOut, MIDDLE_BYTES, LARGE_BYTES, SMALL_BYTES } from "./layout.ts";
import type { OpenRef, PackWriter } from "./pack-writer.ts";
import type { Stat } from "./tree.ts";

type OpenPiece = OpenRef & Omit<Piece, keyof OpenRef>;

/** A smaller part of a large file, between holes or at its end, shares a frame. */
const SHARED_BYTES = SMALL_BYTES / 2;
/** Chunks of one file that are being hashed at the same time; one more than that is read. */
const HASHED_BYTES = 2 * 1024 * 1024;

/** `torn`: it was shorter than its `stat`. Otherwise an errno. */
export type ReadFailure = "torn" | number;

export class Contents {
  /** Bytes of files that were read, and of those, the bytes that had to be stored. */
  readonly counted = { filesRead: 0, bytesRead: 0, bytesStored: 0 };
  readonly #writer: PackWriter;
  readonly #findKnown: () => Map<Digest, Piece>;
  #knownPieces: Map<Digest, Piece> | null = null;
  readonly #buffers = new Buffers();
  /** What small pieces share. */
  #frame: IoBuffer;
  #used = 0;
  #refs: OpenRef[] = [];

  /** `findKnown`: stored pieces by their digest. Asked for when the first file is read. */
  constructor(writer: PackWriter, findKnown: () => Map<Digest, Piece>) {
    this.#writer = writer;
    this.#findKnown = findKnown;
    this.#frame = this.#buffers.take(SMALL_BYTES);
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
    const chunks: Chunk[] = [];
    try {
      const pieces: (Piece | Hole)[] = [];
      for (const { offset, size, isHole } of layOut(fd, stat)) {
        if (isHole) {
          pieces.push({ hole: size });
          continue;
        }
        const read = { offset, size, at: pieces.length };
        if (stat.size <= SMALL_BYTES || size <= SHARED_BYTES) {
          const full = this.#makeRoom(size);
          if (full !== null) await full;
          const piece = this.#readShared(fd, read);
          if (piece === "torn" || typeof piece === "number") return piece;
          pieces.push(piece);
        } else {
          const chunk = this.#readChunk(fd, read);
          if (chunk === "torn" || typeof chunk === "number") return chunk;
          chunks.push(chunk);
          // Holds the place.
          pieces.push({ hole: size });
        }
        while (sizeOf(chunks) > HASHED_BYTES) await this.#place(chunks, pieces);
        await rest();
      }
      while (chunks.length > 0) await this.#place(chunks, pieces);
      return pieces;
    } finally {
      calls.close(fd);
      for (const { buffer } of chunks) this.#buffers.give(buffer);
    }
  }

  /** Nothing of what was read is held back any more. */
  async flush(): Promise<void> {
    await this.#flush();
  }

  get #known(): Map<Digest, Piece> {
    return (this.#knownPieces ??= this.#findKnown());
  }

  #makeRoom(size: number): Promise<void> | null {
    return this.#used + size > SMALL_BYTES ? this.#flush() : null;
  }

  /** There must be room. */
  #readShared(fd: number, { offset, size }: Extent): Piece | ReadFailure {
    const start = this.#used;
    const failure = this.#fill(fd, { address: this.#frame.address + start, size, offset });
    if (failure !== null) return failure;
    const digest = Bun.SHA256.hash(this.#frame.bytes.subarray(start, start + size), "hex");
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    const piece = this.#newPiece(digest, start, size);
    this.#refs.push(piece);
    this.#used += size;
    return piece;
  }

  /** Hashed on another thread while the next ones are read. */
  #readChunk(fd: number, { offset, size, at }: Extent): Chunk | ReadFailure {
    const buffer = this.#buffers.take(chunkClass(size));
    const failure = this.#fill(fd, { address: buffer.address, size, offset });
    if (failure !== null) {
      this.#buffers.give(buffer);
      return failure;
    }
    const digest = crypto.subtle.digest("SHA-256", buffer.bytes.subarray(0, size));
    // Whoever places it sees it.
    digest.catch(() => {});
    return { buffer, size, at, digest };
  }

  /** The first of them becomes a piece of its own. Its buffer is not the caller's any more. */
  async #place(chunks: Chunk[], pieces: (Piece | Hole)[]): Promise<void> {
    const [chunk] = chunks;
    if (chunk === undefined) return;
    const { buffer, size, at } = chunk;
    const digest = Buffer.from(await chunk.digest).toString("hex");
    chunks.shift();
    const release = (): void => this.#buffers.give(buffer);
    const known = this.#known.get(digest);
    if (known !== undefined) {
      pieces[at] = known;
      release();
      return;
    }
    const piece = this.#newPiece(digest, 0, size);
    pieces[at] = piece;
    const full = this.#writer.add({ bytes: buffer.bytes.subarray(0, size), refs: [piece], release });
    if (full !== null) await full;
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

  #flush(): Promise<void> | null {
    const full = this.#frame;
    const refs = this.#refs;
    const used = this.#used;
    if (used === 0) return null;
    this.#frame = this.#buffers.take(SMALL_BYTES);
    [this.#refs, this.#used] = [[], 0];
    return this.#writer.add({
      bytes: full.bytes.subarray(0, used),
      refs,
      release: () => this.#buffers.give(full),
    });
  }
}

interface Extent {
  readonly offset: number;
  readonly size: number;
  /** Its place among the file's pieces. */
  readonly at: number;
}

/** A part of a large file that is being hashed. */
interface Chunk {
  readonly buffer: IoBuffer;
  readonly size: number;
  readonly at: number;
  readonly digest: Promise<ArrayBuffer>;
}

function sizeOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { size }) => sum + size, 0);
}

function chunkClass(size: number): number {
  if (size <= SMALL_BYTES) return SMALL_BYTES;
  return size <= MIDDLE_BYTES ? MIDDLE_BYTES : LARGE_BYTES;
}
