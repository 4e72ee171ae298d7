// One file on disk as clients see it.
import type { BigIntStats } from "node:fs";
import type { FileEntry } from "../../../src/contract/files.ts";
import type { Version } from "../../../src/lib/files/conditions.ts";
import { entryOf } from "../../../src/lib/files/entry.ts";

export function statsEntry(relative: string, stats: BigIntStats): FileEntry {
  return entryOf(relative, typeOf(stats), versionOf(stats));
}

export function versionOf({ size, mtimeNs }: BigIntStats): Version {
  return { size: Number(size), mtimeNs };
}

export function typeOf(thing: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): FileEntry["type"] {
  if (thing.isFile()) return "file";
  if (thing.isDirectory()) return "directory";
  return thing.isSymbolicLink() ? "symlink" : "other";
}
