// What is on the disk, as the entries that an archive is made of: contents, modes, times, links and holes, by the bytes of
// the names. What the supervisor keeps there is left out.
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import type { SavedEntry } from "./restore-archive.ts";
import { sha256 } from "./restore-archive.ts";

export interface Seen {
  readonly path: string;
  readonly type: SavedEntry["type"];
  readonly mode?: number;
  readonly mtimeNs?: bigint;
  readonly size?: number;
  /** Of the whole content. */
  readonly digest?: string;
  readonly target?: string;
}

/** Sorted by path. A further name of a file is a hard link to its first one. */
export function lookAt(workspace: string): Seen[] {
  const firstNames = new Map<bigint, string>();
  const seen: Seen[] = [];
  using opened = new Opened();
  for (const path of pathsIn(workspace, opened).toSorted((a, b) => (a < b ? -1 : 1))) {
    const place = placeOf(workspace, path);
    const { ino, nlink, mode: bits, mtimeNs, size, isDirectory, isSymbolicLink } = statOf(place);
    const mode = opened.modeBefore(path) ?? Number(bits) & 0o7777;
    const target = firstNames.get(ino);
    if (isSymbolicLink) {
      const link = readlinkSync(place, { encoding: "buffer" }).toString("latin1");
      seen.push({ path, type: "symlink", mtimeNs, target: link });
    } else if (isDirectory) seen.push({ path, type: "directory", mode, mtimeNs });
    else if (target !== undefined) seen.push({ path, type: "hardlink", target });
    else {
      if (nlink > 1n) firstNames.set(ino, path);
      opened.open(path, place, mode, 0o400);
      seen.push({ path, type: "file", mode, mtimeNs, size: Number(size), digest: digestOf(place) });
    }
  }
  return seen;
}

/** The same of what a test wants to be there. */
export function expected(entries: readonly SavedEntry[]): Seen[] {
  return entries.map((entry): Seen => {
    if (entry.type !== "file") return entry;
    const { path, type, mode, mtimeNs, extents } = entry;
    const bytes = extents.map((extent) => (typeof extent === "number" ? new Uint8Array(extent) : extent));
    const content = Buffer.concat(bytes);
    return { path, type, mode, mtimeNs, size: content.length, digest: sha256(content) };
  });
}

/** Of 512 bytes. */
export function blocksOf(workspace: string, path: string): number {
  return Number(lstatSync(placeOf(workspace, path), { bigint: true }).blocks);
}

/** What its mode closes even to its owner, unless that is root, is open until this is disposed of. */
class Opened implements Disposable {
  readonly #before = new Map<string, { readonly place: Buffer; readonly mode: number }>();

  open(path: string, place: Buffer, mode: number, needed: number): void {
    if (process.getuid?.() === 0 || (mode & needed) === needed) return;
    this.#before.set(path, { place, mode });
    chmodSync(place, mode | needed);
  }

  modeBefore(path: string): number | undefined {
    return this.#before.get(path)?.mode;
  }

  [Symbol.dispose](): void {
    for (const { place, mode } of [...this.#before.values()].toReversed()) chmodSync(place, mode);
  }
}

function pathsIn(workspace: string, opened: Opened, directory = ""): string[] {
  return readdirSync(placeOf(workspace, directory), { encoding: "buffer" }).flatMap((bytes) => {
    const name = bytes.toString("latin1");
    const path = directory === "" ? name : `${directory}/${name}`;
    // The supervisor makes its own when it starts, and deletes what was replaced in its own time.
    if (path === ".buntime" || path.startsWith(".buntime-restore-")) return [];
    const place = placeOf(workspace, path);
    const { isDirectory, mode } = statOf(place);
    if (!isDirectory) return [path];
    opened.open(path, place, Number(mode) & 0o7777, 0o500);
    return [path].concat(pathsIn(workspace, opened, path));
  });
}

function statOf(place: Buffer) {
  const stats = lstatSync(place, { bigint: true });
  return { ...stats, isDirectory: stats.isDirectory(), isSymbolicLink: stats.isSymbolicLink(), mtimeNs: stats.mtimeNs };
}

function placeOf(workspace: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from(path, "latin1")]);
}

function digestOf(place: Buffer): string {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hasher = new Bun.CryptoHasher("sha256");
    const piece = Buffer.alloc(1024 * 1024);
    for (let offset = 0; offset < fstatSync(fd).size;) {
      const count = readSync(fd, piece, 0, piece.length, offset);
      hasher.update(piece.subarray(0, count));
      offset += count;
    }
    return hasher.digest("hex");
  } finally {
    closeSync(fd);
  }
}
