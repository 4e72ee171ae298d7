// One file as clients see it.
import type { BigIntStats } from "node:fs";
import type { FileEntry } from "../../../src/contract/files.ts";
import { shownPath } from "./paths.ts";

export function entryOf(relative: string, stats: BigIntStats): FileEntry {
  const type = typeOf(stats);
  return {
    path: shownPath(relative),
    // What a directory occupies on disk says nothing to a client.
    size: type === "file" || type === "symlink" ? Number(stats.size) : 0,
    modified: isoTime(stats),
    type,
  };
}

export function isoTime(stats: BigIntStats): string {
  return new Date(Number(stats.mtimeMs)).toISOString();
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
