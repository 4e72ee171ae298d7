// The manifest of one snapshot: its root is read once, segments as they are needed, and what was used last is kept.
import { MANIFEST_VERSION } from "../../contract/manifest.ts";
import type { Digest, FileNode, HardLinkNode, Root, SegmentRef, TreeNode } from "../../contract/manifest.ts";
import { DamagedObject } from "../bundle.ts";
import type { Frames } from "./frames.ts";
import { Lru } from "./lru.ts";

/** Parsed segments that are kept. */
const KEPT_BYTES = 24 * 1024 * 1024;
/** Memory that a parsed segment takes, per byte of its text. */
const PARSED_WEIGHT = 3;
/** Segments that are read ahead on a way through the tree. */
const AHEAD = 4;

/** In place of a root's digest: there is nothing, as in a workspace that was never saved. */
export const NOTHING: Digest = "";
const EMPTY: Root = {
  version: MANIFEST_VERSION,
  treeHash: NOTHING,
  files: 0,
  directories: 0,
  sizeBytes: 0,
  segments: [],
  packs: [],
  skipped: [],
  skippedCount: 0,
};

export class Manifest {
  readonly digest: Digest;
  readonly frames: Frames;
  readonly #segments = new Lru<readonly TreeNode[]>(KEPT_BYTES);
  readonly #reads = new Map<string, Promise<readonly TreeNode[]>>();
  #root: Promise<Root> | null;

  constructor(frames: Frames, digest: Digest) {
    this.frames = frames;
    this.digest = digest;
    this.#root = digest === NOTHING ? Promise.resolve(EMPTY) : null;
  }

  /** @throws DamagedObject */
  root(): Promise<Root> {
    this.#root ??= this.frames.root(this.digest).catch((error: unknown) => {
      // The next one asks again.
      this.#root = null;
      throw error;
    });
    return this.#root;
  }

  /** Null: there is nothing of that name. @throws DamagedObject */
  async find(path: string): Promise<TreeNode | null> {
    const { segments } = await this.root();
    const ref = segments[segmentOf(segments, path)];
    if (ref === undefined) {
      return null;
    }
    const nodes = await this.segment(ref);
    const node = nodes[lowerBound(nodes, path)];
    return node?.path === path ? node : null;
  }

  /** The file that a name stands for, of whichever name it was saved under. @throws DamagedObject */
  async fileOf(node: FileNode | HardLinkNode): Promise<FileNode> {
    if (node.type === "file") {
      return node;
    }
    const target = await this.find(node.target);
    if (target?.type !== "file") {
      throw new DamagedObject(this.digest, "a hard link leads to what is no file");
    }
    return target;
  }

  /** A way through the tree in path order, beginning with the first path that is not before `from`. */
  async cursor(from: string): Promise<Cursor> {
    const { segments } = await this.root();
    return new Cursor(this, segments, from);
  }

  /** @throws DamagedObject */
  async segment(ref: SegmentRef): Promise<readonly TreeNode[]> {
    const known = this.#segments.get(ref.digest) ?? this.#reads.get(ref.digest);
    if (known !== undefined) {
      return known;
    }
    const read = this.#read(ref);
    this.#reads.set(ref.digest, read);
    try {
      return await read;
    } finally {
      this.#reads.delete(ref.digest);
    }
  }

  /** Starts reading what will be asked for next; whether it came is seen then. */
  expect(refs: readonly SegmentRef[]): void {
    for (const ref of refs.slice(0, AHEAD)) {
      this.segment(ref).catch(() => undefined);
    }
  }

  async #read(ref: SegmentRef): Promise<readonly TreeNode[]> {
    const { nodes, sizeBytes } = await this.frames.segment(ref);
    if (nodes.length !== ref.entries || nodes[0]?.path !== ref.first) {
      throw new DamagedObject(this.digest, "a root and its segments do not agree");
    }
    this.#segments.set(ref.digest, nodes, sizeBytes * PARSED_WEIGHT);
    return nodes;
  }
}

export class Cursor {
  readonly #manifest: Manifest;
  readonly #segments: readonly SegmentRef[];
  #index: number;
  #from: string;
  #nodes: readonly TreeNode[] | null = null;
  #at = 0;

  constructor(manifest: Manifest, segments: readonly SegmentRef[], from: string) {
    this.#manifest = manifest;
    this.#segments = segments;
    this.#from = from;
    this.#index = Math.max(0, segmentOf(segments, from));
  }

  /** Null at the end. @throws DamagedObject */
  async next(): Promise<TreeNode | null> {
    for (;;) {
      if (this.#nodes === null) {
        const ref = this.#segments[this.#index];
        if (ref === undefined) {
          return null;
        }
        this.#nodes = await this.#manifest.segment(ref);
        this.#at = lowerBound(this.#nodes, this.#from);
      }
      const node = this.#nodes[this.#at++];
      if (node !== undefined) {
        return node;
      }
      this.#nodes = null;
      this.#index++;
      this.#manifest.expect(this.#segments.slice(this.#index));
    }
  }

  /** Goes on at the first path that is not before `path`; never back. */
  skipTo(path: string): void {
    this.#from = path;
    const index = segmentOf(this.#segments, path);
    if (index > this.#index) {
      this.#index = index;
      this.#nodes = null;
    } else if (this.#nodes !== null) {
      this.#at = Math.max(this.#at, lowerBound(this.#nodes, path));
    }
  }
}

/** The one that `path` would lie in; -1: it would come before the first. */
function segmentOf(segments: readonly SegmentRef[], path: string): number {
  return firstThat(segments.length, (at) => (segments[at]?.first ?? "") > path) - 1;
}

function lowerBound(nodes: readonly TreeNode[], path: string): number {
  return firstThat(nodes.length, (at) => (nodes[at]?.path ?? "") >= path);
}

/** Where `holds`, which goes on holding once it does, begins to. */
function firstThat(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
