// What a session keeps of its newest snapshot.
import type { SnapshotState } from "../storage/rpc.ts";
import type { SavedWorkspace } from "./store.ts";

/** `at`: when all that had changed was last found to be in it. */
export function savedWorkspace({ id, root, files, sizeBytes, storedBytes }: SnapshotState, at: number): SavedWorkspace {
  return { snapshotId: id, root, at, files, sizeBytes, storedBytes };
}
