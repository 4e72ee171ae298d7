// What to do with a call that has an idempotency key: (what is known of the key, the call, now) → step. Pure.
import { IDEMPOTENCY_KEPT_MS } from "../contract/limits.ts";

export interface KnownKey {
  readonly fingerprint: string;
  readonly startedAt: number;
  readonly answered: boolean;
}

export type KeyStep =
  /** The key is new, or was last used so long ago that it counts as new. */
  | "first"
  /** It was used for something else. */
  | "conflict"
  | "replay"
  /** A call with it is running. */
  | "wait"
  /** A call with it was lost before its answer was kept. */
  | "again";

/** `heldUntil`: a call holds the key, and is taken for lost at that time. */
export function stepOf(known: KnownKey | null, heldUntil: number | null, fingerprint: string, now: number): KeyStep {
  const held = heldUntil !== null && now < heldUntil;
  if (known === null || (!held && now >= known.startedAt + IDEMPOTENCY_KEPT_MS)) {
    return "first";
  }
  if (known.fingerprint !== fingerprint) {
    return "conflict";
  }
  if (known.answered) {
    return "replay";
  }
  return held ? "wait" : "again";
}
