// Plain text in the lines of text files. Each turn of the event loop is bounded, whatever the files are.
import { readSync } from "node:fs";
import type { SearchAnswer } from "../../../src/contract/files.ts";
import { LineSearch, searchScope, SEARCH_MS, type Match } from "../../../src/lib/files/search-lines.ts";
import { Pace } from "./pace.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

export interface SearchOptions {
  readonly text: string;
  readonly glob: string | null;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export async function search(workspace: Workspace, options: SearchOptions): Promise<SearchAnswer> {
  // No line holds a newline.
  if (options.text.includes("\n")) return { matches: [], truncated: false };
  const deadline = performance.now() + SEARCH_MS;
  const scope = searchScope(options.glob);
  const lines = new LineSearch(options.text);
  const pace = new Pace();
  const matches: Match[] = [];
  const isOver = (): boolean =>
    matches.length > options.limit || options.signal.aborted || performance.now() > deadline;
  for (const found of walk(workspace, "", { recursive: true, skip: scope.skip })) {
    if (found.type === "file" && scope.has(found.path)) {
      for (const match of linesOf(workspace, found.path, lines)) {
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

/** Yields null before each read, so that the caller can rest. */
function* linesOf(workspace: Workspace, path: string, lines: LineSearch): Generator<Match | null> {
  using file = openQuietly(workspace, path);
  if (file === null) return;
  const steps = lines.linesOf(path);
  for (let step = steps.next(0); step.done !== true;) {
    if ("fill" in step.value) {
      yield null;
      const { fill } = step.value;
      step = steps.next(readSync(file.fd, fill, 0, fill.length, null));
    } else {
      yield step.value;
      step = steps.next(0);
    }
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
