// Finds plain text in the lines of a text file that is read in pieces: memory is bounded, whatever the file is. Pure.
import { Buffer } from "node:buffer";
import type { SearchAnswer } from "../../contract/files.ts";
import { SEARCH_LINE_BYTES } from "../../contract/limits.ts";
import { compileGlob } from "./glob.ts";
import { isHidden, OWN_DIRECTORY } from "./paths.ts";

export type Match = SearchAnswer["matches"][number];

/** A line longer than this is looked at in pieces; a text across two of them is found all the same. */
const WINDOW_BYTES = 256 * 1024;
/** One search takes this long at the most. */
export const SEARCH_MS = 10_000;
/** Left out, unless the glob has the name in it. */
const AVOIDED = [OWN_DIRECTORY, "node_modules", ".git"];
const NEWLINE = 0x0a;

/** Which files a search looks into. */
export interface SearchScope {
  /** Leaves out an entry with all that is in it. */
  readonly skip: (path: string, name: string) => boolean;
  readonly has: (path: string) => boolean;
}

export function searchScope(glob: string | null): SearchScope {
  const matches = glob === null ? null : compileGlob(glob);
  const named = new Set(glob?.split("/"));
  const avoided = new Set(AVOIDED.filter((name) => !named.has(name)));
  return {
    skip: (path, name) => avoided.has(name) || (isHidden(path, name) && path !== OWN_DIRECTORY),
    has: (path) => matches === null || matches(path),
  };
}

/** What a search of lines asks for next: to be given bytes, as many as there are and fit; none of them: the file's end. */
export interface Fill {
  readonly fill: Uint8Array;
}

/** One for a whole search, as its window is used again for every file. */
export class LineSearch {
  readonly #needle: Buffer;
  readonly #window: Buffer;

  constructor(text: string) {
    this.#needle = Buffer.from(text);
    this.#window = Buffer.alloc(WINDOW_BYTES + this.#needle.length);
  }

  /** Yields what it finds, and `Fill`, to be answered with the count of bytes filled in. */
  *linesOf(path: string): Generator<Match | Fill, void, number> {
    const needle = this.#needle;
    const window = this.#window;
    let kept = 0;
    let line = 1;
    let reported = 0;
    for (let isFirst = true; ; isFirst = false) {
      const length = yield { fill: window.subarray(kept) };
      const bytes = window.subarray(0, kept + length);
      if (isFirst && bytes.includes(0)) {
        return;
      }
      const isLast = length === 0;
      // Up to the last newline, or all of a line that is longer than the window.
      const lastNewline = bytes.lastIndexOf(NEWLINE);
      const isPiece = lastNewline === -1 && bytes.length === window.length;
      const end = isLast || isPiece ? bytes.length : lastNewline + 1;
      let counted = 0;
      for (let at = bytes.indexOf(needle); at !== -1 && at < end;) {
        line += newlines(bytes, counted, at);
        counted = at;
        const stop = lineEnd(bytes, at, end);
        if (line !== reported) {
          yield { path, line, text: quote(bytes, at, stop, needle.length) };
        }
        reported = line;
        at = bytes.indexOf(needle, stop);
      }
      line += newlines(bytes, counted, end);
      if (isLast) {
        return;
      }
      // A text may begin at the end of a piece.
      const from = isPiece ? end - needle.length + 1 : end;
      kept = bytes.length - from;
      window.copyWithin(0, from, bytes.length);
    }
  }
}

function newlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1 && at < to; at = bytes.indexOf(NEWLINE, at + 1)) {
    count++;
  }
  return count;
}

function lineEnd(bytes: Buffer, at: number, end: number): number {
  const newline = bytes.indexOf(NEWLINE, at);
  return newline === -1 || newline > end ? end : newline;
}

/** The line around a match, cut to size between characters. */
function quote(bytes: Buffer, at: number, lineStop: number, needleLength: number): string {
  const lineStart = at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1;
  let from = lineStart;
  if (lineStop - lineStart > SEARCH_LINE_BYTES) {
    const room = Math.max(0, SEARCH_LINE_BYTES - needleLength);
    from = Math.max(lineStart, at - Math.floor(room / 2));
    while (from < at && isContinuation(bytes[from])) {
      from++;
    }
  }
  let to = Math.min(lineStop, from + SEARCH_LINE_BYTES);
  while (to > from && to < lineStop && isContinuation(bytes[to])) {
    to--;
  }
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })
    .decode(bytes.subarray(from, to))
    .replace(/\r$/, "");
}

/** Inside a character of several bytes. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
