// What `GET /sessions/{id}` tells beside the record: deadlines, figures, and what happened to its container.
import type { Session, SessionInfo } from "../contract/session.ts";
import type { WorkspaceStats } from "../contract/supervisor.ts";
import type { Spent } from "../contract/usage.ts";
import type { SessionState, Timing } from "./state.ts";
import type { SessionStore } from "./store.ts";

export interface InfoParts {
  readonly view: Session;
  readonly state: SessionState;
  readonly timing: Timing;
  readonly lastActive: number;
  /** From the container; null where that is not to be asked, or does not answer. */
  readonly stats: WorkspaceStats | null;
  readonly damagedSnapshots: readonly string[];
  readonly store: SessionStore;
  readonly spent: Spent;
}

export function sessionInfo({
  view,
  state,
  timing,
  lastActive,
  stats,
  damagedSnapshots,
  store,
  spent,
}: InfoParts): SessionInfo {
  const saved = store.loadFact("saved");
  const lastLoss = store.loadFact("lastLoss");
  const lastRestore = store.loadFact("lastRestore");
  const asleep = view.state === "deep-sleep";
  // It may have fallen asleep since it was asked.
  const figures = asleep
    ? { filesCount: saved?.files ?? 0, diskUsed: saved?.sizeBytes ?? 0, activeProcesses: 0, memoryUsed: 0 }
    : (stats ?? { filesCount: null, diskUsed: null, activeProcesses: 0, memoryUsed: null });
  return {
    ...view,
    lastActive: isoTime(lastActive),
    filesCount: figures.filesCount,
    diskUsed: figures.diskUsed,
    activeProcesses: figures.activeProcesses,
    memoryUsed: figures.memoryUsed,
    idleAt: state.phase === "active" ? isoTime(lastActive + timing.idleAfterMs) : null,
    deepSleepAt: asleep ? null : isoTime(lastActive + timing.deepSleepAfterMs),
    spent,
    savedAt: saved === null ? null : isoTime(saved.at),
    damagedSnapshots: [...damagedSnapshots],
    lastLoss:
      lastLoss === null
        ? null
        : {
            at: isoTime(lastLoss.at),
            reason: lastLoss.reason,
            savedAt: lastLoss.savedAt === null ? null : isoTime(lastLoss.savedAt),
          },
    lastRestore:
      lastRestore === null
        ? null
        : {
            at: isoTime(lastRestore.at),
            snapshotId: lastRestore.snapshotId,
            passedOver: [...lastRestore.passedOver],
          },
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
