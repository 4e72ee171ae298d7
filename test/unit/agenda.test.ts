import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GRACE_MS, nextAlarm } from "../../src/storage/agenda.ts";
import type { Agenda } from "../../src/storage/agenda.ts";

const NOTHING: Agenda = { removable: false, oldestPin: null, nextCheckAt: null, sweepAt: null, failures: 0 };
const NOW = 1_000_000_000_000;
const time = fc.option(fc.integer({ min: NOW - 10 * GRACE_MS, max: NOW + 1000 * GRACE_MS }));
const agenda: fc.Arbitrary<Agenda> = fc.record({
  removable: fc.boolean(),
  oldestPin: time,
  nextCheckAt: time,
  sweepAt: time,
  failures: fc.nat(100),
});

describe("a repository's alarm", () => {
  it("is set exactly when there is something to do", () => {
    expect(nextAlarm(NOTHING, NOW)).toBeNull();
    fc.assert(
      fc.property(agenda, (one) => {
        const { removable, oldestPin, nextCheckAt, sweepAt } = one;
        const busy = removable || oldestPin !== null || nextCheckAt !== null || sweepAt !== null;
        expect(nextAlarm(one, NOW) !== null).toBe(busy);
      }),
    );
  });

  it("comes when an upload has had its time", () => {
    expect(nextAlarm({ ...NOTHING, oldestPin: NOW - 5, sweepAt: NOW + 2 * GRACE_MS }, NOW)).toBe(NOW - 5 + GRACE_MS);
  });

  it("never comes again at once for work that was just tried or is done in portions", () => {
    expect(nextAlarm({ ...NOTHING, removable: true }, NOW)).toBeGreaterThan(NOW);
    expect(nextAlarm({ ...NOTHING, nextCheckAt: NOW - 1 }, NOW)).toBeGreaterThan(NOW);
  });

  it("comes ever later while work fails, but comes", () => {
    let before = 0;
    for (let failures = 0; failures < 60; failures++) {
      const at = nextAlarm({ ...NOTHING, removable: true, failures }, NOW) ?? Infinity;
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(NOW + 3_600_000);
      before = at;
    }
    expect(before).toBe(NOW + 3_600_000);
  });
});
