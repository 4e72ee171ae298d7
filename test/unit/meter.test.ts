import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { METER_RATES } from "../../src/contract/limits.ts";
import {
  add,
  advance,
  count,
  dayOf,
  elapsed,
  forgetDays,
  NO_TOTALS,
  skip,
  TOTAL_NAMES,
  turn,
} from "../../src/lib/meter.ts";
import type { DayTotals, Levels, MeterKind, Reading, Totals } from "../../src/lib/meter.ts";

const START = Date.UTC(2026, 0, 31, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const levels: Levels = { cpu: 0.25, memoryGib: 1, storedGib: 0.5 };

/** Of two reports of the same, the later one: as the account keeps them. */
function larger(one: Totals, other: Totals): Totals {
  const most = { ...NO_TOTALS };
  for (const name of TOTAL_NAMES) {
    most[name] = Math.max(one[name], other[name]);
  }
  return most;
}

const fresh: Reading = { current: { kind: "asleep", levels, at: START }, days: [], activeMs: 0, executions: 0 };

const kinds = fc.constantFrom<MeterKind>("active", "idle", "asleep");
/** What happens, and how far the clock moves before it; back as well. */
const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: -2 * DAY, max: 2 * DAY }), fc.integer({ min: 0, max: HOUR })),
    kind: kinds,
    what: fc.constantFrom("turn", "advance", "skip", "count"),
    executions: fc.nat({ max: 3 }),
    egressBytes: fc.nat({ max: 1000 }),
  }),
  { maxLength: 40 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

function after(reading: Reading, { kind, what, executions, egressBytes }: Step, now: number): Reading {
  const done = {
    turn: () => turn(reading, { kind, levels }, now),
    skip: () => skip(reading, { kind, levels }, now),
    count: () => count(reading, { executions, egressBytes }),
    advance: () => advance(reading, now),
  };
  return done[what]();
}

const sum = (days: readonly DayTotals[]): Totals => days.reduce((all, { totals }) => add(all, totals), NO_TOTALS);

describe("time", () => {
  it("costs vCPUs and memory while active, memory while idle, and only what is stored while asleep", () => {
    const hourOf = (kind: MeterKind): Totals => sum(elapsed({ kind, levels, at: START }, START + HOUR));
    expect(hourOf("active")).toMatchObject({ activeMs: HOUR, vcpuMs: HOUR / 4, gibMs: HOUR, storedGibMs: HOUR / 2 });
    expect(hourOf("idle")).toMatchObject({ idleMs: HOUR, vcpuMs: 0, gibMs: HOUR, storedGibMs: HOUR / 2 });
    expect(hourOf("asleep")).toMatchObject({ asleepMs: HOUR, vcpuMs: 0, gibMs: 0, storedGibMs: HOUR / 2 });
    expect(METER_RATES.asleep).toEqual({ cpu: 0, memory: 0 });
  });

  it("is counted on the UTC day that it passes on", () => {
    const days = elapsed({ kind: "active", levels, at: START }, START + 2 * DAY);
    expect(days.map(({ day, totals }) => [day, totals.activeMs])).toEqual([
      ["2026-01-31", 12 * HOUR],
      ["2026-02-01", 24 * HOUR],
      ["2026-02-02", 12 * HOUR],
    ]);
  });

  it("is never negative nor counted twice, however the clock is set", () => {
    fc.assert(
      fc.property(steps, (all) => {
        let now = START;
        let reading = fresh;
        let skippedMs = 0;
        for (const step of all) {
          now += step.afterMs;
          const next = after(reading, step, now);
          if (step.what === "skip") {
            skippedMs += next.current.at - reading.current.at;
          }
          const [before, then] = [sum(reading.days), sum(next.days)];
          expect(larger(before, then)).toEqual(then);
          expect(next.current.at).toBeGreaterThanOrEqual(reading.current.at);
          reading = next;
        }
        const { activeMs, idleMs, asleepMs } = sum(reading.days);
        expect(activeMs + idleMs + asleepMs).toBe(reading.current.at - START - skippedMs);
        expect(reading.activeMs).toBe(activeMs);
        const days = reading.days.map(({ day }) => day);
        expect(days).toEqual([...new Set(days)].toSorted());
      }),
    );
  });

  it("of a clock that is centuries ahead is bounded", () => {
    expect(elapsed({ kind: "active", levels, at: 0 }, Date.UTC(2500, 0)).length).toBeLessThanOrEqual(401);
  });
});

describe("reports", () => {
  it("that come twice, out of order or not at all add up to what was used, once the last one has come", () => {
    const delivery = fc.record({ arrives: fc.boolean(), isHeard: fc.boolean(), copies: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(steps, fc.array(delivery, { minLength: 40, maxLength: 40 }), fc.nat(), (all, deliveries, seed) => {
        let now = START;
        let reading = fresh;
        let used: Totals = NO_TOTALS;
        const reports: (readonly DayTotals[])[] = [];
        all.forEach((step, index) => {
          now += step.afterMs;
          const next = after(reading, step, now);
          used = add(used, minus(sum(next.days), sum(reading.days)));
          reading = next;
          const { arrives, isHeard, copies } = deliveries[index] ?? { arrives: false, isHeard: false, copies: 0 };
          if (arrives) {
            reports.push(...Array.from({ length: copies + 1 }, () => next.days));
            // The answer may be lost: then all of it is told again.
            reading = isHeard ? forgetDays(reading) : reading;
          }
        });
        reports.push(reading.days);
        const known = new Map<string, Totals>();
        for (const days of shuffled(reports, seed)) {
          for (const { day, totals } of days) {
            known.set(day, larger(known.get(day) ?? NO_TOTALS, totals));
          }
        }
        const total = [...known.values()].reduce(add, NO_TOTALS);
        expect(total).toEqual(used);
      }),
    );
  });

  it("of a day are about that day alone", () => {
    expect(dayOf(START)).toBe("2026-01-31");
    expect(dayOf(START + 12 * HOUR - 1)).toBe("2026-01-31");
    expect(dayOf(START + 12 * HOUR)).toBe("2026-02-01");
  });
});

function minus(one: Totals, other: Totals): Totals {
  const negative = Object.fromEntries(Object.entries(other).map(([name, value]) => [name, -value]));
  // SAFETY: it has the same names.
  return add(one, negative as unknown as Totals);
}

/** By a seed, so that a failure can be seen again. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  return list
    .map((item, index) => ({ item, rank: ((index + 1) * (seed + 7919) * 2_654_435_761) % 4_294_967_296 }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
