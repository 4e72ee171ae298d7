import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countRequest } from "../../src/lib/rate-limit.ts";
import type { RateDecision, RateWindow } from "../../src/lib/rate-limit.ts";
import { RATE_WINDOW_MS } from "../../src/contract/limits.ts";

/** One key that asks at these times. */
function ask(limit: number, times: readonly number[]): RateDecision[] {
  let window: RateWindow | undefined;
  return times.map((now) => {
    const step = countRequest(window, limit, now);
    ({ window } = step);
    return step.decision;
  });
}

const NOW = 1_700_000_000_000;
const limits = fc.integer({ min: 1, max: 5 });
const times = fc
  .array(fc.integer({ min: 0, max: 3 * RATE_WINDOW_MS }), { minLength: 1, maxLength: 60 })
  .map((offsets) => offsets.toSorted((a, b) => a - b).map((offset) => NOW + offset));

describe("a key", () => {
  it("gets what its plan allows, counted down, and then waits for the end of the minute that began with its first request", () => {
    const decisions = ask(2, [NOW, NOW + 1, NOW + 2, NOW + RATE_WINDOW_MS - 1, NOW + RATE_WINDOW_MS]);
    expect(decisions.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 1],
      [true, 0],
      [false, 0],
      [false, 0],
      [true, 1],
    ]);
    expect(decisions[3]?.resetAt).toBe(NOW + RATE_WINDOW_MS);
    expect(decisions[4]?.resetAt).toBe(NOW + 2 * RATE_WINDOW_MS);
  });

  it("never gets more than its limit within one window, however it asks", () => {
    fc.assert(
      fc.property(limits, times, (limit, asked) => {
        const allowedByWindow = new Map<number, number>();
        for (const { allowed, resetAt, remaining } of ask(limit, asked)) {
          const count = (allowedByWindow.get(resetAt) ?? 0) + (allowed ? 1 : 0);
          allowedByWindow.set(resetAt, count);
          expect(remaining).toBe(limit - count);
        }
        expect(Math.max(...allowedByWindow.values())).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it("that waits as long as it was told gets through, however often it was refused before", () => {
    fc.assert(
      fc.property(limits, times, fc.nat({ max: 20 }), (limit, asked, refusedMore) => {
        const refused = ask(limit, asked).find(({ allowed }) => !allowed);
        fc.pre(refused !== undefined);
        const again = Array.from({ length: refusedMore }, () => refused.decidedAt);
        const until = asked.filter((time) => time <= refused.decidedAt);
        const last = ask(limit, [...until, ...again, refused.resetAt]).at(-1);
        expect(last).toMatchObject({ allowed: true, remaining: limit - 1 });
      }),
    );
  });

  it("does not wait longer because the clock was set back", () => {
    const { window } = countRequest(undefined, 1, NOW);
    expect(countRequest(window, 1, NOW - 3_600_000).decision).toMatchObject({
      allowed: true,
      resetAt: NOW - 3_600_000 + RATE_WINDOW_MS,
    });
  });

  it("whose limit was lowered meanwhile is told 0, never less", () => {
    const window = { startedAt: NOW, count: 10 };
    expect(countRequest(window, 3, NOW + 1).decision).toMatchObject({ allowed: false, remaining: 0 });
  });
});
