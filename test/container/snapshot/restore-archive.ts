// A saved workspace made by hand, from what the test says is in it: its bundle and its packs, as the session would send
// them. It saves nothing itself, so that restoring is tested by the contract and not by what saving happens to write.
import { MANIFEST_VERSION } from "../../../src/contract/manifest.ts";
import type { Digest, FrameRef, Hole, Piece, Root, SegmentRef, TreeNode } from "../../../src/contract/manifest.ts";
import { cutSegments, encodeBundle, encodeRoot, encodeSegment, treeText } from "../../../src/lib/manifest.ts";

/** A run of a file: bytes, or a number of zeros that occupy no disk. */
type Extent = Uint8Array | number;

export type SavedEntry =
  | {
      readonly type: "file";
      readonly path: string;
      readonly mode: number;
      readonly mtimeNs: bigint;
      readonly extents: readonly Extent[];
    }
  | { readonly type: "directory"; readonly path: string; readonly mode: number; readonly mtimeNs: bigint }
  | { readonly type: "symlink"; readonly path: string; readonly mtimeNs: bigint; readonly target: string }
  | { readonly type: "hardlink"; readonly path: string; readonly target: string };

export interface Archive {
  readonly root: Root;
  readonly bundle: Uint8Array<ArrayBuffer>;
  readonly packs: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
}

export interface ArchiveOptions {
  /** Uncompressed bytes of a frame that small files share, and of a chunk of a larger one. */
  readonly frameBytes?: number;
  /** Compressed bytes after which a pack is full. */
  readonly packBytes?: number;
}

/** Of one piece, its frame not yet in a pack. */
interface Draft {
  readonly start: number;
  readonly size: number;
  readonly digest: Digest;
  readonly frame: { ref: FrameRef | null };
}

export function sha256(bytes: Uint8Array): Digest {
  return Bun.SHA256.hash(bytes, "hex");
}

/** @param entries in the order of their paths' bytes */
export function archiveOf(entries: readonly SavedEntry[], options: ArchiveOptions = {}): Archive {
  const writer = new PackWriter(options);
  const drafts = new Map<string, (Draft | Hole)[]>();
  for (const entry of entries) {
    if (entry.type === "file")
      drafts.set(
        entry.path,
        entry.extents.flatMap((extent) => writer.add(extent)),
      );
  }
  writer.endFrame();
  writer.endPack();
  const nodes = entries.map((entry) => toNode(entry, drafts));
  return sealArchive(nodes, writer);
}

/** A manifest of any nodes, sound or not. */
export function archiveOfNodes(nodes: readonly TreeNode[]): Archive {
  return sealArchive(nodes, new PackWriter({}));
}

function sealArchive(nodes: readonly TreeNode[], writer: PackWriter): Archive {
  const cut = [...cutSegments(nodes)].map((segment) => {
    const bytes = encodeSegment(segment);
    const frame = Bun.zstdCompressSync(bytes, { level: 1 });
    return { segment, bytes, frame, ref: writer.addFrame(frame) };
  });
  writer.endPack();
  const segments = cut.map(({ segment, bytes, ref }): SegmentRef => {
    const text = treeText(segment);
    const tree = sha256(Buffer.from(text));
    return { ...resolved(ref), first: segment[0]?.path ?? "", entries: segment.length, digest: sha256(bytes), tree };
  });
  const files = nodes.filter((node) => node.type === "file");
  const root: Root = {
    version: MANIFEST_VERSION,
    treeHash: sha256(Buffer.from(segments.map(({ tree }) => tree).join(""))),
    files: files.length,
    directories: nodes.filter(({ type }) => type === "directory").length,
    sizeBytes: files.reduce((sum, { size }) => sum + size, 0),
    segments,
    packs: [...writer.packs].map(([id, bytes]) => ({ id, sizeBytes: bytes.length })),
    skipped: [],
    skippedCount: 0,
  };
  const bundle = encodeBundle(
    encodeRoot(root),
    cut.map(({ frame }) => frame),
  );
  return { root, bundle, packs: writer.packs };
}

class PackWriter {
  readonly packs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  readonly #known = new Map<Digest, Draft>();
  readonly #frameBytes: number;
  readonly #packBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #frame: Draft["frame"] = { ref: null };
  #pack: Uint8Array[] = [];
  #packed = 0;
  #waiting: { frame: Draft["frame"]; offset: number; length: number }[] = [];

  constructor({ frameBytes = 256 * 1024, packBytes = 8 * 1024 * 1024 }: ArchiveOptions) {
    this.#frameBytes = frameBytes;
    this.#packBytes = packBytes;
  }

  add(extent: Extent): (Draft | Hole)[] {
    if (typeof extent === "number") return [{ hole: extent }];
    const drafts: Draft[] = [];
    for (let at = 0; at < extent.length; at += this.#frameBytes) {
      drafts.push(this.#addPiece(extent.subarray(at, at + this.#frameBytes)));
    }
    return drafts;
  }

  endFrame(): void {
    if (this.#pendingBytes === 0) return;
    this.addFrame(Bun.zstdCompressSync(Buffer.concat(this.#pending), { level: 1 }), this.#frame);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#frame = { ref: null };
  }

  addFrame(bytes: Uint8Array, frame: Draft["frame"] = { ref: null }): Draft["frame"] {
    this.#waiting.push({ frame, offset: this.#packed, length: bytes.length });
    this.#pack.push(bytes);
    this.#packed += bytes.length;
    if (this.#packed >= this.#packBytes) this.endPack();
    return frame;
  }

  endPack(): void {
    if (this.#packed === 0) return;
    const bytes = new Uint8Array(Buffer.concat(this.#pack));
    const pack = sha256(bytes);
    this.packs.set(pack, bytes);
    for (const { frame, offset, length } of this.#waiting) frame.ref = { pack, offset, length };
    this.#waiting = [];
    this.#pack = [];
    this.#packed = 0;
  }

  /** Equal contents are stored once. */
  #addPiece(bytes: Uint8Array): Draft {
    const digest = sha256(bytes);
    const known = this.#known.get(digest);
    if (known !== undefined) return known;
    if (this.#pendingBytes + bytes.length > this.#frameBytes) this.endFrame();
    const draft = { start: this.#pendingBytes, size: bytes.length, digest, frame: this.#frame };
    this.#known.set(digest, draft);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    return draft;
  }
}

function toNode(entry: SavedEntry, drafts: ReadonlyMap<string, readonly (Draft | Hole)[]>): TreeNode {
  if (entry.type !== "file") return entry;
  const pieces = (drafts.get(entry.path) ?? []).map((draft): Piece | Hole => {
    if ("hole" in draft) return draft;
    const { start, size, digest, frame } = draft;
    const { pack, offset, length } = resolved(frame);
    return { pack, offset, length, start, size, digest };
  });
  const { type, path, mode, mtimeNs, extents } = entry;
  const size = extents.reduce<number>((sum, extent) => sum + (typeof extent === "number" ? extent : extent.length), 0);
  return { type, path, mode, mtimeNs, size, pieces };
}

function resolved({ ref }: Draft["frame"]): FrameRef {
  if (ref === null) throw new Error("the frame is in no pack yet");
  return ref;
}
