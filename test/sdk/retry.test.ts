import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/contract/errors.ts";
import type { ErrorCode } from "../../src/contract/errors.ts";
import { BuntimeError } from "../../src/sdk/error.ts";
import { delayBeforeRetry, parseRetryAfter } from "../../src/sdk/retry.ts";
import type { FailedTry } from "../../src/sdk/retry.ts";

const POLICY = { maxRetries: 3, retryDelay: 500 };

const codes = Object.keys(ERRORS) as ErrorCode[];
const errors = fc.oneof(
  fc
    .record({ code: fc.constantFrom(...codes), retryAfter: fc.option(fc.nat(200)) })
    .map(({ code, retryAfter }) => new BuntimeError("x", { code, status: ERRORS[code].status, retryAfter })),
  fc
    .constantFrom("network_error" as const, "timeout" as const, "aborted" as const)
    .map((code) => new BuntimeError("x", { code })),
);
const failures: fc.Arbitrary<FailedTry> = fc.record({
  attempt: fc.integer({ min: 1, max: 6 }),
  error: errors,
  repeatable: fc.boolean(),
  spent: fc.boolean(),
  chance: fc.double({ min: 0, max: 1, noNaN: true }),
});

const failed = (error: BuntimeError, more: Partial<FailedTry> = {}): FailedTry => ({
  attempt: 1,
  error,
  repeatable: true,
  spent: false,
  chance: 0.5,
  ...more,
});

describe("a call that failed", () => {
  test("is sent again only where that is safe, so often, and so late as was asked for", () => {
    fc.assert(
      fc.property(failures, (failure) => {
        const delay = delayBeforeRetry(POLICY, failure);
        const { attempt, error, repeatable, spent } = failure;
        if (delay === null) return;
        expect(attempt).toBeLessThanOrEqual(POLICY.maxRetries);
        expect(spent).toBe(false);
        expect(repeatable || error.status === 429).toBe(true);
        expect(error.code).not.toBe("aborted");
        expect(error.status >= 400 && error.status < 500 && error.status !== 429).toBe(false);
        expect(delay).toBeGreaterThanOrEqual((error.retryAfter ?? 0) * 1000);
        expect(delay).toBeLessThanOrEqual(60_000);
      }),
      { numRuns: 2000 },
    );
  });

  test("waits twice as long each time, never longer than ten seconds, and not at the same moment as others", () => {
    const error = new BuntimeError("x", { code: "network_error" });
    const delays = (chance: number): (number | null)[] =>
      [1, 2, 3, 4, 5, 6].map((attempt) =>
        delayBeforeRetry({ maxRetries: 6, retryDelay: 500 }, failed(error, { attempt, chance })),
      );
    expect(delays(1)).toEqual([500, 1000, 2000, 4000, 8000, 10_000]);
    expect(delays(0)).toEqual([250, 500, 1000, 2000, 4000, 5000]);
  });

  test("is not kept waiting for longer than a minute", () => {
    const error = new BuntimeError("x", { code: "rate_limit_exceeded", status: 429, retryAfter: 61 });
    expect(delayBeforeRetry(POLICY, failed(error))).toBeNull();
  });

  test("stays failed where asking again changes nothing", () => {
    const final = [
      new BuntimeError("x", { code: "session_limit_exceeded", status: 429 }),
      new BuntimeError("x", { code: "rate_limit_exceeded", status: 429, details: { keysMax: 1 }, retryAfter: 1 }),
      new BuntimeError("x", { code: "container_unavailable", status: 503, details: { outcome: "unknown" } }),
      new BuntimeError("x", { code: "disk_full", status: 507 }),
      new BuntimeError("x", { code: "invalid_response", status: 200 }),
    ];
    for (const error of final) expect(delayBeforeRetry(POLICY, failed(error))).toBeNull();
  });
});

describe("Retry-After", () => {
  const NOW = Date.parse("2026-01-01T00:00:00Z");

  test("is a number of seconds, or a date", () => {
    expect(parseRetryAfter("7", NOW)).toBe(7);
    expect(parseRetryAfter(" 0 ", NOW)).toBe(0);
    expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", NOW)).toBe(30);
    expect(parseRetryAfter("Wed, 31 Dec 2025 23:00:00 GMT", NOW)).toBe(0);
  });

  test("that is neither says nothing, and is never negative", () => {
    for (const header of [null, "", "soon", "-", "NaN", "Infinity"]) expect(parseRetryAfter(header, NOW)).toBeNull();
    fc.assert(
      fc.property(fc.string(), (header) => {
        const seconds = parseRetryAfter(header, NOW);
        expect(seconds === null || seconds >= 0).toBe(true);
      }),
    );
  });
});
