// What differs between two saved trees. Parts that are the same are not even read, but for one question: does a hard link
// in them stand for a file that has changed elsewhere?
import type { Digest, FileNode, SegmentRef, TreeNode } from "../../contract/manifest.ts";
import type { SnapshotDiff } from "../../contract/snapshot.ts";
import { isHole, toText } from "../../lib/manifest.ts";
import { OWN_DIRECTORY } from "../../lib/files/paths.ts";
import { Frames } from "./frames.ts";
import { Manifest } from "./manifest.ts";

export type Change = SnapshotDiff["changes"][number];

/** Of a change, with its path as a byte string. */
type Changes = Map<string, Change["change"]>;

/**
 * By path, the supervisor's own directory left out. A directory's time alone is no change: it says that something in it
 * changed, which is listed. @throws DamagedObject, ProblemError
 */
export async function diffTrees(
  place: { readonly bucket: R2Bucket; readonly repositoryId: string },
  from: Digest,
  to: Digest,
  paging: { readonly limit: number; readonly offset: number },
): Promise<{ readonly changes: readonly Change[]; readonly total: number }> {
  const frames = new Frames(place.bucket, place.repositoryId);
  const changes = await compare(new Manifest(frames, from), new Manifest(frames, to));
  const paths = [...changes.keys()].filter((path) => !isOurs(path)).toSorted();
  const page = paths.slice(paging.offset, paging.offset + paging.limit);
  return {
    changes: page.map((path) => ({ path: toText(path), change: changes.get(path) ?? "changed" })),
    total: paths.length,
  };
}

function isOurs(path: string): boolean {
  return path === OWN_DIRECTORY || path.startsWith(`${OWN_DIRECTORY}/`);
}

async function compare(before: Manifest, after: Manifest): Promise<Changes> {
  const changes: Changes = new Map();
  const [older, newer] = await Promise.all([before.root(), after.root()]);
  if (older.treeHash === newer.treeHash) {
    return changes;
  }
  const inOlder = new Set(older.segments.map(({ tree }) => tree));
  const inNewer = new Set(newer.segments.map(({ tree }) => tree));
  const lefts = nodesOf(
    before,
    older.segments.filter(({ tree }) => !inNewer.has(tree)),
  );
  const rights = nodesOf(
    after,
    newer.segments.filter(({ tree }) => !inOlder.has(tree)),
  );
  let left = await next(lefts);
  let right = await next(rights);
  while (left !== null || right !== null) {
    if (right === null || (left !== null && left.path < right.path)) {
      changes.set(left?.path ?? "", "removed");
      left = await next(lefts);
    } else if (left === null || right.path < left.path) {
      changes.set(right.path, "added");
      right = await next(rights);
    } else {
      if (await hasChanged([before, left], [after, right])) {
        changes.set(right.path, "changed");
      }
      left = await next(lefts);
      right = await next(rights);
    }
  }
  await addLinks(
    after,
    newer.segments.filter(({ tree }) => inOlder.has(tree)),
    changes,
  );
  return changes;
}

/** Links that are the same in both, to files that are not. */
async function addLinks(after: Manifest, same: readonly SegmentRef[], changes: Changes): Promise<void> {
  const files = new Set([...changes].flatMap(([path, change]) => (change === "changed" ? [path] : [])));
  if (files.size === 0) {
    return;
  }
  for await (const node of nodesOf(after, same)) {
    if (node.type === "hardlink" && files.has(node.target)) {
      changes.set(node.path, "changed");
    }
  }
}

async function* nodesOf(manifest: Manifest, segments: readonly SegmentRef[]): AsyncGenerator<TreeNode, void> {
  for (const [index, ref] of segments.entries()) {
    const nodes = await manifest.segment(ref);
    manifest.expect(segments.slice(index + 1));
    yield* nodes;
  }
}

async function next(nodes: AsyncGenerator<TreeNode, void>): Promise<TreeNode | null> {
  const { done, value } = await nodes.next();
  return done === true ? null : value;
}

type Side = readonly [manifest: Manifest, node: TreeNode];

async function hasChanged([before, left]: Side, [after, right]: Side): Promise<boolean> {
  if (left.type === "directory" || right.type === "directory") {
    return (
      left.type !== right.type || (right.type === "directory" && left.type === "directory" && left.mode !== right.mode)
    );
  }
  if (left.type === "symlink" || right.type === "symlink") {
    return (
      left.type !== right.type || (right.type === "symlink" && left.type === "symlink" && left.target !== right.target)
    );
  }
  return !isEqual(await before.fileOf(left), await after.fileOf(right));
}

function isEqual(one: FileNode, other: FileNode): boolean {
  return (
    one.mode === other.mode &&
    one.mtimeNs === other.mtimeNs &&
    one.size === other.size &&
    contentOf(one) === contentOf(other)
  );
}

function contentOf({ pieces }: FileNode): string {
  return pieces.map((piece) => (isHole(piece) ? `${piece.hole}` : `${piece.size}:${piece.digest}`)).join();
}
