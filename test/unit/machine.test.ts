import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { step } from "../../src/session/machine.ts";
import { deadlinesOf, GONE, isAlive, visibleState } from "../../src/session/state.ts";
import type { SessionEffect, SessionEvent } from "../../src/session/machine.ts";
import type { SessionState, Timing } from "../../src/session/state.ts";
import { earliest } from "../../src/lib/deadlines.ts";

const timing: Timing = { idleAfterMs: 300_000, deepSleepAfterMs: 1_800_000, saveAfterMs: 20_000 };
const DAY = 86_400_000;

const quiet = (lastActive: number): SessionEvent => ({ type: "alarm", lastActive, busy: false });
const busy = (lastActive: number): SessionEvent => ({ type: "alarm", lastActive, busy: true });

function created(at = 0, expiresAt = 7 * DAY): SessionState {
  return step(GONE, { type: "create", expiresAt, asleep: false }, at, timing).state;
}

/** Applies events in order; the states on the way and all effects. */
function play(
  start: SessionState,
  events: readonly (readonly [SessionEvent, number])[],
): { readonly state: SessionState; readonly effects: readonly SessionEffect[] } {
  let state = start;
  const effects: SessionEffect[] = [];
  for (const [event, now] of events) {
    const next = step(state, event, now, timing);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
}

/** A session whose processes were frozen at 300 s, last used at 0. */
const idle = play(created(), [
  [quiet(0), 300_000],
  [{ type: "frozen", lastActive: 0 }, 300_000],
]).state;

function fallingAsleep(): SessionState & { readonly phase: "falling-asleep" } {
  const { state } = step(idle, quiet(0), 1_800_000, timing);
  if (state.phase !== "falling-asleep") throw new Error(`it is ${state.phase}`);
  return state;
}

describe("a session", () => {
  it("lives until its time is up, whatever it is doing", () => {
    for (const state of [created(0, 1000), { ...idle, expiresAt: 1000 }, { ...fallingAsleep(), expiresAt: 1000 }]) {
      expect(isAlive(state, 999)).toBe(true);
      expect(isAlive(state, 1000)).toBe(false);
      expect(step(state, quiet(0), 1000, timing)).toMatchObject({ state: { phase: "deleting" }, effects: ["remove"] });
    }
  });

  it("whose budget is spent is saved and released, whether it is in use or not", () => {
    for (const state of [created(), idle]) {
      const sleeping = step(state, { type: "exhausted" }, 1000, timing);
      expect(sleeping).toMatchObject({ state: { phase: "falling-asleep" }, effects: ["keep", "fall-asleep"] });
    }
    const asleep = step(created(), { type: "lost" }, 1000, timing).state;
    expect(step(asleep, { type: "exhausted" }, 2000, timing)).toEqual({ state: asleep, effects: [] });
  });

  it("that is put to sleep is saved and released, and one that failed to be begins anew", () => {
    for (const state of [created(), idle, { ...fallingAsleep(), attempts: 5 }]) {
      const sleeping = step(state, { type: "sleep" }, 1000, timing);
      expect(sleeping).toMatchObject({
        state: { phase: "falling-asleep", attempts: 1, retryAt: 11_000 },
        effects: ["keep", "fall-asleep"],
      });
    }
    const asleep = step(created(), { type: "lost" }, 1000, timing).state;
    expect(step(asleep, { type: "sleep" }, 2000, timing)).toEqual({ state: asleep, effects: [] });
  });

  it("can be given more time, but not once it has expired", () => {
    const session = created(0, 1000);
    expect(step(session, { type: "extend", expiresAt: 5000 }, 500, timing).state).toEqual({
      ...session,
      expiresAt: 5000,
    });
    expect(step(session, { type: "extend", expiresAt: 5000 }, 1000, timing).state).toEqual(session);
  });

  it("is frozen after five quiet minutes, and saved and released after thirty", () => {
    expect(step(created(), quiet(0), 299_999, timing).effects).toEqual([]);
    expect(step(created(), quiet(0), 300_000, timing).effects).toEqual(["freeze"]);
    expect(visibleState(idle)).toBe("idle");
    expect(deadlinesOf(idle).sleep).toBe(1_800_000);
    expect(step(idle, quiet(0), 1_799_999, timing).effects).toEqual([]);
    const sleeping = fallingAsleep();
    const saved = step(sleeping, { type: "saved", attempt: sleeping.retryAt }, 1_800_100, timing);
    expect(saved).toMatchObject({ state: { phase: "releasing" }, effects: ["release"] });
    const asleep = step(saved.state, { type: "released" }, 1_800_200, timing).state;
    expect(visibleState(asleep)).toBe("deep-sleep");
    expect(deadlinesOf(asleep)).toEqual({ expiry: 7 * DAY });
  });

  it("counts five minutes from the last activity, and none while something is open", () => {
    const later = step(created(), quiet(200_000), 300_000, timing);
    expect(later.effects).toEqual([]);
    expect(deadlinesOf(later.state).idle).toBe(500_000);
    const open = step(created(), busy(0), 300_000, timing);
    expect(open.effects).toEqual([]);
    expect(deadlinesOf(open.state).idle).toBe(600_000);
  });

  it("stays as it is where the freeze is refused, and tries again", () => {
    const { state } = step(created(), quiet(0), 300_000, timing);
    expect(visibleState(state)).toBe("active");
    expect(deadlinesOf(state).idle).toBe(600_000);
  });

  it("is active again with the first call that needs its container", () => {
    for (const state of [idle, fallingAsleep(), { phase: "asleep", expiresAt: DAY } as const]) {
      expect(step(state, { type: "rouse" }, 2_000_000, timing).state).toMatchObject({ phase: "active" });
    }
  });

  it("that begins without a container has nothing to be done until a call needs one", () => {
    const { state, effects } = step(GONE, { type: "create", expiresAt: DAY, asleep: true }, 0, timing);
    expect([visibleState(state), effects, deadlinesOf(state)]).toEqual(["deep-sleep", [], { expiry: DAY }]);
    expect(step(state, { type: "rouse" }, 1000, timing)).toEqual({ state: created(1000, DAY), effects: [] });
  });

  it("is not released by a save that belongs to an earlier sleep", () => {
    const before = fallingAsleep();
    const again = play(before, [
      [{ type: "rouse" }, 1_800_001],
      [quiet(1_800_001), 2_100_001],
      [{ type: "frozen", lastActive: 1_800_001 }, 2_100_001],
      [quiet(1_800_001), 3_600_001],
    ]).state;
    expect(again.phase).toBe("falling-asleep");
    expect(step(again, { type: "saved", attempt: before.retryAt }, 3_600_002, timing)).toEqual({
      state: again,
      effects: [],
    });
  });

  it("is saved once it was quiet for twenty seconds, and at the latest after a hundred", () => {
    const changed = step(created(), { type: "changed" }, 1000, timing).state;
    expect(deadlinesOf(changed).save).toBe(21_000);
    expect(step(changed, quiet(1000), 21_000, timing).effects).toEqual(["save"]);
    let state = changed;
    for (let now = 21_000; now < 101_000; now += 5000) {
      const next = step(state, quiet(now - 1000), now, timing);
      expect(next.effects).toEqual([]);
      ({ state } = next);
    }
    expect(step(state, busy(101_000), 101_000, timing).effects).toEqual(["save"]);
  });

  it("is saved again until that has worked, and again where something changed meanwhile", () => {
    const saving = step(step(created(), { type: "changed" }, 0, timing).state, quiet(0), 20_000, timing).state;
    expect(deadlinesOf(saving).save).toBe(40_000);
    expect(step(saving, { type: "stored", current: false }, 20_100, timing).state).toEqual(saving);
    const quick = { ...timing, saveAfterMs: 1000 };
    expect(deadlinesOf(step(saving, { type: "stored", current: false }, 20_100, quick).state).save).toBe(21_100);
    expect(deadlinesOf(step(saving, { type: "stored", current: true }, 20_100, timing).state).save).toBeUndefined();
  });

  it("sleeps when its container is lost, and the next call wakes it", () => {
    for (const state of [created(), idle, fallingAsleep()]) {
      const lost = step(state, { type: "lost" }, 100, timing).state;
      expect(visibleState(lost)).toBe("deep-sleep");
      expect(step(lost, { type: "rouse" }, 200, timing).state.phase).toBe("active");
    }
  });

  it("follows new times at once", () => {
    const short = { ...timing, idleAfterMs: 1000, deepSleepAfterMs: 2000 };
    expect(deadlinesOf(step(created(), { type: "retime", lastActive: 500 }, 600, short).state).idle).toBe(1500);
    expect(deadlinesOf(step(idle, { type: "retime", lastActive: 500 }, 600, short).state).sleep).toBe(2500);
  });

  it("asks the platform in time, over and over, to leave its container be", () => {
    let state = created();
    let last = 0;
    for (let asked = 0; asked < 20;) {
      const due = earliest(deadlinesOf(state)) ?? 0;
      const next = step(state, busy(due), due, timing);
      ({ state } = next);
      if (next.effects.includes("keep")) {
        expect(due - last).toBeLessThan(6 * 3_600_000);
        last = due;
        asked++;
      }
    }
  });

  it("is removed again and again, ever less often, until that has worked", () => {
    let { state, effects } = step(created(), { type: "delete" }, 0, timing);
    let before = 0;
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(effects).toEqual(["remove"]);
      const due = earliest(deadlinesOf(state)) ?? 0;
      expect(due).toBeGreaterThan(before);
      expect(step(state, quiet(0), due - 1, timing).effects).toEqual([]);
      before = due;
      ({ state, effects } = step(state, quiet(0), due, timing));
    }
    expect(step(state, { type: "removed" }, before, timing)).toEqual({ state: GONE, effects: ["erase"] });
  });
});

const time = fc.integer({ min: 0, max: 10_000_000 });
const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({ type: fc.constant("create" as const), expiresAt: time, asleep: fc.boolean() }),
  fc.record({ type: fc.constant("extend" as const), expiresAt: time }),
  fc.record({ type: fc.constant("retime" as const), lastActive: time }),
  fc.record({ type: fc.constant("alarm" as const), lastActive: time, busy: fc.boolean() }),
  fc.record({ type: fc.constant("frozen" as const), lastActive: time }),
  fc.record({ type: fc.constant("stored" as const), current: fc.boolean() }),
  fc.record({ type: fc.constant("saved" as const), attempt: time }),
  ...(["rouse", "changed", "released", "lost", "replace", "exhausted", "sleep", "delete", "removed"] as const).map(
    (type) => fc.constant({ type }),
  ),
);
/** Events in any order, any number of times, with a clock that may jump both ways. */
const history = fc.array(fc.tuple(event, time), { maxLength: 60 });

describe("in any order of events, with duplicates, crashes and a clock that jumps", () => {
  it("a state survives being stored", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { state } = play(GONE, events);
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      }),
    );
  });

  it("what is deleted or expired never comes back before it is removed without a trace", () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const deleting = step(
          play(GONE, [[{ type: "create", expiresAt: 5, asleep: false }, 0], ...before]).state,
          quiet(0),
          10_000_001,
          timing,
        );
        fc.pre(deleting.state.phase === "deleting");
        for (const [, { state }] of steps(deleting.state, after)) {
          if (state.phase === "gone") return;
          expect(state.phase).toBe("deleting");
          expect(isAlive(state, 0)).toBe(false);
        }
      }),
    );
  });

  it("a container is released only when it was saved in this very sleep, or when its release was asked for", () => {
    fc.assert(
      fc.property(history, (events) => {
        for (const [happened, { before, effects }] of steps(GONE, events)) {
          if (!effects.includes("release")) continue;
          const saved =
            happened.type === "saved" && before.phase === "falling-asleep" && before.retryAt === happened.attempt;
          expect(saved || happened.type === "replace" || before.phase === "releasing").toBe(true);
        }
      }),
    );
  });

  it("one that begins without a container stays so, and nothing is done for it but its removal, until a call needs one", () => {
    fc.assert(
      fc.property(history, (events) => {
        const asleep = step(GONE, { type: "create", expiresAt: 5_000_000, asleep: true }, 0, timing).state;
        const uncalled = events.filter(([{ type }]) => type !== "rouse");
        for (const [, { state, effects }] of steps(asleep, uncalled)) {
          if (state.phase === "gone") return;
          expect(["asleep", "deleting"]).toContain(state.phase);
          expect(effects.filter((effect) => effect !== "remove")).toEqual([]);
        }
      }),
    );
  });

  it("nothing is frozen or put to sleep while something is open, and a call always ends up with an active session", () => {
    fc.assert(
      fc.property(history, time, (events, now) => {
        for (const [happened, { effects }] of steps(GONE, events)) {
          if (happened.type === "alarm" && happened.busy) expect(effects).not.toContain("freeze");
        }
        const { state } = play(GONE, events);
        if (state.phase === "gone" || state.phase === "deleting") return;
        const roused = step(state, { type: "rouse" }, now, timing).state;
        const awake = step(roused, { type: "released" }, now, timing).state;
        expect(step(awake, { type: "rouse" }, now, timing).state.phase).toBe("active");
      }),
    );
  });

  it("there is always a deadline that brings a living or dying session on", () => {
    fc.assert(
      fc.property(history, (events) => {
        const { state } = play(GONE, events);
        expect(earliest(deadlinesOf(state)) === null).toBe(state.phase === "gone");
      }),
    );
  });

  it("left alone, a session is asleep in the end, saved on its way, and then gone", () => {
    fc.assert(
      fc.property(history, (events) => {
        let { state } = play(GONE, [...events, [{ type: "extend", expiresAt: 10 * DAY }, 0]]);
        fc.pre(state.phase !== "gone" && state.phase !== "deleting");
        let now = 10_000_000;
        for (let rounds = 0; state.phase !== "gone"; rounds++) {
          expect(rounds).toBeLessThan(500);
          now = Math.max(now, earliest(deadlinesOf(state)) ?? now);
          const next = step(state, quiet(0), now, timing);
          ({ state } = next);
          for (const effect of next.effects) state = step(state, report(effect, state), now, timing).state;
        }
      }),
    );
  });
});

/** What an effect reports when all goes well. */
function report(effect: SessionEffect, state: SessionState): SessionEvent {
  switch (effect) {
    case "save":
      return { type: "stored", current: true };
    case "freeze":
      return { type: "frozen", lastActive: 0 };
    case "fall-asleep":
      return { type: "saved", attempt: state.phase === "falling-asleep" ? state.retryAt : 0 };
    case "release":
      return { type: "released" };
    case "remove":
      return { type: "removed" };
    case "keep":
    case "erase":
      break;
  }
  return quiet(0);
}

function* steps(
  start: SessionState,
  events: readonly (readonly [SessionEvent, number])[],
): Generator<[SessionEvent, { before: SessionState; state: SessionState; effects: readonly SessionEffect[] }]> {
  let before = start;
  for (const [happened, now] of events) {
    const { state, effects } = step(before, happened, now, timing);
    yield [happened, { before, state, effects }];
    before = state;
  }
}
