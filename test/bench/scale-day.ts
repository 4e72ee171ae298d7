// One day of one session, counted: the platform's own machine decides what happens, here everything that it asks for
// succeeds at once. What each of these things costs in calls and rows was counted in the code that does it.
import { earliest } from "../../src/lib/deadlines.ts";
import { step } from "../../src/session/machine.ts";
import type { SessionEffect, SessionEvent } from "../../src/session/machine.ts";
import { deadlinesOf, GONE, visibleState } from "../../src/session/state.ts";
import type { SessionState, Timing } from "../../src/session/state.ts";

export interface Counts {
  /** Of the API. */
  calls: number;
  alarms: number;
  saves: number;
  sleeps: number;
  wakes: number;
  /** Requests to objects: sessions, accounts, repositories; alarms count as such. */
  objectRequests: number;
  rowsWritten: number;
  classA: number;
  classB: number;
  /** Seconds during which the container runs, and of these, those in which it does something. */
  containerSeconds: number;
  busySeconds: number;
  /** Seconds for which the session's object is in memory. */
  objectSeconds: number;
}

export interface Workspace {
  /** Compressed. */
  readonly bytes: number;
  /** Packs and the root that one snapshot needs. */
  readonly objects: number;
}

const DAY_MS = 86_400_000;
/** How long one call takes, on average: an agent waits for a program once in a while. */
const CALL_MS = 2000;
/** What the platform waits for the end of a container keeps the object in memory so long at the most. */
const MONITOR_MS = 900_000;
const PACK_BYTES = 4 * 1024 * 1024;
/** A pack with contents, one with the manifest's changed parts, the root. */
const NEW_OBJECTS = 3;

/** Rows as they are billed, indexes and alarms included; of the repository's tables as `rowsWritten` told them. */
const ROWS = {
  /** The state; the alarm where it moves; the account's note of what is visible. */
  step: 1,
  alarm: 1,
  note: 1,
  /** The run, twice; what it was restored from. */
  wake: 6,
  /** The run forgotten; what had run. */
  release: 3,
  /** Pin and unpin, the repository's alarm, what the session knows of it. */
  save: 6,
  /** Made and removed. */
  snapshot: 4,
  /** Made, read back, unneeded, doomed, forgotten, deleted. */
  object: 9,
  /** That a snapshot needs an object: made and removed. */
  need: 3,
} as const;

export function workspaceOf(bytes: number): Workspace {
  // Later changes lie in small packs, which are made one now and then: half of the 64 that may be, on average.
  return { bytes, objects: Math.ceil(bytes / PACK_BYTES) + 32 + 1 };
}

/** `calls`: when they come, in order, in milliseconds of the day. Half of them change a file. */
export function simulateDay(calls: readonly number[], workspace: Workspace, timing: Timing): Counts {
  const day = new Day(workspace, timing);
  for (const [index, at] of calls.entries()) {
    day.until(at);
    day.call(at, { changes: index % 2 === 0 });
  }
  day.until(DAY_MS);
  return day.counts;
}

class Day {
  readonly counts: Counts = {
    calls: 0,
    alarms: 0,
    saves: 0,
    sleeps: 0,
    wakes: 0,
    objectRequests: 0,
    rowsWritten: 0,
    classA: 0,
    classB: 0,
    containerSeconds: 0,
    busySeconds: 0,
    objectSeconds: 0,
  };
  readonly #workspace: Workspace;
  readonly #timing: Timing;
  #state: SessionState = GONE;
  #lastActive = 0;
  #unsaved = false;
  #startedAt: number | null = null;
  #alarmAt: number | null = null;
  #inMemoryUntil = 0;

  constructor(workspace: Workspace, timing: Timing) {
    this.#workspace = workspace;
    this.#timing = timing;
    // It was there before, asleep.
    this.#apply({ type: "create", expiresAt: 7 * DAY_MS, asleep: true }, 0);
    this.#alarmAt = earliest(deadlinesOf(this.#state));
  }

  /** Alarms that come before `at`. */
  until(at: number): void {
    while (this.#alarmAt !== null && this.#alarmAt <= at) {
      const now = this.#alarmAt;
      this.#alarmAt = null;
      this.counts.alarms++;
      this.counts.objectRequests++;
      this.#apply({ type: "alarm", lastActive: this.#lastActive, busy: false }, now);
    }
    if (at === DAY_MS) this.#stop(at);
  }

  call(at: number, { changes }: { readonly changes: boolean }): void {
    this.counts.calls++;
    // The session, and its account for the rate limit.
    this.counts.objectRequests += 2;
    this.counts.busySeconds += CALL_MS / 1000;
    if (visibleState(this.#state) === "deep-sleep") this.#wake(at);
    if (this.#state.phase !== "active") this.#apply({ type: "rouse" }, at);
    this.#lastActive = at + CALL_MS;
    this.#keepInMemory(at, at + CALL_MS);
    if (!changes) return;
    this.#unsaved = true;
    if (this.#state.phase === "active" && this.#state.saveAt === null) this.#apply({ type: "changed" }, at + CALL_MS);
  }

  #wake(at: number): void {
    this.counts.wakes++;
    this.#startedAt = at;
    this.counts.objectRequests++;
    this.counts.rowsWritten += ROWS.wake;
    // The root, some runs of segments, and every pack.
    this.counts.classB += this.#workspace.objects + 3;
  }

  #stop(at: number): void {
    if (this.#startedAt === null) return;
    this.counts.containerSeconds += (at - this.#startedAt) / 1000;
    this.#startedAt = null;
  }

  #apply(event: SessionEvent, now: number): void {
    const before = visibleState(this.#state);
    const { state, effects } = step(this.#state, event, now, this.#timing);
    this.#state = state;
    this.counts.rowsWritten += ROWS.step;
    const alarm = earliest(deadlinesOf(state));
    if (alarm !== null && alarm !== this.#alarmAt) {
      this.#alarmAt = alarm;
      this.counts.rowsWritten += ROWS.alarm;
    }
    if (visibleState(state) !== before) {
      this.counts.objectRequests++;
      this.counts.rowsWritten += ROWS.note;
    }
    if (state.phase === "active") this.#keepInMemory(now, this.#alarmAt ?? now);
    for (const effect of effects) {
      const report = this.#do(effect, now);
      if (report !== null) this.#apply(report, now);
    }
  }

  #do(effect: SessionEffect, now: number): SessionEvent | null {
    switch (effect) {
      case "save":
        this.#save();
        return { type: "stored", current: true };
      case "freeze":
        this.#save();
        this.#keepInMemory(now, now + MONITOR_MS);
        return { type: "frozen", lastActive: this.#lastActive };
      case "fall-asleep":
        this.#save();
        // What was not read back yet.
        this.counts.classB += NEW_OBJECTS;
        this.counts.sleeps++;
        return this.#state.phase === "falling-asleep" ? { type: "saved", attempt: this.#state.retryAt } : null;
      case "release":
        this.#stop(now);
        this.counts.rowsWritten += ROWS.release;
        return { type: "released" };
      case "keep":
      case "remove":
      case "erase":
        break;
    }
    return null;
  }

  #save(): void {
    // begin, damagedObjects, commit, giveUp
    this.counts.objectRequests += 4;
    this.counts.rowsWritten += ROWS.save;
    if (!this.#unsaved) return;
    this.#unsaved = false;
    this.counts.saves++;
    this.counts.classA += NEW_OBJECTS;
    // Each is looked for before the commit.
    this.counts.classB += NEW_OBJECTS;
    this.counts.rowsWritten += ROWS.snapshot + NEW_OBJECTS * ROWS.object + this.#workspace.objects * ROWS.need;
  }

  #keepInMemory(from: number, to: number): void {
    this.counts.objectSeconds += Math.max(0, Math.min(to, DAY_MS) - Math.max(from, this.#inMemoryUntil)) / 1000;
    this.#inMemoryUntil = Math.max(this.#inMemoryUntil, Math.min(to, DAY_MS));
  }
}
