// How a saved workspace is stored. Types only; src/lib/manifest.ts writes and reads it, supervisor and Worker share it.
//
// A repository holds objects, each named by the SHA-256 of its bytes (64 hex digits) and never changed:
//   pack   frames one after another, each a zstd frame of its own: contents of small files together, a chunk of a large
//          file alone, or a segment
//   root   JSON, a `Root`: everything that one snapshot needs, found from here
// A segment is JSON: some hundred entries of the tree in path order. Where one ends depends on the paths alone, so one
// changed file gives one new segment, and everything else is shared with the snapshot before.
//
// Paths and link targets are byte strings: text in which each character is one byte (latin1), so that any name that
// Linux allows survives. They are relative to the workspace, and sorted by their bytes.

export const MANIFEST_VERSION = 1;

/** SHA-256, 64 hex digits. */
export type Digest = string;

/** Where a frame lies: `length` compressed bytes of a pack from `offset` on. */
export interface FrameRef {
  readonly pack: Digest;
  readonly offset: number;
  readonly length: number;
}

/** A run of a file's bytes: `size` bytes of an uncompressed frame from `start` on. */
export interface Piece extends FrameRef {
  readonly start: number;
  readonly size: number;
  /** Of these `size` bytes. */
  readonly digest: Digest;
}

/** A run of zero bytes that occupies no disk. */
export interface Hole {
  readonly hole: number;
}

interface Named {
  readonly path: string;
}

export interface FileNode extends Named {
  readonly type: "file";
  /** Permission bits, 0 to 07777. */
  readonly mode: number;
  /** Nanoseconds since the epoch; may be negative. */
  readonly mtimeNs: bigint;
  readonly size: number;
  /** In order, together `size` bytes. */
  readonly pieces: readonly (Piece | Hole)[];
}

export interface DirectoryNode extends Named {
  readonly type: "directory";
  readonly mode: number;
  readonly mtimeNs: bigint;
}

export interface SymlinkNode extends Named {
  readonly type: "symlink";
  readonly mtimeNs: bigint;
  readonly target: string;
}

/** Another name of the file at `target`, which comes before it in the order. */
export interface HardLinkNode extends Named {
  readonly type: "hardlink";
  readonly target: string;
}

export type TreeNode = FileNode | DirectoryNode | SymlinkNode | HardLinkNode;

/** A part of the tree, as the root refers to it. */
export interface SegmentRef extends FrameRef {
  /** Path of its first entry. */
  readonly first: string;
  readonly entries: number;
  /** Of the segment's own bytes, uncompressed. */
  readonly digest: Digest;
  /** Of what it says about the tree, wherever the contents are stored: equal trees have equal ones. */
  readonly tree: Digest;
}

export interface PackRef {
  readonly id: Digest;
  readonly sizeBytes: number;
}

export interface Root {
  readonly version: typeof MANIFEST_VERSION;
  /** Of the segments' `tree` digests: two snapshots with equal ones hold the same tree, bit for bit. */
  readonly treeHash: Digest;
  /** As a client sees them: without what is in `.buntime`. */
  readonly files: number;
  readonly directories: number;
  /** Sum of all files' sizes, each hard-linked one once. */
  readonly sizeBytes: number;
  readonly segments: readonly SegmentRef[];
  /** Every pack that segments and pieces refer to. */
  readonly packs: readonly PackRef[];
  /** What cannot be saved: sockets, FIFOs, devices, and what could not be read. The first of them, by path, as text. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly skippedCount: number;
}
