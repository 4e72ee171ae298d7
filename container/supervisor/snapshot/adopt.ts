// After a whole restore: what lies in the workspace is what the snapshot says, so the next one reads nothing again.
import type { TreeNode } from "../../../src/contract/manifest.ts";
import type { Saved, SnapshotIndex } from "./index.ts";
import { scan } from "./scan.ts";
import { flatten, mtimeOf, type Located } from "./tree.ts";

/**
 * Call it once the restored tree is in its place (a rename changes times), and before anything of the session's user runs
 * or a file route writes. What differs from the manifest in kind, size, mode or modification time counts as changed.
 */
export async function adoptRestored(
  index: SnapshotIndex,
  workspace: string,
  { digest, root, segments }: Omit<Saved, "tree">,
): Promise<void> {
  // Nobody maps files of a tree that was not there before.
  const tree = await scan(workspace, { before: null, mapped: new Set(), signal: new AbortController().signal });
  const nodes = new Map<string, TreeNode>();
  for (const segment of segments) for (const node of segment.nodes) nodes.set(node.path, node);
  for (const located of flatten(tree)) {
    const node = nodes.get(located.path);
    if (node !== undefined && isOf(node, located)) located.entry.node = node;
  }
  index.set({ digest, root, segments, tree });
}

function isOf(node: TreeNode, { entry: { stat } }: Located): boolean {
  if (node.type === "hardlink") return stat.kind === "file" && stat.links > 1;
  if (node.type !== stat.kind || node.mtimeNs !== mtimeOf(stat)) return false;
  if (node.type === "symlink") return true;
  return node.mode === stat.mode && (node.type === "directory" || node.size === stat.size);
}
