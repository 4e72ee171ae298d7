// A piece of recorded output, as a client sees it: text that JSON would make much longer is kept as base64, and is text
// again when it is shown. Pure.
import type { OutputChunk } from "../../contract/execute.ts";

export function shownChunk(chunk: OutputChunk): OutputChunk {
  if (chunk.encoding === "utf-8") {
    return chunk;
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.fromBase64(chunk.data));
    return { ...chunk, data: text, encoding: "utf-8" };
  } catch {
    // Not UTF-8.
    return chunk;
  }
}

/** Of what was printed. */
export function sizeOfChunk({ data, encoding }: OutputChunk): number {
  return encoding === "base64" ? Uint8Array.fromBase64(data).length : new TextEncoder().encode(data).length;
}
