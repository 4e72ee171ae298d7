// One file as clients see it.
import type { FileContent, FileEntry } from "../../contract/files.ts";
import { PLANS } from "../../contract/limits.ts";
import { ProblemError } from "../problem-error.ts";
import { isoTime, type Version } from "./conditions.ts";
import { shownPath } from "./paths.ts";

export function entryOf(relative: string, type: FileEntry["type"], { size, mtimeNs }: Version): FileEntry {
  return {
    path: shownPath(relative),
    // What a directory occupies on disk says nothing to a client.
    size: type === "file" || type === "symlink" ? size : 0,
    modified: isoTime(mtimeNs),
    type,
  };
}

/** The largest of any plan; which plan a session has is not known here. */
const CONTENT_BYTES = PLANS.paid.fileBytes;

/** @throws ProblemError payload_too_large */
export function checkContentSize(relative: string, size: number): void {
  if (size > CONTENT_BYTES) {
    throw new ProblemError(
      "payload_too_large",
      `${relative} has ${size} bytes, more than the ${CONTENT_BYTES} that fit into JSON; get it as raw bytes`,
      { size, limit: CONTENT_BYTES },
    );
  }
}

/** One file as JSON: text as it is, other bytes as base64. */
export function contentOf(relative: string, bytes: Uint8Array, mtimeNs: bigint): FileContent {
  const text = decode(bytes);
  return {
    path: relative,
    content: text ?? bytes.toBase64(),
    encoding: text === null ? "base64" : "utf-8",
    size: bytes.length,
    modified: isoTime(mtimeNs),
  };
}

/** Null when it is not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
