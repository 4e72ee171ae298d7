// What a restore has to do, worked out from the manifest before anything is written. Pure. A manifest may be damaged or
// made by an enemy: a plan holds only names that stay in the tree, each once, each in a directory of the same tree.
import type { Digest, FileNode, Piece, Root, TreeNode } from "../../../src/contract/manifest.ts";
import { DamagedManifest, isHole, toText } from "../../../src/lib/manifest.ts";
import { SupervisorError } from "../problem.ts";

/** Uncompressed bytes of a frame at the most. Saving makes none above 4 MiB. */
export const FRAME_BYTES = 16 * 1024 * 1024;

export interface PlannedFile {
  readonly node: FileNode;
  /** Pieces that are not written yet; holes are none. */
  missing: number;
  /** Open while it is being written piece by piece. */
  fd: number | null;
}

/** Where a run of a frame's bytes belongs. */
export interface Part {
  readonly file: PlannedFile;
  /** In the file. */
  readonly offset: number;
  readonly piece: Piece;
}

export interface PlannedFrame {
  readonly offset: number;
  readonly length: number;
  readonly parts: Part[];
  written: boolean;
}

export interface PlannedPack {
  readonly sizeBytes: number;
  /** By their offset; none overlaps another. */
  readonly frames: readonly PlannedFrame[];
}

export interface Plan {
  /** A directory comes before what is in it, a file before further names of it. */
  readonly nodes: readonly TreeNode[];
  /** By path: those that have contents to be written, and those that have none. */
  readonly files: ReadonlyMap<string, PlannedFile>;
  readonly packs: ReadonlyMap<Digest, PlannedPack>;
  readonly sizeBytes: number;
}

/**
 * @param nodes of the whole manifest, in its order
 * @param only a path of the tree: just this and what is in it; null: everything
 * @throws DamagedManifest, SupervisorError `file_not_found` when `only` is not in the tree
 */
export function planRestore(root: Root, nodes: readonly TreeNode[], only: string | null): Plan {
  checkTree(nodes);
  const wanted = only === null ? nodes : select(nodes, only);
  const files = new Map<string, PlannedFile>();
  const packs = new Map<Digest, Map<number, PlannedFrame>>();
  let sizeBytes = 0;
  for (const node of wanted) {
    if (node.type !== "file") continue;
    const file = { node, missing: 0, fd: null };
    files.set(node.path, file);
    sizeBytes += node.size;
    addParts(file, packs);
  }
  return { nodes: wanted, files, packs: orderFrames(packs, root), sizeBytes };
}

function checkTree(nodes: readonly TreeNode[]): void {
  const types = new Map<string, TreeNode["type"]>();
  for (const node of nodes) {
    const { path, type } = node;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== "" && types.get(parent) !== "directory") throw damaged(`${path} is in no directory of the tree`);
    if (types.has(path)) throw damaged(`${path} is in the tree twice`);
    if (type === "hardlink" && types.get(node.target) !== "file") throw damaged(`${path} is a further name of no file`);
    types.set(path, type);
  }
}

/** A file whose first name is elsewhere becomes a file of its own. */
function select(nodes: readonly TreeNode[], only: string): TreeNode[] {
  const isWanted = (path: string): boolean => path === only || path.startsWith(`${only}/`);
  const wanted = nodes.filter(({ path }) => isWanted(path));
  if (wanted.length === 0) throw new SupervisorError("file_not_found", `${toText(only)} is not in the snapshot`);
  if (!wanted.some((node) => node.type === "hardlink" && !isWanted(node.target))) return wanted;
  const originals = new Map(nodes.flatMap((node) => (node.type === "file" ? [[node.path, node]] : [])));
  const firstNames = new Map<string, string>();
  return wanted.map((node) => {
    if (node.type !== "hardlink" || isWanted(node.target)) return node;
    const { path, target } = node;
    const firstName = firstNames.get(target);
    if (firstName !== undefined) return { type: "hardlink", path, target: firstName };
    firstNames.set(target, path);
    const original = originals.get(target);
    if (original === undefined) throw damaged(`${path} is a further name of no file`);
    const { type, mode, mtimeNs, size, pieces } = original;
    return { type, path, mode, mtimeNs, size, pieces };
  });
}

function addParts(file: PlannedFile, packs: Map<Digest, Map<number, PlannedFrame>>): void {
  let offset = 0;
  for (const piece of file.node.pieces) {
    if (isHole(piece)) {
      offset += piece.hole;
      continue;
    }
    if (piece.start + piece.size > FRAME_BYTES) throw damaged(`${file.node.path} has a piece in too large a frame`);
    const frames = packs.get(piece.pack) ?? new Map<number, PlannedFrame>();
    packs.set(piece.pack, frames);
    const frame = frames.get(piece.offset) ?? { offset: piece.offset, length: piece.length, parts: [], written: false };
    if (frame.length !== piece.length) throw damaged(`${file.node.path} has a piece in a frame of two lengths`);
    frames.set(piece.offset, frame);
    frame.parts.push({ file, offset, piece });
    file.missing++;
    offset += piece.size;
  }
}

function orderFrames(packs: ReadonlyMap<Digest, ReadonlyMap<number, PlannedFrame>>, root: Root): Plan["packs"] {
  const sizes = new Map(root.packs.map(({ id, sizeBytes }) => [id, sizeBytes]));
  const ordered = new Map<Digest, PlannedPack>();
  for (const [id, byOffset] of packs) {
    const sizeBytes = sizes.get(id);
    if (sizeBytes === undefined) throw damaged(`the root does not name the pack ${id}`);
    const frames = [...byOffset.values()].toSorted((a, b) => a.offset - b.offset);
    let end = 0;
    for (const frame of frames) {
      if (frame.offset < end) throw damaged(`two frames of the pack ${id} overlap`);
      end = frame.offset + frame.length;
    }
    if (end > sizeBytes) throw damaged(`a frame lies beyond the end of the pack ${id}`);
    ordered.set(id, { sizeBytes, frames });
  }
  return ordered;
}

function damaged(what: string): DamagedManifest {
  return new DamagedManifest(`The manifest is damaged: ${what}`);
}
