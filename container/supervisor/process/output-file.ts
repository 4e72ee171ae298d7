// The recorded output of an execution that has printed much or runs for long, <id>.jsonl: one OutputChunk per line, in order of seq. Bytes come back exactly as
// they were printed, whichever encoding a line has.
import { isUtf8 } from "node:buffer";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import type { OutputChunk } from "../../../src/contract/execute.ts";
import { RECORD_OUTPUT_BYTES } from "../../../src/contract/limits.ts";

/** One piece of output. `seq` counts from 1 over all streams. Of `result`, a Result as JSON text. */
export interface Chunk {
  readonly seq: number;
  readonly stream: OutputChunk["stream"];
  readonly bytes: Uint8Array;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const READ_BYTES = 256 * 1024;
/** Text that JSON makes this much longer than its bytes, control characters above all, is kept as base64. */
const WORST_EXPANSION = 1.5;
/** A reader that goes on where it stopped finds its place without reading the file from its start. */
const INDEX_EVERY_BYTES = 64 * 1024;
/** Against a program that prints single bytes in turns: its lines are far longer than its output. */
const FILE_BYTES = 2 * RECORD_OUTPUT_BYTES;

/** As a client sees it: base64 where the bytes are not UTF-8. */
export function toOutputChunk({ seq, stream, bytes }: Chunk): OutputChunk {
  const text = isUtf8(bytes);
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(text ? "utf8" : "base64");
  return { seq, stream, data, encoding: text ? "utf-8" : "base64" };
}

/** As it is kept. */
export function toRecordedChunk(chunk: Chunk): OutputChunk {
  const text = toOutputChunk(chunk);
  if (text.encoding === "base64" || JSON.stringify(text.data).length < WORST_EXPANSION * chunk.bytes.length + 100) {
    return text;
  }
  return { ...text, data: Buffer.from(chunk.bytes).toString("base64"), encoding: "base64" };
}

export function fromOutputChunk({ seq, stream, data, encoding }: OutputChunk): Chunk {
  return { seq, stream, bytes: Buffer.from(data, encoding === "base64" ? "base64" : "utf8") };
}

export class OutputFile {
  readonly #path: () => string;
  #writeFd: number | null = null;
  #length = 0;
  readonly #index: { seq: number; offset: number }[] = [];

  /** @param path asked for at each opening, since the directory may be made again in between */
  constructor(path: () => string) {
    this.#path = path;
  }

  /** @throws on a full disk */
  append(chunks: readonly Chunk[]): void {
    const [first] = chunks;
    if (first === undefined) return;
    const text = Buffer.from(chunks.map(toLine).join(""));
    this.#writeFd ??= openSync(this.#path(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o644);
    const indexed = this.#index.at(-1)?.offset ?? -INDEX_EVERY_BYTES;
    if (this.#length - indexed >= INDEX_EVERY_BYTES) this.#index.push({ seq: first.seq, offset: this.#length });
    for (let at = 0; at < text.length;) at += writeSync(this.#writeFd, text, at);
    this.#length += text.length;
  }

  get isFull(): boolean {
    return this.#length > FILE_BYTES;
  }

  close(): void {
    if (this.#writeFd !== null) closeSync(this.#writeFd);
    this.#writeFd = null;
  }

  /** Chunks with a seq above `after`, in order; stops soon after `maxBytes` of them. Empty when there are none. */
  read(after: number, maxBytes: number): Chunk[] {
    const start = this.#index.findLast(({ seq }) => seq <= after + 1)?.offset ?? 0;
    let fd: number;
    try {
      fd = openSync(this.#path(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return [];
    }
    try {
      return readChunks(fd, start, after, maxBytes);
    } finally {
      closeSync(fd);
    }
  }
}

function readChunks(fd: number, start: number, after: number, maxBytes: number): Chunk[] {
  const chunks: Chunk[] = [];
  let bytes = 0;
  for (const line of lines(fd, start)) {
    const chunk = parseLine(line);
    if (chunk === null || chunk.seq <= after) continue;
    chunks.push(chunk);
    bytes += chunk.bytes.length;
    if (bytes >= maxBytes) break;
  }
  return chunks;
}

function* lines(fd: number, start: number): Generator<string> {
  let rest = Buffer.alloc(0);
  for (let offset = start; ;) {
    const piece = Buffer.allocUnsafe(READ_BYTES);
    const count = readSync(fd, piece, 0, READ_BYTES, offset);
    if (count === 0) return;
    offset += count;
    rest = Buffer.concat([rest, piece.subarray(0, count)]);
    let from = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, from)) {
      yield rest.toString("utf8", from, end);
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
}

function toLine(chunk: Chunk): string {
  return `${JSON.stringify(toRecordedChunk(chunk))}\n`;
}

/** Null for a line that the supervisor was killed in the middle of. */
function parseLine(line: string): Chunk | null {
  try {
    // SAFETY: only toLine writes these lines.
    return fromOutputChunk(JSON.parse(line) as OutputChunk);
  } catch {
    return null;
  }
}
