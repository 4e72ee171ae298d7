// Drafts of a supervisor that died in the middle of a write: hidden from lists, they would occupy the disk for ever.
import { unlinkSync } from "node:fs";
import { Pace } from "./pace.ts";
import { isDraft } from "../../../src/lib/files/paths.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

/** Deletes drafts from before this call; those of uploads that began since are left alone. */
export async function sweepDrafts(workspace: Workspace): Promise<void> {
  const now = BigInt(Date.now());
  const pace = new Pace();
  // Packages are installed by programs, not uploaded.
  const skip = (_path: string, name: string): boolean => name === "node_modules" || name === ".git";
  for (const found of walk(workspace, "", { recursive: true, skip })) {
    if (isDraft(found.name)) remove(workspace, found.path, found.name, now);
    if (pace.isDue()) await pace.rest();
  }
}

function remove(workspace: Workspace, path: string, name: string, beforeMs: bigint): void {
  try {
    using parent = workspace.parent(path);
    const stats = workspace.peekAt(parent, name);
    if (stats?.isFile() === true && stats.ctimeMs < beforeMs) workspace.act(path, () => unlinkSync(parent.at(name)));
  } catch {
    // It is gone, or not ours to delete.
  }
}
