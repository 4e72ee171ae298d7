import * as fc from "fast-check";
import { expect, test } from "vitest";
import { WholeEvents } from "../../src/lib/whole-events.ts";

const encoder = new TextEncoder();

/** The text, in pieces that end at these places. */
function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = encoder.encode(text);
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length]
    .map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
    .filter(({ length }) => length > 0);
}

test("wherever a stream is cut, what is passed on is every event that is complete by then, and nothing else", () => {
  const event = fc
    .string({ unit: "grapheme" })
    .map((data) => `event: stdout\nid: 1\ndata: ${JSON.stringify(data)}\n\n`);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(event, fc.constant(":\n\n"))),
      fc.constantFrom("", "e", "event: exit\nid: 2\n", "event: exit\nid: 2\ndata: {}\n"),
      fc.array(fc.nat(), { maxLength: 20 }),
      (events, rest, places) => {
        const whole = new WholeEvents();
        const decoder = new TextDecoder("utf-8", { fatal: true });
        let taken = "";
        let passed = "";
        for (const piece of cut(events.join("") + rest, places)) {
          taken += decoder.decode(piece, { stream: true });
          passed += new TextDecoder("utf-8", { fatal: true }).decode(whole.add(piece));
          const end = taken.lastIndexOf("\n\n");
          expect(passed).toBe(end === -1 ? "" : taken.slice(0, end + 2));
        }
        expect(passed).toBe(events.join(""));
      },
    ),
  );
});
