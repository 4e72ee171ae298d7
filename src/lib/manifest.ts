// Reads and writes the stored form of a saved workspace (contract/manifest.ts). Pure but for SHA-256. What is read may be
// damaged: everything is checked, and a `DamagedManifest` names what is wrong.
import { PATH_BYTES } from "../contract/limits.ts";
import { MANIFEST_VERSION } from "../contract/manifest.ts";
import type { Digest, Hole, PackRef, Piece, Root, SegmentRef, TreeNode } from "../contract/manifest.ts";

export class DamagedManifest extends Error {}

const DIGEST = /^[0-9a-f]{64}$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text → byte string: its UTF-8 bytes, a character each. */
export function toByteString(text: string): string {
  return isAscii(text) ? text : Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** The bytes of a byte string. */
export function bytesOf(byteString: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteString.length);
  for (let at = 0; at < byteString.length; at++) {
    bytes[at] = byteString.charCodeAt(at);
  }
  return bytes;
}

/** Byte string → text; what is not UTF-8 becomes U+FFFD, as directory listings show it. */
export function toText(byteString: string): string {
  return isAscii(byteString) ? byteString : new TextDecoder().decode(bytesOf(byteString));
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) {
      return false;
    }
  }
  return true;
}

export function isHole(piece: Piece | Hole): piece is Hole {
  return "hole" in piece;
}

/** Entries that a segment has on average, and at the most. */
const SEGMENT_ENTRIES = { average: 512, most: 2048 } as const;

/** Whether a new segment begins at `path`. Depends on the path alone, so that segments stay the same when others change. */
function beginsSegment(path: string): boolean {
  // FNV-1a, 32 bits.
  let hash = 0x811c9dc5;
  for (let at = 0; at < path.length; at++) {
    hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % SEGMENT_ENTRIES.average === 0;
}

/** Cuts nodes, which must be in path order, into segments. */
export function* cutSegments(nodes: Iterable<TreeNode>): Generator<TreeNode[]> {
  let segment: TreeNode[] = [];
  for (const node of nodes) {
    if (segment.length > 0 && (segment.length >= SEGMENT_ENTRIES.most || beginsSegment(node.path))) {
      yield segment;
      segment = [];
    }
    segment.push(node);
  }
  if (segment.length > 0) {
    yield segment;
  }
}

// A node on disk is an array, its kind first:
//   ["f", path, mode, mtimeNs, size, [piece…]]    a piece: [pack, offset, length, start, size, digest] or [hole]
//   ["d", path, mode, mtimeNs]    ["l", path, mtimeNs, target]    ["h", path, target]
// `pack` counts in the segment's own list; mtimeNs is text, as a number would lose its end.
type StoredPiece = [number, number, number, number, number, string] | [number];

/** The bytes of a segment. */
export function encodeSegment(nodes: readonly TreeNode[]): Uint8Array {
  const packs = new Map<Digest, number>();
  const indexOf = (pack: Digest): number => {
    const known = packs.get(pack) ?? packs.size;
    packs.set(pack, known);
    return known;
  };
  const entries = nodes.map((node) => {
    switch (node.type) {
      case "file":
        return [
          "f",
          node.path,
          node.mode,
          String(node.mtimeNs),
          node.size,
          node.pieces.map((piece): StoredPiece =>
            isHole(piece)
              ? [piece.hole]
              : [indexOf(piece.pack), piece.offset, piece.length, piece.start, piece.size, piece.digest],
          ),
        ];
      case "directory":
        return ["d", node.path, node.mode, String(node.mtimeNs)];
      case "symlink":
        return ["l", node.path, String(node.mtimeNs), node.target];
      case "hardlink":
        break;
    }
    return ["h", node.path, node.target];
  });
  return encoder.encode(JSON.stringify({ packs: [...packs.keys()], entries }));
}

/** What a segment says about the tree, wherever contents are stored; its SHA-256 is `SegmentRef.tree`. */
export function treeText(nodes: readonly TreeNode[]): string {
  const lines = nodes.map((node) => {
    switch (node.type) {
      case "file": {
        const contents = node.pieces.map((piece) => (isHole(piece) ? piece.hole : `${piece.size}:${piece.digest}`));
        return `f ${node.mode} ${node.mtimeNs} ${node.size} ${contents.join(",")} ${node.path}`;
      }
      case "directory":
        return `d ${node.mode} ${node.mtimeNs} ${node.path}`;
      case "symlink":
        return `l ${node.mtimeNs} ${node.path}\0${node.target}`;
      case "hardlink":
        break;
    }
    return `h ${node.path}\0${node.target}`;
  });
  return lines.join("\0\n");
}

/** @throws DamagedManifest */
export function decodeSegment(bytes: Uint8Array): TreeNode[] {
  const value = parse(bytes, "a segment");
  const { packs, entries } = isRecord(value) ? value : {};
  if (!Array.isArray(packs) || !packs.every(isDigest) || !Array.isArray(entries)) {
    throw new DamagedManifest("a segment has neither packs nor entries");
  }
  return entries.map((entry) => toNode(entry, packs));
}

function toNode(entry: unknown, packs: readonly Digest[]): TreeNode {
  const [kind, path, ...rest]: unknown[] = Array.isArray(entry) ? entry : [];
  if (typeof path === "string" && isSafePath(path)) {
    const node = toKind(kind, path, rest, packs);
    if (node !== null) {
      return node;
    }
  }
  throw new DamagedManifest(`a segment has an entry that is none: ${JSON.stringify(entry).slice(0, 200)}`);
}

function toKind(kind: unknown, path: string, rest: readonly unknown[], packs: readonly Digest[]): TreeNode | null {
  const [a, b, c, d] = rest;
  if (kind === "f" && isMode(a) && isTime(b) && isSize(c) && Array.isArray(d)) {
    const pieces = d.map((piece: unknown) => toPiece(piece, packs));
    const sum = pieces.reduce((size, piece) => size + (isHole(piece) ? piece.hole : piece.size), 0);
    return sum === c ? { type: "file", path, mode: a, mtimeNs: BigInt(b), size: c, pieces } : null;
  }
  if (kind === "d" && isMode(a) && isTime(b)) {
    return { type: "directory", path, mode: a, mtimeNs: BigInt(b) };
  }
  if (kind === "l" && isTime(a) && typeof b === "string" && isSafeTarget(b)) {
    return { type: "symlink", path, mtimeNs: BigInt(a), target: b };
  }
  return kind === "h" && typeof a === "string" && isSafePath(a) ? { type: "hardlink", path, target: a } : null;
}

function toPiece(stored: unknown, packs: readonly Digest[]): Piece | Hole {
  if (Array.isArray(stored)) {
    const [first, offset, length, start, size, digest]: unknown[] = stored;
    if (stored.length === 1 && isSize(first)) {
      return { hole: first };
    }
    const pack = isSize(first) ? packs[first] : undefined;
    if (pack !== undefined && isSize(offset) && isSize(length) && isSize(start) && isSize(size) && isDigest(digest)) {
      return { pack, offset, length, start, size, digest };
    }
  }
  throw new DamagedManifest(`a file has a piece that is none: ${JSON.stringify(stored).slice(0, 200)}`);
}

/** Stays in the tree whatever it is joined to. */
function isSafePath(path: string): boolean {
  return (
    path !== "" &&
    isByteString(path) &&
    path.split("/").every((name) => name !== "" && name !== "." && name !== ".." && name.length <= 255)
  );
}

/** A link may lead anywhere, but the kernel takes no longer one. */
function isSafeTarget(target: string): boolean {
  return target !== "" && target.length < PATH_BYTES && isByteString(target);
}

/** No zero, at which the kernel would stop; nothing above a byte, of which it would get another character. */
function isByteString(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0 || unit > 0xff) {
      return false;
    }
  }
  return true;
}

export function encodeRoot(root: Root): Uint8Array {
  return encoder.encode(JSON.stringify(root));
}

/** @throws DamagedManifest */
export function decodeRoot(bytes: Uint8Array): Root {
  const value = parse(bytes, "a root");
  if (
    !isRecord(value) ||
    value["version"] !== MANIFEST_VERSION ||
    !isDigest(value["treeHash"]) ||
    !isSize(value["files"]) ||
    !isSize(value["directories"]) ||
    !isSize(value["sizeBytes"]) ||
    !isSize(value["skippedCount"]) ||
    !Array.isArray(value["skipped"]) ||
    !Array.isArray(value["segments"]) ||
    !value["segments"].every(isSegmentRef) ||
    !Array.isArray(value["packs"]) ||
    !value["packs"].every(isPackRef)
  ) {
    throw new DamagedManifest("a root is not one, or of another version");
  }
  // SAFETY: every member was looked at above; `skipped` is only shown.
  return value as unknown as Root;
}

function isSegmentRef(value: unknown): value is SegmentRef {
  return (
    isRecord(value) &&
    isDigest(value["pack"]) &&
    isSize(value["offset"]) &&
    isSize(value["length"]) &&
    typeof value["first"] === "string" &&
    isSize(value["entries"]) &&
    isDigest(value["digest"]) &&
    isDigest(value["tree"])
  );
}

function isPackRef(value: unknown): value is PackRef {
  return isRecord(value) && isDigest(value["id"]) && isSize(value["sizeBytes"]);
}

/**
 * A root and its segments' frames as one body, for handing a whole manifest to a supervisor: the root's length as four
 * bytes (little endian), the root, the frames in the root's order.
 */
export function encodeBundle(root: Uint8Array, frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = frames.reduce((sum, frame) => sum + frame.length, LENGTH_BYTES + root.length);
  const bundle = new Uint8Array(size);
  new DataView(bundle.buffer).setUint32(0, root.length, true);
  bundle.set(root, LENGTH_BYTES);
  let offset = LENGTH_BYTES + root.length;
  for (const frame of frames) {
    bundle.set(frame, offset);
    offset += frame.length;
  }
  return bundle;
}

const LENGTH_BYTES = 4;

/** @throws DamagedManifest */
export function decodeBundle(bundle: Uint8Array): {
  readonly rootBytes: Uint8Array;
  readonly root: Root;
  readonly frames: readonly Uint8Array[];
} {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const rootEnd = LENGTH_BYTES + (bundle.length < LENGTH_BYTES ? Infinity : view.getUint32(0, true));
  if (rootEnd > bundle.length) {
    throw new DamagedManifest("a manifest ends early");
  }
  const rootBytes = bundle.subarray(LENGTH_BYTES, rootEnd);
  const root = decodeRoot(rootBytes);
  let offset = rootEnd;
  const frames = root.segments.map(({ length }) => bundle.subarray(offset, (offset += length)));
  if (offset !== bundle.length) {
    throw new DamagedManifest("a manifest is longer or shorter than its root says");
  }
  return { rootBytes, root, frames };
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw new DamagedManifest(`${what} is not JSON`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && DIGEST.test(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isMode(value: unknown): value is number {
  return isSize(value) && value <= 0o7777;
}

function isTime(value: unknown): value is string {
  return typeof value === "string" && /^-?\d{1,20}$/.test(value);
}
