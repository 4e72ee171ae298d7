// The bytes of a saved file: any part of them, in order, each run compared with its digest before it is given out.
import type { FileNode, Hole, Piece } from "../../contract/manifest.ts";
import type { ByteRange } from "../../lib/files/range.ts";
import { isHole } from "../../lib/manifest.ts";
import { readAhead } from "./ahead.ts";
import type { Frames, Sent } from "./frames.ts";

/** What of a piece is wanted. */
export interface Slice {
  readonly piece: Piece | Hole;
  readonly from: number;
  readonly to: number;
}

const ZEROS = new Uint8Array(256 * 1024);

export function* slicesOf(file: FileNode, { first, last }: ByteRange): Generator<Slice, void> {
  let start = 0;
  for (const piece of file.pieces) {
    const size = isHole(piece) ? piece.hole : piece.size;
    const from = Math.max(first - start, 0);
    const to = Math.min(last + 1 - start, size);
    if (from < to) {
      yield { piece, from, to };
    }
    start += size;
  }
}

export function pieceOf({ piece }: Slice): Piece | null {
  return isHole(piece) ? null : piece;
}

/** @throws DamagedObject */
export async function* bytesOfSlice(frames: Frames, slice: Slice, sent: Sent): AsyncGenerator<Uint8Array, void> {
  const { piece, from, to } = slice;
  if (!isHole(piece)) {
    yield (await frames.bytesOf(piece, sent)).subarray(from, to);
    return;
  }
  for (let left = to - from; left > 0; left -= ZEROS.length) {
    yield ZEROS.subarray(0, left);
  }
}

/** @throws DamagedObject */
export async function* readPart(frames: Frames, file: FileNode, part: ByteRange): AsyncGenerator<Uint8Array, void> {
  const slices = inTurns(slicesOf(file, part));
  for await (const [slice, sent] of readAhead(frames, slices, pieceOf)) {
    yield* bytesOfSlice(frames, slice, sent);
  }
}

/** All at once, for what is small. @throws DamagedObject */
export async function readWhole(frames: Frames, file: FileNode, part: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(part.last - part.first + 1);
  let at = 0;
  for await (const chunk of readPart(frames, file, part)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

export function wholeOf({ size }: FileNode): ByteRange {
  return { first: 0, last: size - 1 };
}

async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items;
}
