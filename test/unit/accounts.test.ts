import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SCOPES } from "../../src/contract/scopes.ts";
import { planOf } from "../../src/account/plan.ts";
import { Refusals } from "../../src/lib/refusals.ts";
import { CreateAccount, CreateKey, PlanLimits } from "../../src/contract/account.ts";
import { accountOfKey, newApiKey, newId, randomText } from "../../src/contract/ids.ts";
import { ENTERPRISE_MOST, PLANS, REFUSALS_NOTED_MS } from "../../src/contract/limits.ts";

describe("the text of a key", () => {
  it("names its account, and nothing else has its shape", () => {
    for (const accountId of [newId("acc"), newId("acc"), "default"]) {
      const key = newApiKey(accountId);
      expect(accountOfKey(key)).toBe(accountId);
      for (const other of [key.slice(1), key.slice(0, -1), `${key}0`, key.toUpperCase(), ` ${key}`, `${key}\n`]) {
        expect(accountOfKey(other)).toBeNull();
      }
    }
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => accountOfKey(text) === null));
  });

  it("is never the same twice, and uses every character alike", () => {
    const texts = Array.from({ length: 1000 }, () => randomText(36));
    expect(new Set(texts).size).toBe(1000);
    const counts = Map.groupBy(texts.join(""), (character) => character);
    expect(counts.size).toBe(36);
    for (const [, { length }] of counts) {
      expect(length).toBeGreaterThan(700);
      expect(length).toBeLessThan(1300);
    }
  });
});

describe("a plan", () => {
  it("has numbers that an enterprise account may have as well", () => {
    for (const plan of Object.values(PLANS)) {
      expect(PlanLimits.safeParse(plan).success).toBe(true);
    }
    const most = { ...ENTERPRISE_MOST, timeoutSeconds: { default: 300, max: 300 } };
    expect(PlanLimits.parse(most)).toEqual(most);
  });

  it("of an enterprise account is that of paid ones, but for its own numbers; others have none", () => {
    const limits = { sessions: 3, timeoutSeconds: { default: 1, max: 2 } };
    expect(planOf({ plan: "enterprise", limits })).toEqual({ ...PLANS.paid, ...limits });
    expect(planOf({ plan: "enterprise", limits: {} })).toEqual(PLANS.paid);
    expect(planOf({ plan: "free", limits })).toEqual(PLANS.free);
    expect(CreateAccount.safeParse({ name: "a", plan: "paid", limits }).success).toBe(false);
  });
});

describe("a key that is asked for", () => {
  it("has all scopes where none are named", () => {
    expect(CreateKey.parse({}).scopes).toEqual(SCOPES);
    expect(CreateKey.parse({ scopes: ["execute"] }).scopes).toEqual(["execute"]);
  });
});

describe("refused access", () => {
  const times = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat({ max: 3 * REFUSALS_NOTED_MS })), {
    minLength: 1,
    maxLength: 200,
  });

  it("is told at once, then at most once a minute for each kind, and no refusal is counted twice", () => {
    fc.assert(
      fc.property(times, (asked) => {
        const told: { at: number; reason: string; times: number }[] = [];
        const refusals = new Refusals();
        for (const [reason, at] of asked.toSorted((one, other) => one[1] - other[1])) {
          const refusal = refusals.note(null, reason, at);
          if (refusal !== null) {
            told.push({ ...refusal, at });
          }
        }
        for (const kind of ["a", "b"]) {
          const ofKind = told.filter(({ reason }) => reason === kind);
          const asks = asked.filter(([reason]) => reason === kind);
          expect(ofKind.length > 0).toBe(asks.length > 0);
          expect(ofKind.reduce((sum, { times: count }) => sum + count, 0)).toBeLessThanOrEqual(asks.length);
          for (const [index, { at }] of ofKind.entries()) {
            expect(at - (ofKind[index - 1]?.at ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(REFUSALS_NOTED_MS);
          }
        }
      }),
    );
  });
});
