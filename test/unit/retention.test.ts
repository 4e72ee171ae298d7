import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SNAPSHOTS_KEPT } from "../../src/contract/limits.ts";
import { hasRoomForLabel, surplusOf } from "../../src/storage/retention.ts";
import type { Retained } from "../../src/storage/retention.ts";

/** Newest first. */
const snapshots: fc.Arbitrary<Retained[]> = fc
  .array(fc.record({ labelled: fc.boolean(), damaged: fc.boolean() }), { maxLength: 40 })
  .map((list) => list.map((snapshot, index) => ({ ...snapshot, sequence: list.length - index })));

describe("retention", () => {
  it("never removes a labelled snapshot, nor the newest that can be restored", () => {
    fc.assert(
      fc.property(snapshots, (list) => {
        const surplus = new Set(surplusOf(list));
        const removed = list.filter((snapshot) => surplus.has(snapshot.sequence));
        expect(removed.every((snapshot) => !snapshot.labelled)).toBe(true);
        const newest = list.find((snapshot) => !snapshot.damaged);
        expect(newest !== undefined && surplus.has(newest.sequence)).toBe(false);
      }),
    );
  });

  it("keeps as many automatic ones that can be restored as it promises, the newest", () => {
    fc.assert(
      fc.property(snapshots, (list) => {
        const surplus = new Set(surplusOf(list));
        const good = list.filter((snapshot) => !snapshot.labelled && !snapshot.damaged);
        const kept = good.filter((snapshot) => !surplus.has(snapshot.sequence));
        expect(kept).toEqual(good.slice(0, SNAPSHOTS_KEPT.automatic));
      }),
    );
  });

  it("is settled: what it leaves it leaves again", () => {
    fc.assert(
      fc.property(snapshots, (list) => {
        const surplus = new Set(surplusOf(list));
        expect(surplusOf(list.filter((snapshot) => !surplus.has(snapshot.sequence)))).toEqual([]);
      }),
    );
  });

  it("has room for so many labels", () => {
    const labelled = (count: number): Retained[] =>
      Array.from({ length: count }, (_, sequence) => ({ sequence, labelled: true, damaged: false }));
    expect(hasRoomForLabel(labelled(SNAPSHOTS_KEPT.labelled - 1))).toBe(true);
    expect(hasRoomForLabel(labelled(SNAPSHOTS_KEPT.labelled))).toBe(false);
  });
});
