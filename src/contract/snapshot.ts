// Snapshots on the wire: a saved workspace, what differs between two, and forks.
import * as z from "zod";
import { SNAPSHOT_ID } from "./ids.ts";
import { LABEL_CHARACTERS } from "./limits.ts";
import { IsoTime, Paging, Text, WorkspacePath } from "./primitives.ts";
import { CreateSession } from "./session.ts";

export const SnapshotId = z
  .string()
  .regex(SNAPSHOT_ID, "is not a snapshot id")
  .meta({ description: "`snp_` and 20 characters of 0-9a-z" });

const Label = Text.min(1).max(LABEL_CHARACTERS);

export const CreateSnapshot = z
  .strictObject({
    label: Label.optional().meta({ description: "A labelled snapshot stays until it is deleted or the session goes" }),
  })
  .meta({ id: "CreateSnapshot" });

/** Why a snapshot was made. Of those without a label the last five are kept. */
export const SnapshotReason = z.enum([
  "requested",
  "save",
  "deep-sleep",
  "terminating",
  "before-restore",
  "restore",
  "fork",
]);
export type SnapshotReason = z.infer<typeof SnapshotReason>;

export const Snapshot = z
  .object({
    snapshotId: SnapshotId,
    label: Label.nullable(),
    reason: SnapshotReason,
    createdAt: IsoTime,
    files: z.int().nonnegative(),
    sizeBytes: z.int().nonnegative().meta({ description: "Sum of the files' sizes" }),
    storedBytes: z
      .int()
      .nonnegative()
      .meta({ description: "Compressed bytes that it needs; those it shares with others are counted for each" }),
    treeHash: z.string().meta({ description: "Equal for equal trees: names, contents, modes, times, links" }),
    verifiedAt: IsoTime.nullable().meta({ description: "When all its bytes were last read back and matched" }),
    damaged: z.string().nullable().meta({ description: "What is wrong with it; such a one is never restored" }),
    skipped: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .meta({ description: "Sockets, FIFOs and the like, which cannot be saved; the first of them" }),
    skippedCount: z.int().nonnegative(),
  })
  .meta({ id: "Snapshot" });
export type Snapshot = z.infer<typeof Snapshot>;

export const SnapshotQuery = Paging;

export const SnapshotList = z
  .object({ snapshots: z.array(Snapshot), total: z.int() })
  .meta({ id: "SnapshotList", description: "Newest first" });
export type SnapshotList = z.infer<typeof SnapshotList>;

export const SnapshotDeleted = z.object({ deleted: z.literal(true), snapshotId: SnapshotId });

export const RestoreRequest = z
  .strictObject({
    path: WorkspacePath.optional().meta({ description: "Only this file or directory. Absent: the whole workspace" }),
  })
  .meta({ id: "RestoreRequest" });

export const RestoreAnswer = z
  .object({
    snapshotId: SnapshotId,
    path: z.string().nullable(),
    previousSnapshotId: SnapshotId.meta({ description: "Taken just before; restoring it undoes this" }),
  })
  .meta({ id: "RestoreAnswer" });
export type RestoreAnswer = z.infer<typeof RestoreAnswer>;

export const DiffQuery = z.object({
  to: SnapshotId.optional().meta({ description: "Absent: the newest snapshot" }),
  limit: Paging.shape.limit,
  offset: Paging.shape.offset,
});

export const SnapshotDiff = z
  .object({
    from: SnapshotId,
    to: SnapshotId,
    changes: z.array(z.object({ path: z.string(), change: z.enum(["added", "removed", "changed"]) })),
    total: z.int().nonnegative(),
  })
  .meta({ id: "SnapshotDiff", description: "By path. A file whose mode, time or content differs has changed" });
export type SnapshotDiff = z.infer<typeof SnapshotDiff>;

export const ForkRequest = z
  .strictObject({
    snapshotId: SnapshotId.optional().meta({ description: "Absent: the workspace as it is now" }),
    ttl: CreateSession.shape.ttl,
    metadata: CreateSession.shape.metadata.unwrap().optional().meta({ description: "Absent: the original's" }),
    tags: CreateSession.shape.tags.unwrap().optional().meta({ description: "Absent: the original's" }),
    description: CreateSession.shape.description.unwrap().optional().meta({ description: "Absent: the original's" }),
    name: CreateSession.shape.name,
    internet: CreateSession.shape.internet.unwrap().optional().meta({ description: "Absent: the original's" }),
  })
  .meta({ id: "ForkRequest" });
export type ForkRequest = z.infer<typeof ForkRequest>;
