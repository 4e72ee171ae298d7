// The tree of the workspace, sorted by path, a directory at a time. A directory that is swapped for a link while we walk
// is left out, so nothing outside is ever named.
import { lstatSync, readdirSync } from "node:fs";
import type { FileEntry } from "../../../src/contract/files.ts";
import { typeOf } from "./entry.ts";
import { comparePaths, joinPath } from "../../../src/lib/files/paths.ts";
import type { Workspace } from "./workspace.ts";

export interface Found {
  readonly path: string;
  readonly name: string;
  readonly type: FileEntry["type"];
}

interface Step extends Found {
  /** What it is sorted by: a directory's content comes where its name with a slash belongs. */
  readonly key: string;
  readonly descend: boolean;
}

/** `skip` leaves out an entry with all that is in it. Throws only for `from` itself. */
export function* walk(
  workspace: Workspace,
  from: string,
  options: { readonly recursive: boolean; readonly skip: (path: string, name: string) => boolean },
): Generator<Found, void> {
  using start = workspace.directory(from);
  const place = workspace.placeOf(start);
  const steps = list(start.link, from, workspace, options);
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (!step.descend) {
      yield step;
      continue;
    }
    const path = from === "" ? step.path : step.path.slice(from.length + 1);
    using directory = workspace.exactDirectory(joinPath(place, path));
    // One by one: a spread of a large directory would overflow the stack.
    if (directory !== null) for (const next of list(directory.link, step.path, workspace, options)) steps.push(next);
  }
}

/** Last first, because the caller takes them from the end. */
function list(
  link: string,
  path: string,
  workspace: Workspace,
  options: { readonly recursive: boolean; readonly skip: (path: string, name: string) => boolean },
): Step[] {
  const steps: Step[] = [];
  try {
    for (const entry of workspace.act(path, () => readdirSync(link, { withFileTypes: true }))) {
      const found = { path: joinPath(path, entry.name), name: entry.name, type: typeOf(entry) };
      if (options.skip(found.path, found.name)) continue;
      // A name that is not UTF-8 cannot be told to a client.
      if (entry.name.includes("\uFFFD") && !workspace.act(path, () => exists(`${link}/${entry.name}`))) continue;
      steps.push({ ...found, key: entry.name, descend: false });
      if (options.recursive && entry.isDirectory()) steps.push({ ...found, key: `${entry.name}/`, descend: true });
    }
  } catch {
    // Gone, or closed by its permissions: as good as empty.
  }
  return steps.toSorted((a, b) => comparePaths(b.key, a.key));
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
