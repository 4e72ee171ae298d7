// A page of a directory.
import type { FileEntry, FileList } from "../../../src/contract/files.ts";
import { invalid, isHidden, shownPath } from "../../../src/lib/files/paths.ts";
import { statsEntry } from "./entry.ts";
import { Pace } from "./pace.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

export interface ListOptions {
  readonly recursive: boolean;
  readonly limit: number;
  readonly offset: number;
}

export async function listFiles(workspace: Workspace, relative: string, options: ListOptions): Promise<FileList> {
  if (workspace.peek(relative)?.isFile() === true) throw invalid(`${shownPath(relative)} is a file, not a directory`);
  const pace = new Pace();
  const files: FileEntry[] = [];
  let total = 0;
  for (const found of walk(workspace, relative, { recursive: options.recursive, skip: isHidden })) {
    const position = total++;
    if (position >= options.offset && files.length < options.limit) {
      const stats = workspace.peek(found.path);
      // Deleted since: it does not count.
      if (stats === null) total--;
      else files.push(statsEntry(found.path, stats));
    }
    if (pace.isDue()) await pace.rest();
  }
  return { files, total };
}
