// Nodes → segments. A segment that says what one of the base says is that one: it is neither encoded nor stored again.
import type { Digest, SegmentRef, TreeNode } from "../../../src/contract/manifest.ts";
import { cutSegments, encodeSegment, treeText } from "../../../src/lib/manifest.ts";
import { Pace } from "../files/pace.ts";
import type { Saved, SavedSegment } from "./index.ts";
import type { OpenRef, PackWriter } from "./pack-writer.ts";

/** Contents must lie in packs already. The references are whole when the writer has finished. */
export async function writeSegments(
  nodes: readonly TreeNode[],
  { base, dropped, writer }: { base: Saved | null; dropped: ReadonlySet<Digest>; writer: PackWriter },
): Promise<SavedSegment[]> {
  const stored = new Map<string, SavedSegment>();
  for (const segment of base?.segments ?? []) {
    if (!dropped.has(segment.ref.pack)) stored.set(segment.ref.first, segment);
  }
  const segments: SavedSegment[] = [];
  const pace = new Pace();
  for (const cut of cutSegments(nodes)) {
    const first = cut[0]?.path ?? "";
    const known = stored.get(first);
    if (known !== undefined && isSame(cut, known.nodes)) {
      segments.push(known);
      continue;
    }
    if (pace.isDue()) await pace.rest();
    const bytes = encodeSegment(cut);
    const digest = Bun.SHA256.hash(bytes, "hex");
    if (known?.ref.digest === digest) {
      segments.push({ ref: known.ref, nodes: cut });
      continue;
    }
    const tree = Bun.SHA256.hash(treeText(cut), "hex");
    const ref: OpenRef & SegmentRef = { pack: "", offset: 0, length: 0, first, entries: cut.length, digest, tree };
    segments.push({ ref, nodes: cut });
    await writer.add({ bytes: new Uint8Array(bytes), refs: [ref] });
  }
  return segments;
}

function isSame(a: readonly TreeNode[], b: readonly TreeNode[]): boolean {
  return a.length === b.length && a.every((node, at) => node === b[at]);
}
