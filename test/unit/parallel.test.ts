import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inParallel } from "../../src/lib/parallel.ts";

describe("doing the same for many", () => {
  it("answers in order, whatever ends first, and never does more than so many at a time", async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      fc.nat(20),
      fc.integer({ min: 1, max: 5 }),
      async (s, count, limit) => {
        let running = 0;
        let most = 0;
        const items = Array.from({ length: count }, (_, index) => index);
        const answers = inParallel(items, limit, async (item) => {
          running += 1;
          most = Math.max(most, running);
          await s.schedule(Promise.resolve());
          running -= 1;
          return item * 2;
        });
        expect(await s.waitFor(answers)).toEqual(items.map((item) => item * 2));
        expect(most).toBe(Math.min(limit, count));
      },
    );
    await fc.assert(property);
  });

  it("begins nothing new after a failure, and tells it", async () => {
    const begun: number[] = [];
    const failing = inParallel([0, 1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) {
        throw new Error("one fails");
      }
    });
    await expect(failing).rejects.toThrow("one fails");
    expect(begun.length).toBeLessThan(5);
  });
});
