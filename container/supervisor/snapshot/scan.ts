// Looks at every name in the workspace, and reads none of the contents: what `stat` says now, compared with what it said
// before. What did not change is the very object of before. User code swaps and removes things meanwhile, so each
// directory is opened by its name in its parent's descriptor, never through a link: nothing outside is ever looked at.
import { constants } from "node:fs";
import { isHidden, isRestoreTree, OWN_DIRECTORY } from "../../../src/lib/files/paths.ts";
import { Pace } from "../files/pace.ts";
import * as calls from "../linux/file-calls.ts";
import { fields } from "../linux/file-calls.ts";
import { compareNames, PATH_BYTES, type Children, type Entry, type EntryKind, type Stat } from "./tree.ts";

/** The kernel's clock for files ticks every few milliseconds: what changes within one tick keeps its time. */
const CLOCK_TICK_MS = 10;
/** On file systems that keep no fractions of a second, or of two. */
const COARSE_TICK_MS = 2000;
const EACCES = 13;
/** It is gone, or something else by now: ENOENT, ENOTDIR, ELOOP. */
const VANISHED = new Set([2, 20, 40]);

export interface ScanOptions {
  /** What an earlier scan has found: directories that did not change are not listed again. */
  readonly before: Children | null;
  /** Inodes that a process can write to through its memory, which may leave no trace in `stat`. */
  readonly mapped: ReadonlySet<number>;
  readonly signal: AbortSignal;
}

/** @throws Error when the workspace cannot be opened */
export async function scan(workspace: string, options: ScanOptions): Promise<Children> {
  const root = calls.openRoot(workspace);
  if (root < 0) throw new Error(`${workspace} cannot be opened: errno ${-root}`);
  try {
    const children = await new Scan(options).visit(root, "", options.before, false);
    if (typeof children === "number") throw new Error(`${workspace} cannot be listed: errno ${-children}`);
    return children;
  } finally {
    calls.close(root);
  }
}

class Scan {
  readonly #options: ScanOptions;
  readonly #pace = new Pace();
  /** What changed later cannot be told from a change that is yet to come. */
  readonly #startedMs = Date.now();

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** `unchanged`: the directory has the names that it had before. A negative errno where it cannot be listed. */
  async visit(fd: number, path: string, before: Children | null, unchanged: boolean): Promise<Children | number> {
    if (this.#pace.isDue()) {
      await this.#pace.rest();
      this.#options.signal.throwIfAborted();
    }
    const names = unchanged && before !== null ? before.map(({ name }) => name) : list(fd, path);
    if (typeof names === "number") return names;
    const entries: Entry[] = [];
    for (const entry of this.#statAll(fd, names, before)) {
      if (entry.stat.kind !== "directory") {
        entries.push(entry);
        continue;
      }
      const descended = await this.#descend(fd, path, entry, before);
      if (descended !== null) entries.push(descended);
    }
    return before !== null && isSame(entries, before) ? before : entries;
  }

  #statAll(fd: number, names: readonly string[], before: Children | null): Entry[] {
    const entries: Entry[] = [];
    const earlier = before ?? [];
    let at = 0;
    for (const name of names) {
      // Both are in the same order.
      while (at < earlier.length && (earlier[at]?.name ?? "") < name) at++;
      const known = earlier[at]?.name === name ? earlier[at] : undefined;
      // It went away since it was listed: nothing is known of it.
      if (calls.statAt(fd, name) === 0) entries.push(this.#compare(name, known));
    }
    return entries;
  }

  #compare(name: string, known: Entry | undefined): Entry {
    const { mapped } = this.#options;
    const isMapped = mapped.size > 0 && mapped.has(fields.ino());
    if (known !== undefined && !known.unsure && !isMapped && calls.isUnchanged(known.stat)) return known;
    const stat = readFields();
    const changedMs = stat.ctimeSeconds * 1000 + stat.ctimeNanoseconds / 1e6;
    const tickMs = stat.ctimeNanoseconds === 0 ? COARSE_TICK_MS : CLOCK_TICK_MS;
    const unsure = isMapped || changedMs >= this.#startedMs - tickMs;
    // Of a directory the times say all that is saved of itself.
    const isKept = known?.node?.type === "directory" && isSameDirectory(known.stat, stat);
    return { name, stat, unsure, node: isKept ? known.node : null, children: null, problem: null };
  }

  /** Null when it is gone, or something else by now. */
  async #descend(parent: number, path: string, entry: Entry, before: Children | null): Promise<Entry | null> {
    const inner = path === "" ? entry.name : `${path}/${entry.name}`;
    // Named when the tree is put together.
    if (inner.length > PATH_BYTES) return { ...entry, children: null };
    const known = entry.children === null ? (find(before, entry.name)?.children ?? null) : entry.children;
    const children = await this.#open(calls.openDirectoryAt(parent, entry.name), inner, known, entry.children !== null);
    if (children === entry.children) return entry;
    if (typeof children !== "number") return { ...entry, children, problem: null };
    return VANISHED.has(-children) ? null : { ...entry, children: null, problem: explainErrno(-children) };
  }

  async #open(fd: number, path: string, before: Children | null, unchanged: boolean): Promise<Children | number> {
    if (fd < 0) return fd;
    try {
      return await this.visit(fd, path, before, unchanged);
    } finally {
      calls.close(fd);
    }
  }
}

/** Null: it is not there any more, which is nothing to report. */
export function explainErrno(errno: number): string | null {
  if (VANISHED.has(errno)) return null;
  return errno === EACCES ? "its permissions do not let it be read" : `it cannot be read: errno ${errno}`;
}

/** Sorted. A negative errno where that fails. */
function list(fd: number, path: string): string[] | number {
  const names = calls.listNames(fd);
  if (typeof names === "number") return names;
  return names.filter((name) => !isExcluded(path, name)).toSorted(compareNames);
}

function isExcluded(directory: string, name: string): boolean {
  if (name.charCodeAt(0) === DOT && (isHidden("", name) || (directory === "" && isRestoreTree(name)))) return true;
  return directory === OWN_DIRECTORY && (name === "processes" || name === "sources" || name === "cache");
}

const DOT = 46;

function find(children: Children | null, name: string): Entry | undefined {
  const entries = children ?? [];
  let from = 0;
  for (let to = entries.length; from < to;) {
    const middle = (from + to) >> 1;
    if ((entries[middle]?.name ?? "") < name) from = middle + 1;
    else to = middle;
  }
  return entries[from]?.name === name ? entries[from] : undefined;
}

function isSame(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}

function isSameDirectory(a: Stat, b: Stat): boolean {
  return a.mode === b.mode && a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanoseconds === b.mtimeNanoseconds;
}

function readFields(): Stat {
  return {
    kind: kindOf(fields.mode()),
    mode: fields.mode() & 0o7777,
    size: fields.size(),
    blocks: fields.blocks(),
    links: fields.links(),
    dev: fields.dev(),
    ino: fields.ino(),
    mtimeSeconds: fields.mtimeSeconds(),
    mtimeNanoseconds: fields.mtimeNanoseconds(),
    ctimeSeconds: fields.ctimeSeconds(),
    ctimeNanoseconds: fields.ctimeNanoseconds(),
  };
}

function kindOf(mode: number): EntryKind {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return "file";
    case constants.S_IFDIR:
      return "directory";
    case constants.S_IFLNK:
      return "symlink";
    case constants.S_IFSOCK:
      return "socket";
    case constants.S_IFIFO:
      return "FIFO";
    default:
      return "device";
  }
}
