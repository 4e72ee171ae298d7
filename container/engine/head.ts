// The heads of a request on its way into a container and of its answer. The host name that the client used is put back,
// and both sides are told that this connection carries one request, unless it is an upgrade. Pure.
import type { Taken } from "../supervisor/net/pipe.ts";

export const HEAD_BYTES = 64 * 1024;
const END = "\r\n\r\n";

/** Null while the head is not complete. */
export function rewriteRequest(bytes: Buffer): Taken<Buffer> | null {
  const end = bytes.indexOf(END);
  if (end === -1 || end > HEAD_BYTES) return null;
  const [requestLine = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const upgrade = has(fields, "upgrade", /./) && has(fields, "connection", /\bupgrade\b/i);
  const host = fields.find((field) => nameOf(field) === "x-buntime-host")?.replace(/^[^:]*:/, "host:");
  const replaced = new Set(["x-buntime-host"]);
  if (host !== undefined) replaced.add("host");
  if (!upgrade) for (const name of ["connection", "keep-alive"]) replaced.add(name);
  const head = [
    requestLine,
    ...(host === undefined ? [] : [host]),
    ...fields.filter((field) => !replaced.has(nameOf(field))),
    ...(upgrade ? [] : ["connection: close"]),
  ];
  return { value: Buffer.from(head.join("\r\n") + END, "latin1"), used: end + END.length };
}

export interface AnswerHead {
  readonly head: Buffer;
  /** Another head follows, such as after 100 Continue. */
  readonly interim: boolean;
}

/**
 * Not every server that was asked to close says that it will; without that word a client would use the connection again.
 * What is no HTTP/1 goes through as it is. Null while the head is not complete.
 */
export function rewriteAnswer(bytes: Buffer): Taken<AnswerHead> | null {
  const untouched = { value: { head: bytes, interim: false }, used: bytes.length };
  if (!"HTTP/1.".startsWith(bytes.toString("latin1", 0, 7))) return untouched;
  const used = endOfHead(bytes);
  if (used === null) return bytes.length > HEAD_BYTES ? untouched : null;
  const [statusLine = "", ...fields] = bytes.toString("latin1", 0, used).trimEnd().split(/\r?\n/);
  const informs = /^\S+ 1\d\d\b/.test(statusLine);
  if (informs) return { value: { head: bytes.subarray(0, used), interim: !/^\S+ 101\b/.test(statusLine) }, used };
  const head = [
    statusLine,
    ...fields.filter((field) => !["connection", "keep-alive"].includes(nameOf(field))),
    "connection: close",
  ];
  return { value: { head: Buffer.from(head.join("\r\n") + END, "latin1"), interim: false }, used };
}

/** Servers written by hand end lines with a line feed alone, which RFC 9112 section 2.2 allows to understand. */
function endOfHead(bytes: Buffer): number | null {
  const ends = ["\n\r\n", "\n\n"].flatMap((end) => {
    const at = bytes.indexOf(end);
    return at === -1 ? [] : [at + end.length];
  });
  return ends.length === 0 ? null : Math.min(...ends);
}

function has(fields: readonly string[], name: string, value: RegExp): boolean {
  return fields.some((field) => nameOf(field) === name && value.test(field.slice(name.length + 1)));
}

function nameOf(field: string): string {
  return field
    .slice(0, Math.max(field.indexOf(":"), 0))
    .trim()
    .toLowerCase();
}
