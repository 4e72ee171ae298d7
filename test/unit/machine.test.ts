import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadlinesOf, GONE, isAlive, step } from "../../src/session/machine.ts";
import type { SessionEvent, SessionState } from "../../src/session/machine.ts";
import { earliest } from "../../src/session/timers.ts";

const time = fc.integer({ min: 0, max: 10_000_000 });
const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({ type: fc.constant("create" as const), expiresAt: time }),
  fc.record({ type: fc.constant("extend" as const), expiresAt: time }),
  fc.constant({ type: "delete" } as const),
  fc.constant({ type: "alarm" } as const),
  fc.constant({ type: "removed" } as const),
);
/** Events in any order, any number of times, with a clock that may jump both ways. */
const history = fc.array(fc.tuple(event, time), { maxLength: 40 });

function run(events: readonly (readonly [SessionEvent, number])[]): SessionState {
  return events.reduce<SessionState>((state, [happened, now]) => step(state, happened, now).state, GONE);
}

const active: SessionState = { phase: "active", expiresAt: 1000, keepAt: 10_000 };

describe("a session", () => {
  it("lives until its time is up", () => {
    expect(isAlive(active, 999)).toBe(true);
    expect(isAlive(active, 1000)).toBe(false);
    expect(step(active, { type: "alarm" }, 999)).toEqual({ state: active, effects: [] });
    expect(step(active, { type: "alarm" }, 1000)).toMatchObject({ state: { phase: "deleting" }, effects: ["remove"] });
  });

  it("can be given more time, but not once it has expired", () => {
    expect(step(active, { type: "extend", expiresAt: 5000 }, 500).state).toEqual({ ...active, expiresAt: 5000 });
    expect(step(active, { type: "extend", expiresAt: 5000 }, 1000).state).toEqual(active);
  });

  it("asks the platform in time, over and over, to leave its container be", () => {
    let { state } = step(GONE, { type: "create", expiresAt: 7 * 86_400_000 }, 0);
    let last = 0;
    for (let asked = 0; asked < 20; asked++) {
      const due = earliest(deadlinesOf(state)) ?? 0;
      expect(due - last).toBeLessThan(6 * 3_600_000);
      const next = step(state, { type: "alarm" }, due);
      expect(next.effects).toEqual(["keep"]);
      ({ state } = next);
      last = due;
    }
  });

  it("is removed again and again, ever less often, until that has worked", () => {
    let { state, effects } = step(active, { type: "delete" }, 0);
    let before = 0;
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(effects).toEqual(["remove"]);
      const due = earliest(deadlinesOf(state)) ?? 0;
      expect(due).toBeGreaterThan(before);
      expect(step(state, { type: "alarm" }, due - 1).effects).toEqual([]);
      before = due;
      ({ state, effects } = step(state, { type: "alarm" }, due));
    }
    expect(step(state, { type: "removed" }, before)).toEqual({ state: GONE, effects: ["erase"] });
  });

  it("that is being deleted is seen by nobody and never comes back, whatever happens", () => {
    fc.assert(
      fc.property(history, history, time, (before, after, now) => {
        const deleting = step(run(before), { type: "delete" }, now).state;
        fc.pre(deleting.phase === "deleting");
        let state: SessionState = deleting;
        for (const [happened, at] of after) {
          state = step(state, happened, at).state;
          expect(isAlive(state, at)).toBe(false);
          if (state.phase === "gone") {
            return;
          }
          expect(state.phase).toBe("deleting");
        }
      }),
    );
  });

  it("that is not gone always has a time at which the object is woken", () => {
    fc.assert(
      fc.property(history, (events) => {
        const state = run(events);
        expect(earliest(deadlinesOf(state)) === null).toBe(state.phase === "gone");
      }),
    );
  });

  it("is erased only after everything else was removed", () => {
    fc.assert(
      fc.property(history, (events) => {
        let state: SessionState = GONE;
        let removals = 0;
        for (const [happened, now] of events) {
          const next = step(state, happened, now);
          removals += next.effects.includes("remove") ? 1 : 0;
          if (next.effects.includes("erase")) {
            expect(happened.type).toBe("removed");
            expect(removals).toBeGreaterThan(0);
          }
          ({ state } = next);
        }
      }),
    );
  });
});

describe("the alarm", () => {
  it("is the earliest of the deadlines", () => {
    fc.assert(
      fc.property(time, time, (expiry, retry) => {
        expect(earliest({ expiry, retry })).toBe(Math.min(expiry, retry));
      }),
    );
    expect(earliest({})).toBeNull();
  });
});
