// GET and HEAD of raw bytes. The kernel sends them from the file to the socket; they never pass through here.
import { readSync } from "node:fs";
import { planDownload } from "../../../src/lib/files/download.ts";
import type { ByteRange } from "../../../src/lib/files/range.ts";
import { versionOf } from "./entry.ts";
import type { Handle, Workspace } from "./workspace.ts";

/** Up to here a file is answered from memory: cheaper than a descriptor held open. */
const SMALL_BYTES = 128 * 1024;
/** Bun opens a file body by name in the very turn in which the answer is settled; long before this has passed. */
const OPENED_WITHIN_MS = 2000;

export function download(workspace: Workspace, relative: string, request: Request): Response {
  const { handle, stats } = workspace.openFile(relative);
  let lent = false;
  try {
    const plan = planDownload(request, relative, versionOf(stats));
    if (plan.answer !== null) return plan.answer;
    const { part, init } = plan;
    if (part.last - part.first < SMALL_BYTES) return new Response(readPart(handle, part), init);
    lent = true;
    return new Response(Bun.file(handle.link).slice(part.first, part.last + 1), init);
  } finally {
    if (lent) setTimeout(() => handle[Symbol.dispose](), OPENED_WITHIN_MS).unref();
    else handle[Symbol.dispose]();
  }
}

/** Shorter when the file shrank since. */
function readPart(handle: Handle, part: ByteRange): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(part.last - part.first + 1);
  return bytes.subarray(0, readSync(handle.fd, bytes, 0, bytes.length, part.first));
}
