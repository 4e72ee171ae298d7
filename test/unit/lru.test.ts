import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Lru } from "../../src/session/asleep/lru.ts";

test("what was used last is kept, and never more than there is room for", () => {
  const use = fc.record({ key: fc.constantFrom("a", "b", "c", "d", "e"), weight: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(fc.array(use), (uses) => {
      const kept = new Lru<number>(100);
      for (const [index, { key, weight }] of uses.entries()) {
        if (kept.get(key) === undefined) kept.set(key, index, weight);
        expect(kept.get(key)).toBeDefined();
        expect(kept.weight).toBeLessThanOrEqual(100);
      }
    }),
  );
});

test("one in use outlives one that is not, and what is too heavy displaces nothing", () => {
  const kept = new Lru<string>(100);
  kept.set("old", "1", 50);
  kept.set("used", "2", 50);
  kept.get("old");
  kept.set("new", "3", 50);
  expect([kept.get("old"), kept.get("used"), kept.get("new")]).toEqual(["1", undefined, "3"]);
  kept.set("huge", "4", 101);
  expect([kept.get("old"), kept.get("new"), kept.get("huge")]).toEqual(["1", "3", undefined]);
});
