// The workspace as it was last looked at: what `stat` said of each name, and the node that it was saved as. Entries are
// shared between one look and the next where nothing changed, so those of a committed snapshot are never written to.
import type { TreeNode } from "../../../src/contract/manifest.ts";

/** A longer path can be made, name by name, but not be used: Linux's PATH_MAX, with "/workspace/" before it. */
export const PATH_BYTES = 4084;

export type EntryKind = "file" | "directory" | "symlink" | "socket" | "FIFO" | "device";

/** What the kernel says of one name. Times are pairs, as they come: seconds and nanoseconds. */
export interface Stat {
  readonly kind: EntryKind;
  /** Permission bits, 0 to 07777. */
  readonly mode: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly links: number;
  readonly dev: number;
  readonly ino: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
}

export interface Entry {
  /** A byte string, as in the manifest. */
  readonly name: string;
  readonly stat: Stat;
  /**
   * It changed so shortly before it was looked at that another change may leave it with the same times, or it is written
   * through a mapping: it counts as changed the next time, whatever `stat` says.
   */
  unsure: boolean;
  /** Null until its contents are known, and for what is not saved. */
  node: TreeNode | null;
  /** Of a directory that could be opened; null for all else. */
  readonly children: Children | null;
  /** Why it, or what is in it, cannot be saved; null: it can. */
  problem: string | null;
}

/** What is in a directory, by the bytes of the names. */
export type Children = readonly Entry[];

export function mtimeOf(stat: Stat): bigint {
  return BigInt(stat.mtimeSeconds) * 1_000_000_000n + BigInt(stat.mtimeNanoseconds);
}

export function inodeKey(dev: number, ino: number): string {
  return `${dev}:${ino}`;
}

/** Byte strings in the order of their bytes. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export interface Located {
  readonly path: string;
  readonly entry: Entry;
}

/**
 * Everything in the tree, in the order of the whole paths' bytes: what is in directory `a` comes after a file `a-b`, since
 * the slash does.
 */
export function flatten(tree: Children): Located[] {
  const located: Located[] = [];
  collect(tree, "", located);
  return located;
}

function collect(entries: Children, prefix: string, located: Located[]): void {
  /** Directories whose content comes later than the names that follow; the last one's first. */
  const open: { readonly key: string; readonly children: Children }[] = [];
  for (const entry of entries) {
    while (open.length > 0 && (open.at(-1)?.key ?? "") < entry.name) collectLast(open, prefix, located);
    located.push({ path: entry.node?.path ?? prefix + entry.name, entry });
    if (entry.children !== null) open.push({ key: `${entry.name}/`, children: entry.children });
  }
  while (open.length > 0) collectLast(open, prefix, located);
}

function collectLast(open: { key: string; children: Children }[], prefix: string, located: Located[]): void {
  const last = open.pop();
  if (last !== undefined) collect(last.children, prefix + last.key, located);
}
