// Frames of a repository's packs, read from R2 by range. Nothing is believed: what is given out has been compared with
// its digest. Memory is bounded; whoever reads much in a row hands in what it was sent ahead (see ahead.ts).
import { zstdDecompressSync } from "node:zlib";
import type { Digest, FrameRef, Piece, Root, SegmentRef, TreeNode } from "../../contract/manifest.ts";
import { SUPERVISOR_CALL_MS } from "../../contract/limits.ts";
import { DamagedManifest, decodeSegment } from "../../lib/manifest.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { within } from "../../lib/within.ts";
import { getRange } from "../../storage/objects.ts";
import { DamagedObject, loadRoot } from "../bundle.ts";
import { Lru } from "./lru.ts";

/** Uncompressed, at the most; as saved. */
const CONTENT_FRAME_BYTES = 4 * 1024 * 1024;
const SEGMENT_FRAME_BYTES = 64 * 1024 * 1024;
/** Uncompressed frames that are kept, and the largest that is: those of small files are read again soon. */
const KEPT_BYTES = 8 * 1024 * 1024;
const KEPT_FRAME_BYTES = 1024 * 1024;

/** Compressed frames that are there already or on their way, by `frameKey`. */
export type Sent = ReadonlyMap<string, Promise<Uint8Array>>;

export function frameKey({ pack, offset }: FrameRef): string {
  return `${pack}:${offset}`;
}

export class Frames {
  readonly #bucket: R2Bucket;
  readonly #repositoryId: string;
  readonly #kept = new Lru<Uint8Array>(KEPT_BYTES);
  /** Reads under way, so that two who want one frame wait for one read. */
  readonly #reads = new Map<string, Promise<Uint8Array>>();

  constructor(bucket: R2Bucket, repositoryId: string) {
    this.#bucket = bucket;
    this.#repositoryId = repositoryId;
  }

  /** @throws DamagedObject */
  async root(digest: Digest): Promise<Root> {
    const loaded = await this.#reach(() => loadRoot(this.#bucket, this.#repositoryId, digest).catch(asDamage(digest)));
    return loaded.root;
  }

  /** With its size uncompressed. @throws DamagedObject */
  async segment(ref: SegmentRef): Promise<{ readonly nodes: readonly TreeNode[]; readonly sizeBytes: number }> {
    const bytes = decompress(await this.range(ref), ref.pack, SEGMENT_FRAME_BYTES);
    await check(bytes, ref.digest, ref.pack);
    try {
      return { nodes: decodeSegment(bytes), sizeBytes: bytes.length };
    } catch (error) {
      return asDamage(ref.pack)(error);
    }
  }

  /** The bytes of a piece, as they were saved; not to be written to. @throws DamagedObject */
  async bytesOf(piece: Piece, sent: Sent | null = null): Promise<Uint8Array> {
    const frame = await this.#frame(piece, sent);
    const bytes = frame.subarray(piece.start, piece.start + piece.size);
    if (bytes.length !== piece.size) {
      throw new DamagedObject(piece.pack, "a pack has a frame that ends early");
    }
    await check(bytes, piece.digest, piece.pack);
    return bytes;
  }

  /** Compressed bytes of a pack. @throws DamagedObject when it does not have them */
  async range({ pack, offset, length }: FrameRef): Promise<Uint8Array> {
    const range = { digest: pack, offset, length };
    const bytes = await this.#reach(() => getRange(this.#bucket, this.#repositoryId, range));
    if (bytes?.length !== length) {
      throw new DamagedObject(pack, "a pack is missing or too short");
    }
    return bytes;
  }

  async #frame(ref: FrameRef, sent: Sent | null): Promise<Uint8Array> {
    const key = frameKey(ref);
    const known = this.#kept.get(key) ?? this.#reads.get(key);
    if (known !== undefined) {
      return known;
    }
    const read = (async () => decompress(await (sent?.get(key) ?? this.range(ref)), ref.pack, CONTENT_FRAME_BYTES))();
    this.#reads.set(key, read);
    try {
      const frame = await read;
      if (frame.length <= KEPT_FRAME_BYTES) {
        this.#kept.set(key, frame, frame.length);
      }
      return frame;
    } finally {
      this.#reads.delete(key);
    }
  }

  /** A bucket that cannot be asked says nothing about what is in it. */
  async #reach<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await within(read(), SUPERVISOR_CALL_MS);
    } catch (error) {
      if (error instanceof DamagedObject) {
        throw error;
      }
      throw new ProblemError("container_unavailable", "The session's saved files cannot be reached now. Try again.");
    }
  }
}

function decompress(bytes: Uint8Array, pack: Digest, maxOutputLength: number): Uint8Array {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength });
  } catch {
    throw new DamagedObject(pack, "a pack has a frame that cannot be decompressed");
  }
}

async function check(bytes: Uint8Array, digest: Digest, object: Digest): Promise<void> {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (found.toHex() !== digest) {
    throw new DamagedObject(object, "what is stored is not what was saved");
  }
}

function asDamage(object: Digest): (error: unknown) => never {
  return (error) => {
    throw error instanceof DamagedManifest ? new DamagedObject(object, error.message) : error;
  };
}
