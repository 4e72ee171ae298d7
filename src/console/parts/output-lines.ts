// What a program prints, as lines: appended to as it comes, a carriage return writes over its line, and what is beyond
// the limit falls off at the beginning.
import { parseAnsi, PLAIN } from "./ansi.ts";
import type { AnsiPiece, AnsiStyle } from "./ansi.ts";

export type OutputStream = "stdout" | "stderr" | "note";

export interface OutputLine {
  /** Counts on, whatever has fallen off. */
  readonly number: number;
  readonly stream: OutputStream;
  readonly pieces: readonly AnsiPiece[];
}

const MOST_LINES = 200_000;
/** A longer line is cut: nobody reads it, and a browser chokes on it. */
const MOST_CHARACTERS = 4000;

export class OutputLines {
  readonly #lines: OutputLine[] = [];
  /** What has no line break yet, by stream. */
  readonly #open = new Map<OutputStream, { text: string; style: AnsiStyle }>();
  #next = 1;

  /** The whole lines, and those that are still being written. */
  lines(): readonly OutputLine[] {
    const open = [...this.#open]
      .filter(([, { text }]) => text !== "")
      .map(([stream, { text, style }], index) => ({
        number: this.#next + index,
        stream,
        pieces: parseAnsi(visible(text), style).pieces,
      }));
    return open.length === 0 ? this.#lines : [...this.#lines, ...open];
  }

  append(stream: OutputStream, text: string): void {
    const open = this.#open.get(stream) ?? { text: "", style: PLAIN };
    const parts = (open.text + text).split("\n");
    const rest = parts.pop() ?? "";
    let { style } = open;
    for (const part of parts) {
      const { pieces, end } = parseAnsi(visible(part), style);
      this.#lines.push({ number: this.#next++, stream, pieces });
      style = end;
    }
    // An endless line without a break must not be kept whole: neither what was written over, nor what is too long.
    const over = rest.lastIndexOf("\r", rest.length - 2) + 1;
    const { end } = parseAnsi(rest.slice(0, over), style);
    this.#open.set(stream, { text: rest.slice(over, over + 2 * MOST_CHARACTERS), style: end });
    if (this.#lines.length > MOST_LINES) this.#lines.splice(0, this.#lines.length - MOST_LINES);
  }

  clear(): void {
    this.#lines.length = 0;
    this.#open.clear();
  }
}

/** What is left of a line that was written over. */
function visible(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf("\r") + 1).slice(0, MOST_CHARACTERS);
}
