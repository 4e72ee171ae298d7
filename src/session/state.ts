// What a session can be, what a client sees of that, and when it has to be looked at again. Pure.
import type { Session } from "../contract/session.ts";
import type { Deadlines } from "./timers.ts";

/** Operator settings, or the session's own. Milliseconds. */
export interface Timing {
  readonly idleAfterMs: number;
  readonly deepSleepAfterMs: number;
  readonly saveAfterMs: number;
}

export interface Alive {
  readonly expiresAt: number;
}

export interface Running extends Alive {
  /** When the platform has to be asked again not to take the container away. */
  readonly keepAt: number;
}

export interface Trying {
  /** Attempts begun. */
  readonly attempts: number;
  readonly retryAt: number;
}

export type SessionState =
  /** Never created here, or removed without a trace. */
  | { readonly phase: "gone" }
  /** In use. Its container may be starting, or start with the next call. */
  | (Running & {
      readonly phase: "active";
      /** When to look whether it is idle. */
      readonly idleAt: number;
      /** When to look whether to save it; null: nothing has changed since it was saved. */
      readonly saveAt: number | null;
      /** Since when something is unsaved. */
      readonly unsavedSince: number | null;
    })
  /** Its processes are frozen. */
  | (Running & { readonly phase: "idle"; readonly sleepAt: number })
  /** Frozen, and being saved so that its container can go. */
  | (Running & Trying & { readonly phase: "falling-asleep" })
  /** Saved; its container is being released. */
  | (Alive & Trying & { readonly phase: "releasing" })
  /** It has no container: its files are in the newest snapshot. Without a snapshot it has none. */
  | (Alive & { readonly phase: "asleep" })
  /** To everybody already gone; what it holds is being removed. */
  | (Trying & { readonly phase: "deleting" });

export const GONE: SessionState = { phase: "gone" };

/** Whether a client may see it. */
export function isAlive(state: SessionState, now: number): boolean {
  return state.phase !== "gone" && state.phase !== "deleting" && now < state.expiresAt;
}

/** What a client is told that it is. */
export function visibleState(state: SessionState): Session["state"] {
  switch (state.phase) {
    case "idle":
    case "falling-asleep":
      return "idle";
    case "releasing":
    case "asleep":
      return "deep-sleep";
    case "active":
    case "deleting":
    case "gone":
      break;
  }
  return "active";
}

/** When the object has to be woken, by name. */
export function deadlinesOf(state: SessionState): Deadlines {
  switch (state.phase) {
    case "gone":
      return {};
    case "active":
      return {
        expiry: state.expiresAt,
        keep: state.keepAt,
        idle: state.idleAt,
        ...(state.saveAt === null ? {} : { save: state.saveAt }),
      };
    case "idle":
      return { expiry: state.expiresAt, keep: state.keepAt, sleep: state.sleepAt };
    case "falling-asleep":
    case "releasing":
      return { expiry: state.expiresAt, retry: state.retryAt };
    case "asleep":
      return { expiry: state.expiresAt };
    case "deleting":
      break;
  }
  return { retry: state.retryAt };
}
