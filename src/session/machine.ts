// What may happen to a session and when: (state, event, now) → (state, effects). Pure. Deletion is a state of its own, so
// that it is finished by a later alarm whatever interrupts it; nothing leads back out of it.
import type { Deadlines } from "./timers.ts";

export type SessionState =
  /** Never created here, or removed without a trace. */
  | { readonly phase: "gone" }
  | {
      readonly phase: "active";
      readonly expiresAt: number;
      /** When the platform has to be asked again not to take the container away. */
      readonly keepAt: number;
    }
  /** To everybody already gone; what it holds is being removed. `attempts` counts those begun. */
  | { readonly phase: "deleting"; readonly attempts: number; readonly retryAt: number };

export type SessionEvent =
  | { readonly type: "create"; readonly expiresAt: number }
  | { readonly type: "extend"; readonly expiresAt: number }
  | { readonly type: "delete" }
  | { readonly type: "alarm" }
  /** Everything outside of the object's own storage is removed. */
  | { readonly type: "removed" };

/** Done in order, after the new state is stored. Each may be done twice. */
type SessionEffect =
  /** Ask the platform to leave a running container be for KEEP_MS and more. */
  | "keep"
  /** Remove container, directory entry, snapshots and index entry, then report `removed`. */
  | "remove"
  /** Erase the object's own storage. */
  | "erase";

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** The platform forgets a container's inactivity time-out after six hours at the most. */
const KEEP_MS = 5 * 60 * 60 * 1000;
const RETRY_MS = { first: 10_000, most: 600_000 } as const;

export const GONE: SessionState = { phase: "gone" };

export function step(state: SessionState, event: SessionEvent, now: number): Step {
  switch (state.phase) {
    case "gone":
      return event.type === "create"
        ? { state: { phase: "active", expiresAt: event.expiresAt, keepAt: now + KEEP_MS }, effects: [] }
        : unchanged(state);
    case "active":
      return stepActive(state, event, now);
    case "deleting":
      break;
  }
  if (event.type === "removed") {
    return { state: GONE, effects: ["erase"] };
  }
  return event.type === "alarm" && now >= state.retryAt ? remove(state.attempts, now) : unchanged(state);
}

function stepActive(state: SessionState & { readonly phase: "active" }, event: SessionEvent, now: number): Step {
  switch (event.type) {
    case "extend":
      // An expired session stays expired, even when its alarm is late.
      return now < state.expiresAt
        ? { state: { ...state, expiresAt: event.expiresAt }, effects: [] }
        : unchanged(state);
    case "delete":
      return remove(0, now);
    case "alarm":
      if (now >= state.expiresAt) {
        return remove(0, now);
      }
      return now >= state.keepAt ? { state: { ...state, keepAt: now + KEEP_MS }, effects: ["keep"] } : unchanged(state);
    case "create":
    case "removed":
      break;
  }
  return unchanged(state);
}

function remove(attempts: number, now: number): Step {
  const delay = Math.min(RETRY_MS.first * 2 ** attempts, RETRY_MS.most);
  return { state: { phase: "deleting", attempts: attempts + 1, retryAt: now + delay }, effects: ["remove"] };
}

function unchanged(state: SessionState): Step {
  return { state, effects: [] };
}

/** Whether a client may see it. */
export function isAlive(state: SessionState, now: number): boolean {
  return state.phase === "active" && now < state.expiresAt;
}

/** When the object has to be woken, by name. */
export function deadlinesOf(state: SessionState): Deadlines {
  switch (state.phase) {
    case "gone":
      return {};
    case "active":
      return { expiry: state.expiresAt, keep: state.keepAt };
    case "deleting":
      break;
  }
  return { retry: state.retryAt };
}
