// What is piped into the command line, for a program in a session. The API takes text of a limited size with the call; what
// is larger, or not text, goes ahead as a file that the program reads from.
import { fstatSync } from "node:fs";
import { STDIN_BYTES } from "../contract/limits.ts";

/** Nothing, the whole as text, or a stream of bytes. */
export type Stdin =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bytes"; readonly bytes: AsyncIterable<Uint8Array> };

/** Whether something is piped or redirected in: a terminal and /dev/null are not read. */
export function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    // It is closed.
    return false;
  }
}

/** Reads until its end, or until it is known not to be short text. */
export async function readStdin(source: AsyncIterable<Uint8Array> = process.stdin): Promise<Stdin> {
  const chunks = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let size = 0;
  while (size <= STDIN_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) {
      const whole = Buffer.concat(head);
      const text = asText(whole);
      return text === null ? { kind: "bytes", bytes: wholeOf([whole]) } : { kind: "text", text };
    }
    head.push(value);
    size += value.length;
  }
  return { kind: "bytes", bytes: wholeOf(head, chunks) };
}

/** Null when it is not UTF-8. */
function asText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

async function* wholeOf(head: Uint8Array[], rest?: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for (let chunk = head.shift(); chunk !== undefined; chunk = head.shift()) yield chunk;
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest };
}
