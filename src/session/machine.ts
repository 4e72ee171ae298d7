// What may happen to a session and when: (state, event, now) → (state, effects). Pure. What takes long is a state of its
// own, stored before it begins, so that a later alarm finishes it whatever interrupts it. A container is released only
// from `falling-asleep`, and only by `saved`: by then its files are stored and were read back. Nothing leads out of
// `deleting`.
import { GONE } from "./state.ts";
import type { Alive, Running, SessionState, Timing, Trying } from "./state.ts";

export type SessionEvent =
  /** `asleep`: it begins without a container, as a fork does, and as one does that gets its container on demand. */
  | { readonly type: "create"; readonly expiresAt: number; readonly asleep: boolean }
  | { readonly type: "extend"; readonly expiresAt: number }
  /** Its times were changed. */
  | { readonly type: "retime"; readonly lastActive: number }
  /** A call needs the container. */
  | { readonly type: "rouse" }
  /** A call ended that may have changed files. */
  | { readonly type: "changed" }
  /** `busy`: calls, streams or WebSockets are open. */
  | { readonly type: "alarm"; readonly lastActive: number; readonly busy: boolean }
  /** The user's processes are frozen, and nobody came meanwhile. */
  | { readonly type: "frozen"; readonly lastActive: number }
  /** What "save" began with is stored. `current`: nothing has changed since it began, and nothing runs that could. */
  | { readonly type: "stored"; readonly current: boolean }
  /**
   * Everything is stored and was read back; nothing has changed since, as all is frozen. `attempt` is the `retryAt` under
   * which it began: had the session been roused and put to sleep again meanwhile, this would be about another sleep.
   */
  | { readonly type: "saved"; readonly attempt: number }
  | { readonly type: "released" }
  /** The container ended unasked. */
  | { readonly type: "lost" }
  /** The container is to go although it is in use: what it held was saved. */
  | { readonly type: "replace" }
  /** A budget is spent: it has to sleep, although it is in use. What used it was ended. */
  | { readonly type: "exhausted" }
  /** Somebody wants it to sleep now. What used it was ended. */
  | { readonly type: "sleep" }
  | { readonly type: "delete" }
  /** Everything outside of the object's own storage is removed. */
  | { readonly type: "removed" };

/** Done in order, after the new state is stored. Each may be done twice. */
export type SessionEffect =
  /** Ask the platform to leave a running container be for KEEP_MS and more. */
  | "keep"
  /** Save what has changed, report `stored`. */
  | "save"
  /** Freeze the processes unless an execution runs, save, report `frozen`. */
  | "freeze"
  /** Save, read back, report `saved` with the state's `retryAt`. */
  | "fall-asleep"
  /** Destroy the container, report `released`. */
  | "release"
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
/** A session that is never quiet is saved all the same, after so many times `saveAfterMs`. */
const SAVE_AT_THE_LATEST = 5;

export function step(state: SessionState, event: SessionEvent, now: number, timing: Timing): Step {
  if (state.phase === "gone") {
    return event.type === "create" ? { state: born(event, now, timing), effects: [] } : unchanged(state);
  }
  if (state.phase === "deleting") {
    if (event.type === "removed") {
      return { state: GONE, effects: ["erase"] };
    }
    return event.type === "alarm" && now >= state.retryAt ? remove(state.attempts, now) : unchanged(state);
  }
  switch (event.type) {
    case "delete":
      return remove(0, now);
    case "extend":
      // An expired session stays expired, even when its alarm is late.
      return now < state.expiresAt
        ? { state: { ...state, expiresAt: event.expiresAt }, effects: [] }
        : unchanged(state);
    case "rouse":
      // What is being released is waited for first.
      return state.phase === "releasing" || state.phase === "active"
        ? unchanged(state)
        : { state: active(state, now, timing), effects: [] };
    case "lost":
      return { state: { phase: "asleep", expiresAt: state.expiresAt }, effects: [] };
    case "replace":
      return state.phase === "asleep" || state.phase === "releasing" ? unchanged(state) : release(state, 0, now);
    case "exhausted": {
      const { phase, expiresAt } = state;
      return phase === "active" || phase === "idle"
        ? fallAsleep({ expiresAt, keepAt: state.keepAt }, 0, now)
        : unchanged(state);
    }
    case "sleep":
      return state.phase === "active" || state.phase === "idle" || state.phase === "falling-asleep"
        ? fallAsleep(state, 0, now)
        : unchanged(state);
    case "alarm":
      return now >= state.expiresAt ? remove(0, now) : stepOnAlarm(state, event, now, timing);
    case "create":
    case "removed":
      return unchanged(state);
    case "changed":
    case "retime":
    case "frozen":
    case "stored":
    case "saved":
    case "released":
      break;
  }
  return stepAlive(state, event, now, timing);
}

type AliveState = Exclude<SessionState, { readonly phase: "gone" | "deleting" }>;
type AlarmEvent = SessionEvent & { readonly type: "alarm" };
type AliveEvent = SessionEvent & {
  readonly type: "changed" | "retime" | "frozen" | "stored" | "saved" | "released";
};

function stepAlive(state: AliveState, event: AliveEvent, now: number, timing: Timing): Step {
  switch (event.type) {
    case "changed":
      return state.phase === "active" ? { state: changed(state, now, timing), effects: [] } : unchanged(state);
    case "retime":
      return { state: retimed(state, event.lastActive, timing), effects: [] };
    case "stored":
      return state.phase === "active"
        ? { state: stored(state, event.current, now, timing), effects: [] }
        : unchanged(state);
    case "frozen": {
      if (state.phase !== "active") {
        return unchanged(state);
      }
      const { expiresAt, keepAt } = state;
      const sleepAt = Math.max(now, event.lastActive + timing.deepSleepAfterMs);
      return { state: { phase: "idle", expiresAt, keepAt, sleepAt }, effects: [] };
    }
    case "saved":
      return state.phase === "falling-asleep" && state.retryAt === event.attempt
        ? release(state, 0, now)
        : unchanged(state);
    case "released":
      break;
  }
  return state.phase === "releasing"
    ? { state: { phase: "asleep", expiresAt: state.expiresAt }, effects: [] }
    : unchanged(state);
}

function stepOnAlarm(state: AliveState, event: AlarmEvent, now: number, timing: Timing): Step {
  switch (state.phase) {
    case "active":
      return stepActive(state, event, now, timing);
    case "idle": {
      if (now >= state.sleepAt) {
        const { expiresAt, keepAt } = state;
        return fallAsleep({ expiresAt, keepAt }, 0, now);
      }
      return now >= state.keepAt ? { state: { ...state, keepAt: now + KEEP_MS }, effects: ["keep"] } : unchanged(state);
    }
    case "falling-asleep":
      return now >= state.retryAt ? fallAsleep(state, state.attempts, now) : unchanged(state);
    case "releasing":
      return now >= state.retryAt ? release(state, state.attempts, now) : unchanged(state);
    case "asleep":
      break;
  }
  return unchanged(state);
}

function stepActive(
  before: AliveState & { readonly phase: "active" },
  { lastActive, busy }: AlarmEvent,
  now: number,
  timing: Timing,
): Step {
  const effects: SessionEffect[] = [];
  let state = before;
  if (now >= state.keepAt) {
    state = { ...state, keepAt: now + KEEP_MS };
    effects.push("keep");
  }
  if (state.saveAt !== null && now >= state.saveAt) {
    const quietAt = lastActive + timing.saveAfterMs;
    const latest = (state.unsavedSince ?? now) + SAVE_AT_THE_LATEST * timing.saveAfterMs;
    const due = Math.min(busy ? now + timing.saveAfterMs : quietAt, latest);
    if (due <= now) {
      // Tried again unless it reports.
      state = { ...state, saveAt: now + Math.max(timing.saveAfterMs, RETRY_MS.first), unsavedSince: now };
      effects.push("save");
    } else {
      state = { ...state, saveAt: due };
    }
  }
  if (now >= state.idleAt) {
    const idleAt = lastActive + timing.idleAfterMs;
    const isIdle = !busy && idleAt <= now;
    // Looked at again in any case: the freeze may be refused, or never report.
    state = { ...state, idleAt: isIdle || busy ? now + timing.idleAfterMs : idleAt };
    if (isIdle) {
      effects.push("freeze");
    }
  }
  return { state, effects };
}

function born(event: SessionEvent & { readonly type: "create" }, now: number, timing: Timing): SessionState {
  const alive = { expiresAt: event.expiresAt };
  return event.asleep ? { phase: "asleep", ...alive } : active(alive, now, timing);
}

function active(alive: Alive, now: number, timing: Timing): SessionState {
  return {
    phase: "active",
    expiresAt: alive.expiresAt,
    keepAt: now + KEEP_MS,
    idleAt: now + timing.idleAfterMs,
    saveAt: null,
    unsavedSince: null,
  };
}

function changed(state: AliveState & { readonly phase: "active" }, now: number, timing: Timing): SessionState {
  return state.saveAt !== null
    ? state
    : { ...state, saveAt: now + timing.saveAfterMs, unsavedSince: state.unsavedSince ?? now };
}

/** What was changed meanwhile is no failure, so it is not waited for as long as after one. */
function stored(
  state: AliveState & { readonly phase: "active" },
  current: boolean,
  now: number,
  timing: Timing,
): SessionState {
  return current
    ? { ...state, saveAt: null, unsavedSince: null }
    : { ...state, saveAt: Math.min(state.saveAt ?? Infinity, now + timing.saveAfterMs) };
}

function retimed(state: AliveState, lastActive: number, timing: Timing): SessionState {
  switch (state.phase) {
    case "active":
      return { ...state, idleAt: lastActive + timing.idleAfterMs };
    case "idle":
      return { ...state, sleepAt: lastActive + timing.deepSleepAfterMs };
    case "falling-asleep":
    case "releasing":
    case "asleep":
      break;
  }
  return state;
}

function fallAsleep({ expiresAt, keepAt }: Running, attempts: number, now: number): Step {
  return {
    state: { phase: "falling-asleep", expiresAt, keepAt: Math.max(keepAt, now + KEEP_MS), ...trying(attempts, now) },
    effects: ["keep", "fall-asleep"],
  };
}

function release({ expiresAt }: Alive, attempts: number, now: number): Step {
  return { state: { phase: "releasing", expiresAt, ...trying(attempts, now) }, effects: ["release"] };
}

function remove(attempts: number, now: number): Step {
  return { state: { phase: "deleting", ...trying(attempts, now) }, effects: ["remove"] };
}

function trying(attempts: number, now: number): Trying {
  return { attempts: attempts + 1, retryAt: now + Math.min(RETRY_MS.first * 2 ** attempts, RETRY_MS.most) };
}

function unchanged(state: SessionState): Step {
  return { state, effects: [] };
}
