import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ScrollBack } from "../../../container/supervisor/terminal/scroll-back.ts";

/** All that is kept from `sequence` on, in pieces of up to `most` bytes. */
function readFrom(scrollBack: ScrollBack, sequence: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = sequence; at < scrollBack.end;) {
    const piece = scrollBack.read(at, most);
    expect(piece.length).toBeGreaterThan(0);
    expect(piece.length).toBeLessThanOrEqual(most);
    pieces.push(Buffer.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

const lengths = (most: number): fc.Arbitrary<number[]> => fc.array(fc.nat(most), { maxLength: 40 });

function filled(capacity: number, appended: readonly number[]): { scrollBack: ScrollBack; all: Buffer } {
  const scrollBack = new ScrollBack(capacity);
  let count = 0;
  const pieces = appended.map((length) =>
    Buffer.from(Array.from({ length }, () => (count++ * 31 + (count >> 8)) % 251)),
  );
  for (const piece of pieces) scrollBack.append(piece);
  return { scrollBack, all: Buffer.concat(pieces) };
}

test("whatever was printed, its end is kept and found by its sequence, and nothing else is", () => {
  const anything = fc.record({
    capacity: fc.integer({ min: 1, max: 40_000 }),
    appended: fc.oneof(lengths(50), lengths(20_000)),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    most: fc.integer({ min: 1, max: 70_000 }),
  });
  fc.assert(
    fc.property(anything, ({ capacity, appended, from, most }) => {
      const { scrollBack, all } = filled(capacity, appended);
      expect(scrollBack.end).toBe(all.length);
      expect(scrollBack.oldest).toBe(Math.max(0, all.length - capacity));
      const sequence = scrollBack.oldest + Math.floor(from * (scrollBack.end - scrollBack.oldest));
      expect(readFrom(scrollBack, sequence, most).equals(all.subarray(sequence))).toBe(true);
      expect(scrollBack.read(scrollBack.end, most).length).toBe(0);
      expect(() => scrollBack.read(scrollBack.end + 1, most)).toThrow(RangeError);
      if (scrollBack.oldest > 0) expect(() => scrollBack.read(scrollBack.oldest - 1, most)).toThrow(RangeError);
    }),
    { numRuns: 300 },
  );
});

test("a reader that follows along in steps of its own reads every byte once, as long as it keeps up", () => {
  const steps = fc.array(fc.record({ printed: fc.nat(700), taken: fc.nat(900) }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 5000 }), steps, (capacity, history) => {
      const scrollBack = new ScrollBack(capacity);
      const [printed, read]: [Buffer[], Buffer[]] = [[], []];
      let [count, next] = [0, 0];
      for (const step of history) {
        // As the terminal does: a program is held back for the foremost reader.
        const room = capacity - (scrollBack.end - next);
        const piece = Buffer.from(Array.from({ length: Math.min(step.printed, room) }, () => count++ % 253));
        scrollBack.append(piece);
        printed.push(piece);
        const taken = Buffer.from(scrollBack.read(next, step.taken));
        read.push(taken);
        next += taken.length;
      }
      read.push(readFrom(scrollBack, next, capacity));
      expect(Buffer.concat(read).equals(Buffer.concat(printed))).toBe(true);
    }),
  );
});
