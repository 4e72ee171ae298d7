// The last lines that a service has printed. Bounded however much it prints, and cheap: of a piece with many lines only
// the last ones are looked at.
import { SERVICES } from "../../../src/contract/limits.ts";
import { cutAt } from "./utf8.ts";

const NEWLINE = 10;

export class LineTail {
  #lines: string[] = [];
  /** By stream, the beginning of a line whose end has not been printed. */
  readonly #open = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  append(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let from = startOfLast(piece, SERVICES.logLines);
    let open = from === 0 ? this.#open[stream] : Buffer.alloc(0);
    for (let end = piece.indexOf(NEWLINE, from); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      this.#lines.push(toLine(joined(open, piece.subarray(from, end))));
      open = Buffer.alloc(0);
      from = end + 1;
    }
    this.#open[stream] = joined(open, piece.subarray(from));
    if (this.#lines.length > SERVICES.logLines) this.#lines = this.#lines.slice(-SERVICES.logLines);
  }

  /** Oldest first; an unfinished line counts too. */
  lines(): string[] {
    const open = [this.#open.stdout, this.#open.stderr].filter(({ length }) => length > 0);
    return [...this.#lines, ...open.map(toLine)].slice(-SERVICES.logLines);
  }
}

/** Where the last `count` whole lines begin; 0 where there are no more than that. */
function startOfLast(piece: Buffer, count: number): number {
  let end = piece.length;
  for (let lines = 0; lines <= count; lines++) {
    const newline = end === 0 ? -1 : piece.lastIndexOf(NEWLINE, end - 1);
    if (newline < 0) return 0;
    end = newline;
  }
  return end + 1;
}

/** As much of a line as is kept, and no more of the buffer that it came in. */
function joined(open: Buffer, more: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([open, more.subarray(0, Math.max(0, SERVICES.logLineBytes + 1 - open.length))]);
}

function toLine(bytes: Buffer): string {
  const line = Buffer.from(cutAt(bytes, SERVICES.logLineBytes)).toString("utf8");
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
