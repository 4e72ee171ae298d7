// Saving, forking, waking and reading a workspace of a real project. Nothing is deleted before the end: for some minutes
// after many files were deleted, ext4 makes new ones ten times slower.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Bench } from "./bench.ts";
import { restoreFigures } from "./figures-restores.ts";
import { saveFigures } from "./figures-saves.ts";
import type { Figure } from "./report.ts";
import { makeWorkspace } from "./workspace.ts";

export async function snapshotFigures(bench: Bench, { docker }: { readonly docker: boolean }): Promise<Figure[]> {
  const workspace = await makeWorkspace(bench);
  // On the disk that the platform itself uses.
  const scratch = path.join(bench.dataDir, "bench");
  await mkdir(scratch);
  const { figures, first, sessionId } = await saveFigures(bench, workspace, scratch);
  const restores = await restoreFigures(bench, workspace, { scratch, sessionId, docker });
  const note = `${workspace.files} files, ${workspace.megabytes.toFixed(0)} MB`;
  return [{ ...first, note }, ...figures, ...restores];
}
