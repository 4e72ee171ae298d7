// The tree of a workspace as rows of a list. A folder may be known in part only: what is not known yet has rows, too, so
// that ten thousand files have their place before they have their names. Pure.
import type { FileEntry } from "../../../../sdk/index.ts";
import { joinPath, nameOf } from "./names.ts";

/** What is known of a folder. */
export interface Folder {
  /** How much is in it; null: not known yet. */
  readonly total: number | null;
  /** By position. */
  readonly entries: ReadonlyMap<number, FileEntry>;
  /** Why it could not be listed; null when it could. */
  readonly error: string | null;
}

interface RowPlace {
  /** Names the row as long as it stands for the same thing. */
  readonly key: string;
  /** The folder that it is in. */
  readonly folder: string;
  /** Position in that folder. */
  readonly index: number;
  /** 1 for what is in the workspace itself. */
  readonly level: number;
  /** How many are in that folder. */
  readonly siblings: number;
}

interface EntryRow extends RowPlace {
  readonly kind: "entry";
  readonly entry: FileEntry;
  readonly name: string;
  readonly isFolder: boolean;
  readonly isOpen: boolean;
}

export type Row =
  | EntryRow
  /** Not loaded yet. */
  | (RowPlace & { readonly kind: "waiting" })
  /** Says something of a folder: that it is empty, or could not be read. */
  | (RowPlace & { readonly kind: "note"; readonly text: string; readonly isError: boolean });

export const UNKNOWN: Folder = { total: null, entries: new Map(), error: null };

/** The key of a row that is not loaded yet. No path holds a null byte. */
export function waitingKey(folder: string, index: number): string {
  return `${folder}\u0000${index}`;
}

/** All rows, from the workspace's own down, through the folders that are open. */
export function rowsOf(folders: ReadonlyMap<string, Folder>, open: ReadonlySet<string>): readonly Row[] {
  const rows: Row[] = [];
  const add = (folder: string, level: number): void => {
    const { total, entries, error } = folders.get(folder) ?? UNKNOWN;
    const siblings = total ?? 1;
    const note = error ?? (total === 0 && level > 1 ? "empty" : null);
    if (note !== null) {
      const key = waitingKey(folder, -1);
      rows.push({ kind: "note", key, folder, index: 0, level, siblings: 1, text: note, isError: error !== null });
      if (total === null || total === 0) return;
    }
    for (let index = 0; index < siblings; index++) {
      const entry = entries.get(index);
      if (entry === undefined) {
        rows.push({ kind: "waiting", key: waitingKey(folder, index), folder, index, level, siblings });
        continue;
      }
      const name = nameOf(entry.path);
      const path = joinPath(folder, name);
      const isFolder = entry.type === "directory";
      const isOpen = isFolder && open.has(path);
      rows.push({ kind: "entry", key: path, folder, index, level, siblings, entry, name, isFolder, isOpen });
      if (isOpen) add(path, level + 1);
    }
  };
  add("", 1);
  return rows;
}

/** A folder with one more page of it known. What lies past its new end is forgotten. */
export function withPage(
  folder: Folder,
  page: {
    readonly offset: number;
    readonly files: readonly FileEntry[];
    readonly total: number;
    readonly limit: number;
  },
): Folder {
  const { offset, files, total, limit } = page;
  const kept = [...folder.entries].filter(([index]) => index < total && (index < offset || index >= offset + limit));
  return {
    total,
    entries: new Map([...kept, ...files.map((entry, at): [number, FileEntry] => [offset + at, entry])]),
    error: null,
  };
}
