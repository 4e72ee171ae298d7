// A snapshot as a client sees it.
import type { Snapshot } from "../contract/snapshot.ts";
import type { SnapshotState } from "../storage/rpc.ts";

export function snapshotView(snapshot: SnapshotState): Snapshot {
  const { id, sessionId: _, root: __, createdAt, verifiedAt, ...rest } = snapshot;
  return {
    ...rest,
    snapshotId: id,
    createdAt: new Date(createdAt).toISOString(),
    verifiedAt: verifiedAt === null ? null : new Date(verifiedAt).toISOString(),
  };
}
