// The tree that a snapshot will be: the scan's entries, each with the node that it was saved as before, or with a new one.
// New nodes stay here until the snapshot is stored, since entries are shared with the snapshot before.
import type { Digest, FileNode, TreeNode } from "../../../src/contract/manifest.ts";
import { isHole, toText } from "../../../src/lib/manifest.ts";
import { flatten, inodeKey, mtimeOf, PATH_BYTES, type Children, type Entry, type Located } from "./tree.ts";

/** What cannot be saved is named by its path, up to so many. */
const SKIPPED_NAMED = 20;

export interface Work {
  /** Files and links whose contents are not known, in path order. */
  readonly unread: readonly Located[];
  readonly bytes: number;
}

export interface Skipped {
  /** As text: it is only shown. */
  readonly path: string;
  readonly reason: string;
}

export class DraftTree {
  readonly #dropped: ReadonlySet<Digest>;
  readonly #fresh = new Map<Entry, TreeNode>();
  /** Why the last attempt to read it failed; null: it was gone. */
  readonly #problems = new Map<Entry, string | null>();

  /** Of the tree that was prepared last. */
  #located: readonly Located[] = [];

  /** Nodes that rely on a pack of `dropped` are made anew. */
  constructor(dropped: ReadonlySet<Digest>) {
    this.#dropped = dropped;
  }

  /** Makes the nodes that need nothing read, and says what has to be. */
  prepare(tree: Children): Work {
    const unread: Located[] = [];
    const firstNames = new Map<string, string>();
    let bytes = 0;
    this.#located = flatten(tree);
    for (const located of this.#located) {
      const { path, entry } = located;
      const { stat } = entry;
      if (path.length > PATH_BYTES) {
        this.#problems.set(entry, "its path is too long");
      } else if (stat.kind === "directory") {
        if (this.#nodeOf(entry) === null) {
          this.#fresh.set(entry, { type: "directory", path, mode: stat.mode, mtimeNs: mtimeOf(stat) });
        }
      } else if (stat.kind === "symlink") {
        if (this.#nodeOf(entry) === null) unread.push(located);
      } else if (stat.kind === "file") {
        if (stat.links > 1 && this.#linkToEarlier(located, firstNames)) continue;
        const node = this.#nodeOf(entry);
        if (node?.type === "file" && this.#isUsable(node)) continue;
        unread.push(located);
        bytes += stat.size;
      }
    }
    return { unread, bytes };
  }

  setNode(entry: Entry, node: TreeNode): void {
    this.#fresh.set(entry, node);
    this.#problems.delete(entry);
  }

  /** It is not saved. Null: and that is nothing to report. */
  setProblem(entry: Entry, reason: string | null): void {
    this.#problems.set(entry, reason);
  }

  /** The tree that was prepared last, in path order, and what has no node, with its reason. Once nothing is unread. */
  finish(): { nodes: TreeNode[]; skipped: Skipped[]; skippedCount: number } {
    const nodes: TreeNode[] = [];
    const skipped: Skipped[] = [];
    let skippedCount = 0;
    const saved = new Set<string>();
    for (const { path, entry } of this.#located) {
      const node = this.#problems.has(entry) ? null : this.#nodeOf(entry);
      let reason = this.#reasonToSkip(entry);
      if (node?.type === "hardlink" && !saved.has(node.target))
        reason ??= `it is ${toText(node.target)}, which is not saved`;
      else if (node !== null) nodes.push(node);
      if (node?.type === "file" && entry.stat.links > 1) saved.add(path);
      if (reason === null) continue;
      skippedCount++;
      if (skipped.length < SKIPPED_NAMED) skipped.push({ path: toText(path), reason });
    }
    return { nodes, skipped, skippedCount };
  }

  /** From now on the entries' own: the snapshot is stored. */
  commit(): void {
    for (const [entry, node] of this.#fresh) entry.node = this.#problems.has(entry) ? null : node;
  }

  #nodeOf(entry: Entry): TreeNode | null {
    return this.#fresh.get(entry) ?? entry.node;
  }

  /** Further names of a file are links to the first of them. */
  #linkToEarlier({ path, entry }: Located, firstNames: Map<string, string>): boolean {
    const key = inodeKey(entry.stat.dev, entry.stat.ino);
    const first = firstNames.get(key);
    if (first === undefined) {
      firstNames.set(key, path);
      return false;
    }
    const node = this.#nodeOf(entry);
    if (node?.type !== "hardlink" || node.target !== first) {
      this.#fresh.set(entry, { type: "hardlink", path, target: first });
    }
    return true;
  }

  #isUsable(node: FileNode): boolean {
    return this.#dropped.size === 0 || node.pieces.every((piece) => isHole(piece) || !this.#dropped.has(piece.pack));
  }

  #reasonToSkip(entry: Entry): string | null {
    const { kind } = entry.stat;
    if (kind === "socket" || kind === "FIFO" || kind === "device") return `a ${kind} cannot be saved`;
    return this.#problems.get(entry) ?? entry.problem;
  }
}
