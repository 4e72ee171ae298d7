// Files that were dropped or chosen, with those in their folders, and where each shall go.
import { joinPath } from "./names.ts";

export interface ChosenFile {
  readonly path: string;
  readonly source: File;
}

export function hasFiles(data: DataTransfer | null): data is DataTransfer {
  return data !== null && data.types.includes("Files");
}

/** Call it while the drop is handled: what was dropped cannot be asked for later. */
export async function droppedFiles(data: DataTransfer, folder: string): Promise<readonly ChosenFile[]> {
  const dropped = [...data.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = await Promise.all(
    dropped.map(async ({ entry, file }) => {
      if (entry !== null) return filesIn(entry, folder);
      return file === null ? [] : [{ path: joinPath(folder, file.name), source: file }];
    }),
  );
  return found.flat();
}

export function chosenFiles(files: FileList | null, folder: string): readonly ChosenFile[] {
  return [...(files ?? [])].map((source) => ({
    path: joinPath(folder, source.webkitRelativePath === "" ? source.name : source.webkitRelativePath),
    source,
  }));
}

async function filesIn(entry: FileSystemEntry, folder: string): Promise<readonly ChosenFile[]> {
  const path = joinPath(folder, entry.name);
  if (isFile(entry)) {
    const source = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path, source }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const all: ChosenFile[] = [];
  // It hands out a part of them at a time.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return all;
    for (const each of part) all.push(...(await filesIn(each, path)));
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
