// One file as JSON: text as it is, other bytes as base64.
import { isUtf8 } from "node:buffer";
import { read } from "node:fs";
import { promisify } from "node:util";
import type { FileContent } from "../../../src/contract/files.ts";
import { PLANS } from "../../../src/contract/limits.ts";
import { SupervisorError } from "../problem.ts";
import { isoTime } from "./entry.ts";
import type { Workspace } from "./workspace.ts";

/** The largest of any plan; which plan a session has is not known here. */
const LIMIT_BYTES = PLANS.paid.fileBytes;
const readBytes = promisify(read);

export async function readFile(workspace: Workspace, relative: string): Promise<FileContent> {
  const { handle, stats } = workspace.openFile(relative);
  using file = handle;
  if (stats.size > BigInt(LIMIT_BYTES)) {
    throw new SupervisorError(
      "payload_too_large",
      `${relative} has ${stats.size} bytes, more than the ${LIMIT_BYTES} that fit into JSON; get it as raw bytes`,
      { size: Number(stats.size), limit: LIMIT_BYTES },
    );
  }
  const buffer = Buffer.alloc(Number(stats.size));
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await readBytes(file.fd, buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  const bytes = buffer.subarray(0, length);
  const encoding = isUtf8(bytes) ? "utf-8" : "base64";
  return {
    path: relative,
    content: bytes.toString(encoding),
    encoding,
    size: length,
    modified: isoTime(stats),
  };
}
