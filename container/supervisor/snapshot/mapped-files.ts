// Files that processes can write to through their memory. Such a write shows in a file's times only where its page was
// clean, so these files count as changed whatever `stat` says, and once more when the process is gone.
import { lstatSync } from "node:fs";
import { readMaps } from "../process/proc-filesystem.ts";

/** Writable and shared: the inode, and the path where it has one. */
const WRITABLE = /^[0-9a-f]+-[0-9a-f]+ .w.s \S+ \S+ ([1-9]\d*) *(.*)$/gm;

/** Inode numbers, of whatever file system: one that is not the workspace's only has a file read for nothing. */
export function listMappedFiles(hostPids: Iterable<number>, workspace: string): Set<number> {
  const mapped = new Set<number>();
  for (const pid of hostPids) {
    for (const [, inode, path = ""] of readMaps(pid).matchAll(WRITABLE)) {
      mapped.add(Number(inode));
      // A file system of layers may show the inode of the layer below there.
      const shown = path.startsWith(`${workspace}/`) ? inodeOf(path) : null;
      if (shown !== null) mapped.add(shown);
    }
  }
  return mapped;
}

function inodeOf(path: string): number | null {
  try {
    return lstatSync(path).ino;
  } catch {
    // Its name is gone, or has characters that the kernel writes otherwise there.
    return null;
  }
}
