// A saved workspace in the real bucket, made by hand: packs, segments and a root, as a supervisor would have sent them.
import { env } from "cloudflare:test";
import { zstdCompressSync } from "node:zlib";
import type { Digest, FrameRef, Hole, Piece, SegmentRef, TreeNode } from "../../src/contract/manifest.ts";
import { cutSegments, encodeRoot, encodeSegment, treeText } from "../../src/lib/manifest.ts";
import type { Env } from "../../src/env.ts";
import { keyOf, putObject } from "../../src/storage/objects.ts";

// SAFETY: wrangler.toml has the binding.
export const bucket = (env as unknown as Env).SNAPSHOTS;

/** An entry of a tree; `path` and `target` are byte strings. */
export type Entry = { readonly path: string; readonly mtimeNs?: bigint } & (
  | {
      readonly type: "file";
      readonly mode?: number;
      readonly content: string | Uint8Array | readonly (Uint8Array | Hole)[];
    }
  | { readonly type: "directory"; readonly mode?: number }
  | { readonly type: "symlink" | "hardlink"; readonly target: string }
);

export interface SavedTree {
  readonly repositoryId: string;
  readonly root: Digest;
  readonly packs: readonly Digest[];
}

const TIME_NS = 1_795_000_000_123_456_789n;
/** Files up to here share frames of that size; larger ones are cut into chunks of it. */
const FRAME_BYTES = 256 * 1024;
const PACK_BYTES = 1024 * 1024;
/** Up to here workerd's zstdCompressSync can be relied on; its result must fit into one chunk of 16 KiB. */
const COMPRESSED_BYTES = 8192;

export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

export async function saveTree(entries: readonly Entry[], repositoryId = crypto.randomUUID()): Promise<SavedTree> {
  const writer = new PackWriter();
  const frames = new FrameSharer(writer);
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const pending: { readonly entry: Entry; readonly pieces: readonly (PendingPiece | Hole)[] }[] = [];
  for (const entry of sorted) {
    pending.push({ entry, pieces: entry.type === "file" ? await frames.pieces(entry.content) : [] });
  }
  frames.end();
  writer.cut();
  await writer.settle();
  const nodes = pending.map(({ entry, pieces }) => nodeOf(entry, pieces, writer));
  const segments: { readonly frame: number; readonly ref: Omit<SegmentRef, keyof FrameRef> }[] = [];
  for (const part of cutSegments(nodes)) {
    const bytes = encodeSegment(part);
    const tree = await digestOf(new TextEncoder().encode(treeText(part)));
    const ref = { first: part[0]?.path ?? "", entries: part.length, digest: await digestOf(bytes), tree };
    segments.push({ frame: writer.add(bytes), ref });
  }
  writer.cut();
  await writer.settle();
  const root = encodeRoot({
    version: 1,
    treeHash: await digestOf(new TextEncoder().encode(segments.map(({ ref }) => ref.tree).join())),
    files: nodes.filter(({ type }) => type === "file").length,
    directories: nodes.filter(({ type }) => type === "directory").length,
    sizeBytes: nodes.reduce((sum, node) => sum + (node.type === "file" ? node.size : 0), 0),
    segments: segments.map(({ frame, ref }) => Object.assign(writer.ref(frame), ref)),
    packs: writer.packs.map(({ digest, bytes }) => ({ id: digest, sizeBytes: bytes.length })),
    skipped: [],
    skippedCount: 0,
  });
  const rootDigest = await digestOf(root);
  await Promise.all(writer.packs.map(({ digest, bytes }) => putObject(bucket, repositoryId, { digest, body: bytes })));
  await putObject(bucket, repositoryId, { digest: rootDigest, body: root });
  return { repositoryId, root: rootDigest, packs: writer.packs.map(({ digest }) => digest) };
}

/** Turns one bit of an object over, counting round at its end. */
export async function damage({ repositoryId }: SavedTree, digest: Digest, at: number): Promise<void> {
  const object = await bucket.get(keyOf(repositoryId, digest));
  const bytes = new Uint8Array((await object?.arrayBuffer()) ?? []);
  const place = at % bytes.length;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await bucket.put(keyOf(repositoryId, digest), bytes);
}

/** A piece whose frame is known by its number until its pack is named. */
interface PendingPiece {
  readonly frame: number;
  readonly start: number;
  readonly size: number;
  readonly digest: Digest;
}

function nodeOf(entry: Entry, pieces: readonly (PendingPiece | Hole)[], writer: PackWriter): TreeNode {
  const mtimeNs = entry.mtimeNs ?? TIME_NS;
  switch (entry.type) {
    case "directory":
      return { type: "directory", path: entry.path, mode: entry.mode ?? 0o755, mtimeNs };
    case "symlink":
      return { type: "symlink", path: entry.path, target: entry.target, mtimeNs };
    case "hardlink":
      return { type: "hardlink", path: entry.path, target: entry.target };
    case "file":
      break;
  }
  const placed = pieces.map((piece): Piece | Hole => {
    if ("hole" in piece) {
      return piece;
    }
    const { frame, ...rest } = piece;
    return { ...writer.ref(frame), ...rest };
  });
  const size = placed.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.size), 0);
  return { type: "file", path: entry.path, mode: entry.mode ?? 0o644, mtimeNs, size, pieces: placed };
}

class FrameSharer {
  readonly #writer: PackWriter;
  #open: Uint8Array[] = [];
  #openBytes = 0;

  constructor(writer: PackWriter) {
    this.#writer = writer;
  }

  async pieces(content: string | Uint8Array | readonly (Uint8Array | Hole)[]): Promise<(PendingPiece | Hole)[]> {
    const runs =
      typeof content === "string"
        ? [new TextEncoder().encode(content)]
        : content instanceof Uint8Array
          ? [content]
          : content;
    const pieces: (PendingPiece | Hole)[] = [];
    for (const run of runs) {
      if (!(run instanceof Uint8Array)) {
        pieces.push(run);
        continue;
      }
      for (let at = 0; at < run.length; at += FRAME_BYTES) {
        pieces.push(await this.#piece(run.subarray(at, at + FRAME_BYTES)));
      }
    }
    return pieces;
  }

  async #piece(bytes: Uint8Array): Promise<PendingPiece> {
    if (this.#openBytes + bytes.length > FRAME_BYTES) {
      this.end();
    }
    const piece = {
      frame: this.#writer.nextFrame,
      start: this.#openBytes,
      size: bytes.length,
      digest: await digestOf(bytes),
    };
    this.#open.push(bytes);
    this.#openBytes += bytes.length;
    return piece;
  }

  end(): void {
    if (this.#openBytes > 0) {
      this.#writer.add(concat(this.#open));
      this.#open = [];
      this.#openBytes = 0;
    }
  }
}

class PackWriter {
  readonly packs: { digest: Digest; readonly bytes: Uint8Array }[] = [];
  readonly #frames: { readonly pack: number; readonly offset: number; readonly length: number }[] = [];
  #open: Uint8Array[] = [];
  #openBytes = 0;

  get nextFrame(): number {
    return this.#frames.length;
  }

  add(bytes: Uint8Array): number {
    const compressed = bytes.length <= COMPRESSED_BYTES ? zstdCompressSync(bytes) : storedFrame(bytes);
    this.#frames.push({ pack: this.packs.length, offset: this.#openBytes, length: compressed.length });
    this.#open.push(compressed);
    this.#openBytes += compressed.length;
    if (this.#openBytes > PACK_BYTES) {
      this.cut();
    }
    return this.#frames.length - 1;
  }

  cut(): void {
    if (this.#openBytes > 0) {
      this.packs.push({ digest: "", bytes: concat(this.#open) });
      this.#open = [];
      this.#openBytes = 0;
    }
  }

  /** Names the packs that are whole. */
  async settle(): Promise<void> {
    for (const pack of this.packs) {
      pack.digest = await digestOf(pack.bytes);
    }
  }

  ref(frame: number): FrameRef {
    const { pack, offset, length } = this.#frames[frame] ?? { pack: -1, offset: 0, length: 0 };
    return { pack: this.packs[pack]?.digest ?? "", offset, length };
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A zstd frame (RFC 8878) of blocks that are not compressed. */
function storedFrame(bytes: Uint8Array): Uint8Array {
  const blockBytes = 128 * 1024;
  const header = new DataView(new ArrayBuffer(9));
  header.setUint32(0, 0xfd2fb528, true);
  // One segment, with its size in four bytes.
  header.setUint8(4, 0xa0);
  header.setUint32(5, bytes.length, true);
  const parts: Uint8Array[] = [new Uint8Array(header.buffer)];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = bytes.subarray(at, at + blockBytes);
    const mark = (block.length << 3) | (at + blockBytes >= bytes.length ? 1 : 0);
    parts.push(Uint8Array.of(mark & 0xff, (mark >> 8) & 0xff, mark >> 16), block);
  }
  return concat(parts);
}
