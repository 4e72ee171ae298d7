// Plain text in the lines of text files. Memory, time and each turn of the event loop are bounded, whatever the files are.
import { readSync } from "node:fs";
import { SEARCH_LINE_BYTES } from "../../../src/contract/limits.ts";
import type { SearchAnswer } from "../../../src/contract/files.ts";
import { isHidden, OWN_DIRECTORY } from "./paths.ts";
import { Pace } from "./pace.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

/** A line longer than this is looked at in pieces; a text across two of them is found all the same. */
const WINDOW_BYTES = 256 * 1024;
const DEADLINE_MS = 10_000;
/** Left out, unless the glob has the name in it. */
const AVOIDED = [OWN_DIRECTORY, "node_modules", ".git"];
const NEWLINE = 0x0a;

export interface SearchOptions {
  readonly text: string;
  readonly glob: string | null;
  readonly limit: number;
  readonly signal: AbortSignal;
}

type Match = SearchAnswer["matches"][number];

export async function search(workspace: Workspace, options: SearchOptions): Promise<SearchAnswer> {
  // No line holds a newline.
  if (options.text.includes("\n")) return { matches: [], truncated: false };
  const deadline = performance.now() + DEADLINE_MS;
  const glob = options.glob === null ? null : new Bun.Glob(options.glob);
  const named = new Set(options.glob?.split("/"));
  const avoided = new Set(AVOIDED.filter((name) => !named.has(name)));
  const skip = (path: string, name: string): boolean =>
    avoided.has(name) || (isHidden(path, name) && path !== OWN_DIRECTORY);
  const needle = Buffer.from(options.text);
  const window = Buffer.allocUnsafe(WINDOW_BYTES + needle.length);
  const pace = new Pace();
  const matches: Match[] = [];
  const isOver = (): boolean =>
    matches.length > options.limit || options.signal.aborted || performance.now() > deadline;
  for (const found of walk(workspace, "", { recursive: true, skip })) {
    if (found.type === "file" && (glob === null || glob.match(found.path))) {
      for (const match of linesOf(workspace, found.path, needle, window)) {
        if (match !== null) matches.push(match);
        if (pace.isDue()) await pace.rest();
        if (isOver()) break;
      }
    }
    if (pace.isDue()) await pace.rest();
    if (isOver()) return { matches: matches.slice(0, options.limit), truncated: true };
  }
  return { matches, truncated: false };
}

/** Yields null after each piece without a match, so that the caller can rest. */
function* linesOf(workspace: Workspace, path: string, needle: Buffer, window: Buffer): Generator<Match | null> {
  using file = openQuietly(workspace, path);
  if (file === null) return;
  let kept = 0;
  let line = 1;
  let reported = 0;
  for (let isFirst = true; ; isFirst = false) {
    const length = readSync(file.fd, window, kept, window.length - kept, null);
    const bytes = window.subarray(0, kept + length);
    if (isFirst && bytes.includes(0)) return;
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
      if (line !== reported) yield { path, line, text: quote(bytes, at, stop, needle.length) };
      reported = line;
      at = bytes.indexOf(needle, stop);
    }
    line += newlines(bytes, counted, end);
    if (isLast) return;
    // A text may begin at the end of a piece.
    const from = isPiece ? end - needle.length + 1 : end;
    kept = bytes.copy(window, 0, from);
    yield null;
  }
}

function openQuietly(workspace: Workspace, path: string): ReturnType<Workspace["openFile"]>["handle"] | null {
  try {
    return workspace.openFile(path).handle;
  } catch {
    // Deleted since, or closed by its permissions.
    return null;
  }
}

function newlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1 && at < to; at = bytes.indexOf(NEWLINE, at + 1)) count++;
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
    while (from < at && isContinuation(bytes[from])) from++;
  }
  let to = Math.min(lineStop, from + SEARCH_LINE_BYTES);
  while (to > from && to < lineStop && isContinuation(bytes[to])) to--;
  return bytes.toString("utf8", from, to).replace(/\r$/, "");
}

/** Inside a character of several bytes. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
