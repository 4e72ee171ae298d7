// Files out of a JSON body, each written whole or not at all.
import type { FileInput, FileWritten } from "../../../src/contract/files.ts";
import type { DiskLedger } from "./disk.ts";
import { Draft, targetOf } from "./draft.ts";
import { parsePath } from "../../../src/lib/files/paths.ts";
import type { Workspace } from "./workspace.ts";

export async function writeFiles(
  workspace: Workspace,
  disk: DiskLedger,
  files: readonly FileInput[],
): Promise<FileWritten[]> {
  if (files.length === 0) return [];
  // All paths are looked at before the first file is written.
  const drafts = files.map(({ path, content, encoding }) => ({
    relative: parsePath(path),
    bytes: Buffer.from(content, encoding ?? "utf-8"),
  }));
  await disk.reserve(drafts.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const written: FileWritten[] = [];
  for (const { relative, bytes } of drafts) {
    using draft = new Draft(workspace, targetOf(workspace, relative));
    if (bytes.length > 0) await draft.write(bytes);
    await draft.publish();
    written.push({ path: relative, size: bytes.length });
  }
  return written;
}
