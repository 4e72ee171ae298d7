// Where a file's bytes are cut: at multiples of a chunk size that depends on the file's size alone, so that equal parts of
// two versions are found to be equal; and around holes, which are not read.
import { seekData, seekHole } from "../linux/file-calls.ts";
import type { Stat } from "./tree.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** A file up to this size is one piece, in a frame with its neighbours. */
export const SMALL_BYTES = 256 * KIB;
/** Chunks of larger files, and of very large ones. */
export const MIDDLE_BYTES = MIB;
export const LARGE_BYTES = 4 * MIB;
/** A smaller hole is stored as the zeros that it reads as. */
const HOLE_BYTES = 64 * KIB;
const ENXIO = 6;

export interface Extent {
  readonly offset: number;
  readonly size: number;
  readonly isHole: boolean;
}

function chunkBytes(sizeBytes: number): number {
  if (sizeBytes <= 64 * MIB) return SMALL_BYTES;
  return sizeBytes <= 1024 * MIB ? MIDDLE_BYTES : LARGE_BYTES;
}

/** The file's parts, in order; no part of data is larger than a chunk. */
export function* layOut(fd: number, stat: Stat): Generator<Extent, void> {
  const chunk = chunkBytes(stat.size);
  for (const extent of extents(fd, stat)) {
    if (extent.isHole) {
      yield extent;
      continue;
    }
    const end = extent.offset + extent.size;
    for (let offset = extent.offset; offset < end;) {
      const next = Math.min(end, (Math.floor(offset / chunk) + 1) * chunk);
      yield { offset, size: next - offset, isHole: false };
      offset = next;
    }
  }
}

function* extents(fd: number, { size, blocks }: Stat): Generator<Extent, void> {
  let dataFrom = 0;
  // Otherwise there is no hole worth looking for.
  if (blocks * 512 + HOLE_BYTES <= size) {
    for (let at = 0; at < size;) {
      const data = seekData(fd, at);
      // Past the last data. Other errors: the file system does not tell.
      if (data < 0 && data !== -ENXIO) break;
      const holeEnd = data < 0 ? size : Math.min(data, size);
      if (holeEnd - at >= HOLE_BYTES) {
        if (at > dataFrom) yield { offset: dataFrom, size: at - dataFrom, isHole: false };
        yield { offset: at, size: holeEnd - at, isHole: true };
        dataFrom = holeEnd;
      }
      if (holeEnd === size) break;
      const dataEnd = seekHole(fd, holeEnd);
      if (dataEnd < 0) break;
      at = dataEnd;
    }
  }
  if (size > dataFrom) yield { offset: dataFrom, size: size - dataFrom, isHole: false };
}
