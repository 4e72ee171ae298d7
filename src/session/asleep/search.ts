// Plain text in the lines of a saved tree's text files, as container/supervisor/files/search.ts finds it on disk.
import type { SearchAnswer } from "../../contract/files.ts";
import { LineSearch, searchScope, SEARCH_MS } from "../../lib/files/search-lines.ts";
import type { Fill, Match, SearchScope } from "../../lib/files/search-lines.ts";
import { readAhead } from "./ahead.ts";
import { bytesOfSlice, pieceOf, slicesOf, wholeOf, type Slice } from "./contents.ts";
import type { Sent } from "./frames.ts";
import { mayRead, type Tree } from "./tree.ts";

export interface SearchOptions {
  readonly text: string;
  readonly glob: string | null;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A part of a file that is looked into; the last one of it is followed by a unit without a slice. */
interface Unit {
  readonly path: string;
  readonly slice: Slice | null;
}

/** @throws DamagedObject, ProblemError */
export async function searchTree(tree: Tree, options: SearchOptions): Promise<SearchAnswer> {
  // No line holds a newline.
  if (options.text.includes("\n")) {
    return { matches: [], truncated: false };
  }
  const deadline = Date.now() + SEARCH_MS;
  const { frames } = tree.manifest;
  const matches: Match[] = [];
  const isOver = (): boolean => matches.length > options.limit || options.signal.aborted || Date.now() > deadline;
  const units = unitsOf(tree, searchScope(options.glob));
  let file: FileSearch | null = null;
  const lines = new LineSearch(options.text);
  for await (const [{ path, slice }, sent] of readAhead(frames, units, (unit) => unit.slice && pieceOf(unit.slice))) {
    file ??= new FileSearch(lines, path);
    if (slice === null) {
      file.end(matches, isOver);
      file = null;
    } else if (file.isOpen) {
      await feed(tree, file, slice, sent, matches, isOver);
    }
    if (isOver()) {
      return { matches: matches.slice(0, options.limit), truncated: true };
    }
  }
  return { matches, truncated: false };
}

async function feed(
  tree: Tree,
  file: FileSearch,
  slice: Slice,
  sent: Sent,
  matches: Match[],
  isOver: () => boolean,
): Promise<void> {
  for await (const bytes of bytesOfSlice(tree.manifest.frames, slice, sent)) {
    file.give(bytes, matches, isOver);
    if (!file.isOpen || isOver()) {
      return;
    }
  }
}

async function* unitsOf(tree: Tree, scope: SearchScope): AsyncGenerator<Unit, void> {
  for await (const { path, node, isSealed } of tree.walk("", { recursive: true, skip: scope.skip })) {
    if ((node.type !== "file" && node.type !== "hardlink") || isSealed || !scope.has(path)) {
      continue;
    }
    const file = await tree.manifest.fileOf(node);
    if (!mayRead(node.path, file.mode)) {
      continue;
    }
    for (const slice of slicesOf(file, wholeOf(file))) {
      yield { path, slice };
    }
    yield { path, slice: null };
  }
}

/** One file's search, given its bytes as they come. */
class FileSearch {
  readonly #steps: Generator<Match | Fill, void, number>;
  /** What is to be filled next; null: nothing more has to be known of this file. */
  #fill: Uint8Array | null = null;
  #filled = 0;

  constructor(lines: LineSearch, path: string) {
    this.#steps = lines.linesOf(path);
    this.#go([], () => false);
  }

  get isOpen(): boolean {
    return this.#fill !== null;
  }

  give(bytes: Uint8Array, matches: Match[], isOver: () => boolean): void {
    for (let at = 0; at < bytes.length && this.#fill !== null && !isOver();) {
      const part = bytes.subarray(at, at + this.#fill.length - this.#filled);
      this.#fill.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled === this.#fill.length) {
        this.#go(matches, isOver);
      }
    }
  }

  end(matches: Match[], isOver: () => boolean): void {
    // The last bytes, and then none.
    while (this.#fill !== null && !isOver()) {
      this.#go(matches, isOver);
    }
  }

  #go(matches: Match[], isOver: () => boolean): void {
    let step = this.#steps.next(this.#filled);
    this.#fill = null;
    this.#filled = 0;
    for (; step.done !== true && !isOver(); step = this.#steps.next(0)) {
      if ("fill" in step.value) {
        this.#fill = step.value.fill;
        return;
      }
      matches.push(step.value);
    }
  }
}
