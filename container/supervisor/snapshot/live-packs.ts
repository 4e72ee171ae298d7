// Which packs of a snapshot are worth keeping: what is still needed of one that is mostly dead is written anew, so that
// what is stored stays in proportion to what is there.
import type { Digest, FrameRef } from "../../../src/contract/manifest.ts";
import { isHole } from "../../../src/lib/manifest.ts";
import type { Saved } from "./index.ts";

/** A pack of which a smaller part is needed is given up. */
const LIVE_PART = 0.5;
/** So many small ones are made one. */
const SMALL_PACKS = 64;
const SMALL_PACK_BYTES = 1024 * 1024;

/** Packs that the next snapshot should not rely on. */
export function wastefulPacks({ root, segments }: Saved): Set<Digest> {
  const live = new Map<Digest, Map<number, number>>();
  let last: FrameRef | null = null;
  const use = (frame: FrameRef): void => {
    // Neighbours mostly lie in one frame.
    if (last !== null && last.offset === frame.offset && last.pack === frame.pack) return;
    last = frame;
    const frames = live.get(frame.pack) ?? new Map<number, number>();
    live.set(frame.pack, frames.set(frame.offset, frame.length));
  };
  for (const { ref, nodes } of segments) {
    use(ref);
    for (const node of nodes) {
      if (node.type !== "file") continue;
      for (const piece of node.pieces) if (!isHole(piece)) use(piece);
    }
  }
  const small = root.packs.filter(({ sizeBytes }) => sizeBytes < SMALL_PACK_BYTES);
  const wasteful = new Set(small.length > SMALL_PACKS ? small.map(({ id }) => id) : []);
  for (const { id, sizeBytes } of root.packs) {
    const needed =
      live
        .get(id)
        ?.values()
        .reduce((sum, length) => sum + length, 0) ?? 0;
    if (needed < sizeBytes * LIVE_PART) wasteful.add(id);
  }
  return wasteful;
}
