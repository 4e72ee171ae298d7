// Which snapshots of a session stay. Pure.
import { SNAPSHOTS_KEPT } from "../contract/limits.ts";

export interface Retained {
  readonly sequence: number;
  readonly labelled: boolean;
  readonly damaged: boolean;
}

/**
 * Those to remove, of a session's snapshots newest first. Labelled ones stay until somebody deletes them. Damaged ones
 * are counted apart, so that they never push out one that can be restored.
 */
export function surplusOf(snapshots: readonly Retained[]): number[] {
  const automatic = snapshots.filter((snapshot) => !snapshot.labelled);
  const beyond = [true, false].flatMap((damaged) =>
    automatic.filter((snapshot) => snapshot.damaged === damaged).slice(SNAPSHOTS_KEPT.automatic),
  );
  return beyond.map((snapshot) => snapshot.sequence);
}

/** Whether a session with these may have another one with a label: it is refused, as none may go without being asked. */
export function hasRoomForLabel(snapshots: readonly Retained[]): boolean {
  return snapshots.filter((snapshot) => snapshot.labelled).length < SNAPSHOTS_KEPT.labelled;
}
