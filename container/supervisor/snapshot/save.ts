// One snapshot in the making. Most is read while processes run; then they are stopped, the workspace is looked at again,
// and what has changed since is read, so that all of it is of one instant. They run again before it is written down.
import type { Digest, PackRef, Piece, Root } from "../../../src/contract/manifest.ts";
import { MANIFEST_VERSION } from "../../../src/contract/manifest.ts";
import { encodeRoot, isHole } from "../../../src/lib/manifest.ts";
import type { Freezer } from "../process/freezer.ts";
import { SupervisorError } from "../problem.ts";
import { Contents } from "./contents.ts";
import { DraftTree, type Work } from "./draft-tree.ts";
import type { Saved, SavedSegment } from "./index.ts";
import { wastefulPacks } from "./live-packs.ts";
import { OWN_DIRECTORY } from "../../../src/lib/files/paths.ts";
import { listMappedFiles } from "./mapped-files.ts";
import { ObjectQueue } from "./objects.ts";
import { PackWriter } from "./pack-writer.ts";
import { readFiles } from "./read-files.ts";
import { scan } from "./scan.ts";
import { writeSegments } from "./segments.ts";
import type { Children } from "./tree.ts";

/** So much is read while processes are stopped; more is read while they run, as far as it stays as it is. */
const STILL = { files: 2000, bytes: 8 * 1024 * 1024 } as const;
/** After so many tries the rest is read in one go, however much it is; earlier where trying again does not make it less. */
const ROUNDS = 3;
const PROGRESS = 0.5;

export interface SaveOptions {
  /** Absolute, without symlinks. */
  readonly workspace: string;
  readonly freezer: Pick<Freezer, "hold">;
  /** As the supervisor knows them. */
  readonly userPids: () => Iterable<number>;
}

export class Save {
  readonly objects = new ObjectQueue();
  readonly #options: SaveOptions;
  readonly #base: Saved | null;
  readonly #dropped: ReadonlySet<Digest>;
  readonly #draft: DraftTree;
  readonly #writer: PackWriter;
  readonly #contents: Contents;
  readonly #stop = new AbortController();
  #result: Saved | null = null;

  /** `avoid`: packs that are damaged. */
  constructor(options: SaveOptions, base: Saved | null, avoid: readonly Digest[]) {
    this.#options = options;
    this.#base = base;
    this.#dropped = new Set(base === null ? avoid : [...avoid, ...wastefulPacks(base)]);
    this.#draft = new DraftTree(this.#dropped);
    this.#writer = new PackWriter(this.objects);
    this.#contents = new Contents(this.#writer, () => knownPieces(base, this.#dropped));
  }

  /** What was read and stored so far. */
  get counted(): Contents["counted"] {
    return this.#contents.counted;
  }

  /** Null until the root was taken. */
  get result(): Saved | null {
    return this.objects.isTaken ? this.#result : null;
  }

  /** Never rejects: whoever takes objects gets the failure. */
  async run(): Promise<void> {
    try {
      const tree = await this.#readTree();
      await this.#contents.flush();
      await this.#writer.finish();
      await this.#writeDown(tree);
    } catch (error) {
      this.abort(error);
    }
  }

  /** The first reason counts. What was given up gives up its memory, too. */
  abort(reason: unknown): void {
    this.#stop.abort(reason);
    this.objects.fail(reason);
  }

  /** It is stored. */
  commit(): void {
    this.#draft.commit();
  }

  async #readTree(): Promise<Children> {
    let tree = this.#base?.tree ?? null;
    // Without a tree everything has to be read: no use in stopping anybody for that.
    if (tree === null) {
      tree = await this.#scan(null);
      await this.#read(this.#draft.prepare(tree));
    }
    let before = Number.POSITIVE_INFINITY;
    for (let round = 1; ; round++) {
      using hold = await this.#options.freezer.hold();
      tree = await this.#scan(tree);
      const work = this.#draft.prepare(tree);
      if (round >= ROUNDS || isLittle(work) || work.bytes > before * PROGRESS) {
        await this.#read(work);
        if (!hold.broken) return tree;
        if (round >= ROUNDS) throw new SupervisorError("conflict", "Files change faster than they can be saved");
        continue;
      }
      hold[Symbol.dispose]();
      await this.#read(work);
      before = work.bytes;
    }
  }

  #scan(before: Children | null): Promise<Children> {
    const { workspace, userPids } = this.#options;
    const mapped = listMappedFiles(userPids(), workspace);
    return scan(workspace, { before, mapped, signal: this.#stop.signal });
  }

  async #read({ unread }: Work): Promise<void> {
    const { workspace } = this.#options;
    const [contents, draft, signal] = [this.#contents, this.#draft, this.#stop.signal];
    if (unread.length > 0) await readFiles(unread, { workspace, contents, draft, signal });
  }

  async #writeDown(tree: Children): Promise<void> {
    const { nodes, skipped, skippedCount } = this.#draft.finish();
    const [base, dropped, writer] = [this.#base, this.#dropped, this.#writer];
    const segments = await writeSegments(nodes, { base, dropped, writer });
    await writer.finish();
    const counts = { files: 0, directories: 0, sizeBytes: 0 };
    for (const node of nodes) {
      if (node.type === "file") counts.sizeBytes += node.size;
      if (node.path.startsWith(`${OWN_DIRECTORY}/`)) continue;
      if (node.type === "directory") counts.directories++;
      if (node.type === "file" || node.type === "hardlink") counts.files++;
    }
    const root: Root = {
      version: MANIFEST_VERSION,
      treeHash: Bun.SHA256.hash(segments.map(({ ref }) => ref.tree).join(""), "hex"),
      ...counts,
      segments: segments.map(({ ref }) => ref),
      packs: packsOf(segments, [...(base?.root.packs ?? []), ...writer.packs]),
      skipped,
      skippedCount,
    };
    const bytes = new Uint8Array(encodeRoot(root));
    const digest = Bun.SHA256.hash(bytes, "hex");
    this.#result = { digest, root, segments, tree };
    this.objects.end({ digest, bytes, isRoot: true });
  }
}

function isLittle({ unread, bytes }: Work): boolean {
  return unread.length <= STILL.files && bytes <= STILL.bytes;
}

/** Pieces that are stored already, by what is in them. */
function knownPieces(base: Saved | null, dropped: ReadonlySet<Digest>): Map<Digest, Piece> {
  const known = new Map<Digest, Piece>();
  for (const { nodes } of base?.segments ?? []) {
    for (const node of nodes) {
      if (node.type !== "file") continue;
      for (const piece of node.pieces) if (!isHole(piece) && !dropped.has(piece.pack)) known.set(piece.digest, piece);
    }
  }
  return known;
}

/** Those that are referred to, in the order of the first reference. */
function packsOf(segments: readonly SavedSegment[], packs: readonly PackRef[]): PackRef[] {
  const sizes = new Map(packs.map(({ id, sizeBytes }) => [id, sizeBytes]));
  const used = new Set<Digest>();
  for (const { ref, nodes } of segments) {
    used.add(ref.pack);
    for (const node of nodes) {
      if (node.type !== "file") continue;
      for (const piece of node.pieces) if (!isHole(piece)) used.add(piece.pack);
    }
  }
  return Array.from(used, (id) => ({ id, sizeBytes: sizes.get(id) ?? 0 }));
}
