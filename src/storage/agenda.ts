// When a repository has to be woken, and for what. Pure.
import { earliest } from "../lib/deadlines.ts";

/** How long an upload may take. */
export const GRACE_MS = 3_600_000;
/** Sweeps of a repository; sooner after an upload that was given up. */
export const SWEEP_EVERY_MS = 7 * 86_400_000;
/** Before an object is read back unasked: most automatic snapshots are gone by then. */
export const FIRST_CHECK_MS = 600_000;
/** Between two readings of an object. */
export const CHECK_AGAIN_MS = 7 * 86_400_000;
/** Between two portions of background work. */
const PACE_MS = 5000;
/** After a failure, doubled with each further one. */
const RETRY_MS = { first: 30_000, most: 3_600_000 } as const;

export interface Agenda {
  /** There is something to delete or to erase, which was tried just now. */
  readonly removable: boolean;
  /** When the upload that is longest under way began. */
  readonly oldestPin: number | null;
  readonly nextCheckAt: number | null;
  readonly sweepAt: number | null;
  /** Failures of background work in a row. */
  readonly failures: number;
}

/** The time to set the alarm to; null where there is nothing to do. */
export function nextAlarm(agenda: Agenda, now: number): number | null {
  const { removable, oldestPin, nextCheckAt, sweepAt, failures } = agenda;
  const due = earliest({
    ...(removable ? { removal: now + PACE_MS } : {}),
    ...(oldestPin === null ? {} : { pinExpiry: oldestPin + GRACE_MS }),
    ...(nextCheckAt === null ? {} : { check: Math.max(nextCheckAt, now + PACE_MS) }),
    ...(sweepAt === null ? {} : { sweep: sweepAt }),
  });
  const retryMs = failures === 0 ? 0 : Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** (failures - 1));
  return due === null ? null : Math.max(due, now + retryMs);
}
