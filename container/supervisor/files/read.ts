// One file as JSON.
import { read } from "node:fs";
import { promisify } from "node:util";
import type { FileContent } from "../../../src/contract/files.ts";
import { checkContentSize, contentOf } from "../../../src/lib/files/entry.ts";
import type { Workspace } from "./workspace.ts";

const readBytes = promisify(read);

export async function readFile(workspace: Workspace, relative: string): Promise<FileContent> {
  const { handle, stats } = workspace.openFile(relative);
  using file = handle;
  checkContentSize(relative, Number(stats.size));
  const buffer = Buffer.alloc(Number(stats.size));
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await readBytes(file.fd, buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return contentOf(relative, buffer.subarray(0, length), stats.mtimeNs);
}
