// GET and HEAD of raw bytes. The kernel sends them from the file to the socket; they never pass through here.
import { readSync } from "node:fs";
import { extname } from "node:path";
import { problemResponse } from "../../../src/contract/errors.ts";
import { SupervisorError } from "../problem.ts";
import { allowsRange, evaluate, validatorsOf } from "./conditions.ts";
import { nameOf } from "./paths.ts";
import { parseRange, type ByteRange } from "./range.ts";
import type { Handle, Workspace } from "./workspace.ts";

/** Up to here a file is answered from memory: cheaper than a descriptor held open. */
const SMALL_BYTES = 128 * 1024;
/** Bun opens a file body by name in the very turn in which the answer is settled; long before this has passed. */
const OPENED_WITHIN_MS = 2000;

export function download(workspace: Workspace, relative: string, request: Request): Response {
  const { handle, stats } = workspace.openFile(relative);
  let lent = false;
  try {
    const size = Number(stats.size);
    const validators = validatorsOf(stats);
    const headers = new Headers({
      etag: validators.etag,
      "last-modified": validators.lastModified,
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
    switch (evaluate(request.method, request.headers, validators)) {
      case "failed":
        throw new SupervisorError("precondition_failed", `${relative} is not the version that If-Match asks for`);
      case "not_modified":
        return new Response(null, { status: 304, headers });
      case "proceed":
        break;
    }
    headers.set("content-type", contentType(relative));
    // Bun would name the file after its descriptor.
    headers.set("content-disposition", "inline");
    if (request.method === "HEAD") {
      headers.set("content-length", String(size));
      return new Response(null, { headers });
    }
    const range = allowsRange(request.headers, validators) ? parseRange(request.headers.get("range"), size) : "whole";
    if (range === "unsatisfiable") {
      return problemResponse(
        { code: "range_not_satisfiable", message: `${relative} has ${size} bytes`, details: { size } },
        { headers: { "content-range": `bytes */${size}` } },
      );
    }
    const part = range === "whole" ? { first: 0, last: size - 1 } : range;
    if (range !== "whole") headers.set("content-range", `bytes ${range.first}-${range.last}/${size}`);
    const init = { status: range === "whole" ? 200 : 206, headers };
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

function contentType(relative: string): string {
  // By the extension alone, so that no name can be mistaken for a place to look at.
  const type = Bun.file(`file${extname(nameOf(relative))}`).type;
  return type.startsWith("text/") && !type.includes("charset") ? `${type};charset=utf-8` : type;
}
