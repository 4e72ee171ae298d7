// Reads a tar stream entry by entry: ustar, GNU long names, pax. Nothing is believed: a sum that is wrong, a number that is
// none or an end that is missing throws `invalid_request`. The supervisor unpacks what clients send with it, the command
// line what sessions send.
import { invalid } from "./paths.ts";

const BLOCK = 512;
/** What precedes an entry to tell its long name; more than any path. */
const EXTRA_BYTES = 64 * 1024;

export interface TarEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "other";
  readonly size: number;
  readonly mode: number;
  readonly modifiedSeconds: number;
  readonly linkName: string;
  /** Of a file. What is not read is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

const TYPES: Readonly<Record<string, TarEntry["type"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "other",
  "4": "other",
  "5": "directory",
  "6": "other",
};

/** Names are byte strings where `names` says so; otherwise text, and one that is not UTF-8 is malformed. */
export async function* readTar(
  stream: AsyncIterable<Uint8Array>,
  { names = "text" }: { readonly names?: "text" | "bytes" } = {},
): AsyncGenerator<TarEntry, void> {
  const text = names === "text" ? utf8 : latin1;
  const source = new ByteSource(stream);
  let extra: Partial<Record<string, string>> = {};
  for (;;) {
    const block = await source.take(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const header = parseHeader(block, text);
    if (header.type === "L" || header.type === "K" || header.type === "x" || header.type === "g") {
      if (header.size < 0 || header.size > EXTRA_BYTES) throw malformed(`a name of ${header.size} bytes`);
      const data = await source.take(header.size);
      await source.skip(padding(header.size));
      if (header.type === "x") Object.assign(extra, parsePax(data, text));
      else if (header.type !== "g") extra[header.type === "L" ? "path" : "linkpath"] = text(untilNul(data));
      continue;
    }
    const type = TYPES[header.type];
    if (type === undefined) throw malformed(`an entry of type ${JSON.stringify(header.type)}, which is not supported`);
    const name = extra["path"] ?? header.name;
    // Links and directories have no data, whatever their size says.
    const declared = type === "file" ? Number(extra["size"] ?? header.size) : 0;
    const isDirectory = type === "directory" || (type === "file" && name.endsWith("/"));
    const size = isDirectory ? 0 : declared;
    if (!Number.isSafeInteger(size) || size < 0) throw malformed("a size that is not a number");
    const span = source.span(size);
    yield {
      name,
      type: isDirectory ? "directory" : type,
      size,
      mode: header.mode,
      modifiedSeconds: Math.floor(Number(extra["mtime"] ?? header.modifiedSeconds)) || 0,
      linkName: extra["linkpath"] ?? header.linkName,
      body: span,
    };
    for await (const _ of span) {
      // What the caller did not read.
    }
    await source.skip(padding(size));
    extra = {};
  }
  await source.drain();
}

function parseHeader(
  block: Uint8Array,
  text: Decode,
): {
  name: string;
  type: string;
  size: number;
  mode: number;
  modifiedSeconds: number;
  linkName: string;
} {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  if (sum !== number(block, 148, 8)) throw malformed("a header with a wrong checksum");
  const name = text(untilNul(block.subarray(0, 100)));
  // GNU headers use the place of the prefix for other things.
  const isUstar = latin1(block.subarray(257, 263)) === "ustar\0";
  const prefix = isUstar ? text(untilNul(block.subarray(345, 500))) : "";
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type: String.fromCharCode(block[156] ?? 0),
    size: number(block, 124, 12),
    mode: number(block, 100, 8),
    modifiedSeconds: number(block, 136, 12),
    linkName: text(untilNul(block.subarray(157, 257))),
  };
}

/** Octal text, or base 256 when the first bit is set. */
function number(block: Uint8Array, at: number, length: number): number {
  const first = block[at] ?? 0;
  if (first === 0xff) return -1;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let index = at + 1; index < at + length; index++) value = value * 256 + (block[index] ?? 0);
    return value;
  }
  const digits = latin1(block.subarray(at, at + length))
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (!/^[0-7]*$/.test(digits)) throw malformed("a number that is not octal");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** Records such as `30 mtime=1795156274.5\n`, the length counting itself. */
function parsePax(data: Uint8Array, text: Decode): Record<string, string> {
  const records: Record<string, string> = Object.create(null);
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(latin1(data.subarray(at, space)));
    const equals = data.indexOf(0x3d, space);
    if (!Number.isInteger(length) || equals === -1 || equals >= at + length || at + length > data.length) {
      throw malformed("a pax record that cannot be read");
    }
    records[latin1(data.subarray(space + 1, equals))] = text(data.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

type Decode = (bytes: Uint8Array) => string;

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("a name that is not UTF-8");
  }
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function malformed(what: string): Error {
  return invalid(`The archive has ${what}`);
}

/** Chunks of any size, handed out in the sizes that are asked for. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Uint8Array> {
    const whole = new Uint8Array(length);
    let at = 0;
    for await (const part of this.span(length)) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async skip(length: number): Promise<void> {
    await this.take(length);
  }

  /** Iterating it twice goes on where the first time ended. */
  span(length: number): AsyncIterable<Uint8Array> {
    let left = length;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      if (this.#chunk.length === 0) await this.#fill();
      const part = this.#chunk.subarray(0, left);
      this.#chunk = this.#chunk.subarray(part.length);
      left -= part.length;
      return { done: false, value: part };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** The rest has no meaning, but the sender has to get rid of it, and its checksum to be seen. */
  async drain(): Promise<void> {
    while ((await this.#chunks.next()).done !== true) {
      // Nothing to do with it.
    }
  }

  async #fill(): Promise<void> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw malformed("no end: it was cut off");
      this.#chunk = value;
    }
  }
}
