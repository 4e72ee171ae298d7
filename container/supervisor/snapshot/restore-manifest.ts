// A manifest as the session hands it over (src/lib/manifest.ts, encodeBundle) → what it says. Every byte of its segments
// is checked; the root was checked by whoever read it, by its name.
import type { SegmentRef, TreeNode } from "../../../src/contract/manifest.ts";
import { DamagedManifest, decodeBundle, decodeSegment } from "../../../src/lib/manifest.ts";
import { SupervisorError } from "../problem.ts";
import type { Saved, SavedSegment } from "./index.ts";
import { contentSizeOf } from "./restore-frames.ts";

/** Uncompressed: 2,048 entries with the longest paths, or a file of some terabytes. */
const SEGMENT_BYTES = 128 * 1024 * 1024;

/** @throws SupervisorError `conflict`, with details.pack where a pack is to blame */
export async function readManifest(bundle: Uint8Array): Promise<Omit<Saved, "tree">> {
  const { rootBytes, root, frames } = orConflict(() => decodeBundle(bundle));
  const segments: SavedSegment[] = [];
  for (const [index, ref] of root.segments.entries()) {
    segments.push({ ref, nodes: await readSegment(ref, frames[index] ?? new Uint8Array()) });
  }
  return { digest: Bun.SHA256.hash(rootBytes, "hex"), root, segments };
}

async function readSegment(ref: SegmentRef, frame: Uint8Array): Promise<TreeNode[]> {
  const bytes = await decompress(frame, SEGMENT_BYTES);
  if (bytes === null || Bun.SHA256.hash(bytes, "hex") !== ref.digest) throw damagedPack(ref.pack);
  return orConflict(() => decodeSegment(bytes), ref.pack);
}

/** On another thread. Null where it is no zstd frame, or one of more than `most` bytes. */
export async function decompress(frame: Uint8Array, most: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const size = contentSizeOf(frame);
  if (size === null || size > most) return null;
  try {
    // SAFETY: memory of its own, which nobody shares.
    return (await Bun.zstdDecompress(frame)) as Buffer<ArrayBuffer>;
  } catch {
    return null;
  }
}

export function damagedPack(pack: string): SupervisorError {
  return new SupervisorError("conflict", `The pack ${pack} is damaged; restore another snapshot`, { pack });
}

/** What a damaged manifest throws, as a problem. */
export function orConflict<T>(read: () => T, pack?: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error;
    throw new SupervisorError("conflict", error.message, pack === undefined ? {} : { pack });
  }
}
