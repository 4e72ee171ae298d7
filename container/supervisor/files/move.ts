// Renaming and making directories.
import { renameSync } from "node:fs";
import type { FileEntry } from "../../../src/contract/files.ts";
import { SupervisorError } from "../problem.ts";
import { statsEntry } from "./entry.ts";
import { invalid, nameOf } from "../../../src/lib/files/paths.ts";
import type { Workspace } from "./workspace.ts";

export function move(workspace: Workspace, from: string, to: string, options: { overwrite: boolean }): FileEntry {
  using source = workspace.parent(from);
  if (workspace.peekAt(source, nameOf(from)) === null) {
    throw new SupervisorError("file_not_found", `${from} does not exist`);
  }
  if (`${to}/`.startsWith(`${from}/`)) throw invalid(`${from} cannot be moved into itself`);
  using destination = workspace.makeParent(to);
  if (!options.overwrite && workspace.peekAt(destination, nameOf(to)) !== null) {
    throw new SupervisorError("conflict", `${to} exists already; move with overwrite: true to replace it`);
  }
  workspace.act(to, () => renameSync(source.at(nameOf(from)), destination.at(nameOf(to))));
  return entryAt(workspace, to);
}

export function makeDirectory(workspace: Workspace, relative: string): FileEntry {
  workspace.makeDirectory(relative)[Symbol.dispose]();
  return entryAt(workspace, relative);
}

function entryAt(workspace: Workspace, relative: string): FileEntry {
  const stats = workspace.peek(relative);
  if (stats !== null) return statsEntry(relative, stats);
  throw new SupervisorError("conflict", `${relative} was taken away while it was being made`);
}
