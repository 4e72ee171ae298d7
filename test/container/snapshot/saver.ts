// Saving as the session does it, into a store in memory, and a reader of what was stored that shares no code with the
// supervisor but the manifest's own.
import { SpareMemory } from "../../../container/supervisor/spare-memory.ts";
import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Digest, FrameRef, Root, SegmentRef, TreeNode } from "../../../src/contract/manifest.ts";
import { decodeRoot, decodeSegment, encodeBundle, isHole } from "../../../src/lib/manifest.ts";
import { SnapshotIndex } from "../../../container/supervisor/snapshot/index.ts";
import type { SaveOptions } from "../../../container/supervisor/snapshot/save.ts";
import { Snapshots } from "../../../container/supervisor/snapshot/snapshots.ts";
import type { Seen } from "./restore-tree.ts";

export interface Taken {
  readonly digest: Digest;
  readonly root: Root;
  /** Of the packs that were sent, compressed. */
  readonly packBytes: number;
  readonly objects: number;
  readonly filesRead: number;
  readonly bytesStored: number;
}

/** Holds nothing still: for tests in which nothing else writes. */
const stillness: SaveOptions["freezer"] = {
  hold: () => Promise.resolve({ broken: false, [Symbol.dispose]: () => {} }),
};

/** A supervisor's saving half and the session's: what is `restart`ed knows nothing of before. */
export class Saver implements Disposable {
  readonly workspace: string;
  readonly store: Map<Digest, Uint8Array>;
  readonly #options: SaveOptions;
  index = new SnapshotIndex();
  snapshots: Snapshots;
  base: Digest | null = null;

  constructor(options: Partial<SaveOptions> = {}, store = new Map<Digest, Uint8Array>()) {
    this.workspace = options.workspace ?? realpathSync(mkdtempSync(`${tmpdir()}/buntime-save-`));
    this.store = store;
    this.#options = { workspace: this.workspace, freezer: stillness, userPids: () => [], ...options };
    this.snapshots = this.#open();
  }

  /** As after a restart of the supervisor, in place. */
  restart(): void {
    this.index = new SnapshotIndex();
    this.snapshots = this.#open();
  }

  async take({ avoid = [] }: { readonly avoid?: readonly Digest[] } = {}): Promise<Taken> {
    const { base } = this;
    if (this.snapshots.begin({ base, avoid }).needsBase) await this.snapshots.putBase(this.bundle());
    const { counted } = this.snapshots;
    const taken = { packBytes: 0, objects: 0, digest: "" };
    const pull = async (): Promise<void> => {
      for (let object = await this.snapshots.next(); object !== null; object = await this.snapshots.next()) {
        if (Bun.SHA256.hash(object.bytes, "hex") !== object.digest)
          throw new Error("an object is not what it is called");
        this.store.set(object.digest, object.bytes);
        taken.objects++;
        if (object.isRoot) taken.digest = object.digest;
        else taken.packBytes += object.bytes.length;
      }
    };
    await Promise.all([pull(), pull()]);
    this.snapshots.commit(taken.digest);
    this.base = taken.digest;
    const { filesRead, bytesStored } = counted();
    return { ...taken, root: decodeRoot(this.object(taken.digest)), filesRead, bytesStored };
  }

  object(digest: Digest): Uint8Array {
    const bytes = this.store.get(digest);
    if (bytes === undefined) throw new Error(`nothing is stored as ${digest}`);
    return bytes;
  }

  bundle(): Uint8Array<ArrayBuffer> {
    if (this.base === null) throw new Error("there is no base");
    const bytes = this.object(this.base);
    return encodeBundle(
      bytes,
      decodeRoot(bytes).segments.map((ref) => this.#compressed(ref)),
    );
  }

  nodes(root: Root): TreeNode[] {
    const packs = new Set(root.packs.map(({ id }) => id));
    return root.segments.flatMap((ref: SegmentRef) => {
      const bytes = this.#frame(ref);
      if (Bun.SHA256.hash(bytes, "hex") !== ref.digest) throw new Error("a segment differs from its digest");
      const nodes = decodeSegment(bytes);
      if (nodes[0]?.path !== ref.first || nodes.length !== ref.entries) throw new Error("a segment is another one");
      for (const node of nodes) {
        if (node.type !== "file") continue;
        for (const piece of node.pieces) {
          if (!isHole(piece) && !packs.has(piece.pack)) throw new Error("a pack is missing in the root");
        }
      }
      return nodes;
    });
  }

  /** What a snapshot says, in the form in which `lookAt` shows what is on the disk. */
  read(root: Root): Seen[] {
    for (const { id, sizeBytes } of root.packs) {
      if (this.object(id).length !== sizeBytes) throw new Error("a pack has another size than the root says");
    }
    return this.nodes(root).map((node): Seen => {
      if (node.type !== "file") return node;
      const { type, path, mode, mtimeNs, size } = node;
      return { type, path, mode, mtimeNs, size, digest: Bun.SHA256.hash(this.contents(node), "hex") };
    });
  }

  contents(node: TreeNode): Uint8Array {
    if (node.type !== "file") throw new Error(`${node.path} is not a file`);
    const parts = node.pieces.map((piece) => {
      if (isHole(piece)) return new Uint8Array(piece.hole);
      const bytes = this.#frame(piece).subarray(piece.start, piece.start + piece.size);
      if (Bun.SHA256.hash(bytes, "hex") !== piece.digest) throw new Error("a piece differs from its digest");
      return bytes;
    });
    return Buffer.concat(parts);
  }

  #open(): Snapshots {
    return new Snapshots({ ...this.#options, index: this.index, memory: new SpareMemory(1000) });
  }

  #compressed({ pack, offset, length }: FrameRef): Uint8Array {
    return this.object(pack).subarray(offset, offset + length);
  }

  #frame(ref: FrameRef): Uint8Array {
    return Bun.zstdDecompressSync(this.#compressed(ref));
  }

  [Symbol.dispose](): void {
    this.snapshots.end();
    // Takes paths of any length.
    execFileSync("rm", ["-rf", this.workspace]);
  }
}
