// The end of a restore: what was built takes the place of what was there, and everything in the supervisor that knew the
// old tree gets to know the new one before anything else is let through.
import type { RestoreDone } from "../../../src/contract/supervisor.ts";
import { OWN_DIRECTORY } from "../../../src/lib/files/paths.ts";
import type { Config } from "../config.ts";
import type { ChangeTracker } from "../files/changes.ts";
import type { DiskLedger } from "../files/disk.ts";
import type { Processes } from "../process/processes.ts";
import type { SpareMemory } from "../spare-memory.ts";
import { adoptRestored } from "./adopt.ts";
import type { SnapshotIndex } from "./index.ts";
import type { Restore } from "./restore.ts";

/** A file, a directory: a block each, and one that is not full. */
const ENTRY_BYTES = 8192;

/** What a restore touches beside the files. */
export interface RestoreParts {
  readonly config: Pick<Config, "workspace" | "user">;
  readonly processes: Processes;
  readonly changes: Pick<ChangeTracker, "restart">;
  readonly disk: DiskLedger;
  readonly index: SnapshotIndex;
  readonly memory: SpareMemory;
}

/**
 * Restoring everything ends all processes: their files are gone. A part is replaced under them.
 * @throws SupervisorError `conflict` while somebody waits for an execution; then the workspace is as it was
 */
export async function finishRestore(restore: Restore, parts: RestoreParts): Promise<RestoreDone> {
  const { only, plan } = restore;
  const replacesRecords = only === null || only === OWN_DIRECTORY || only.startsWith(`${OWN_DIRECTORY}/`);
  await replace(restore, parts, { replacesRecords });
  await makeRoom(restore, parts);
  return { files: plan.nodes.filter(({ type }) => type === "file").length, sizeBytes: plan.sizeBytes };
}

async function replace(
  restore: Restore,
  parts: RestoreParts,
  { replacesRecords }: { readonly replacesRecords: boolean },
): Promise<void> {
  const { changes, config } = parts;
  const { executions, contexts, freezer } = parts.processes;
  if (replacesRecords) await executions.vacate();
  const hold = await freezer.hold();
  try {
    if (replacesRecords) await executions.clear();
    await restore.swap(config.user);
    if (replacesRecords) {
      executions.reload();
      contexts.reload();
    }
    changes.restart();
    if (restore.only === null) await adopt(restore, parts);
  } finally {
    hold[Symbol.dispose]();
  }
}

/** The next snapshot is made against this one. Where that fails, it reads everything anew, and the restore is none the worse. */
async function adopt(restore: Restore, { index, config }: RestoreParts): Promise<void> {
  try {
    await adoptRestored(index, config.workspace, restore.manifest);
  } catch (error) {
    index.forget();
    console.error("the restored workspace could not be looked at", error);
  }
}

/** Deletes what was replaced. A restore may cross the limit of the disk: nobody is to be killed for it. */
async function makeRoom(restore: Restore, { processes, disk, memory }: RestoreParts): Promise<void> {
  const { plan } = restore;
  const removed = restore.end();
  const mayBeOver = disk.usedBytes + plan.sizeBytes + plan.nodes.length * ENTRY_BYTES > disk.limitBytes;
  if (mayBeOver) await processes.tolerateDisk();
  const tidy = async (): Promise<void> => {
    if (await removed) await (mayBeOver ? processes.tolerateDisk() : disk.measureAnew());
    memory.giveBackLater();
  };
  // What is left lying does no harm but for the disk that it takes; the next supervisor tries again.
  tidy().catch((error: unknown) => console.error("what was replaced was not removed", error));
}
