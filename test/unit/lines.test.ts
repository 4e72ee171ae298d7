import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linesOf } from "../../src/mcp/tools/lines.ts";

describe("a long text for a model", () => {
  it("is whole once all of its parts are read one after the other", () => {
    const line = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", " ", "é", "\r") });
    const limits = fc.record({ most: fc.integer({ min: 1, max: 5 }), characters: fc.integer({ min: 20, max: 40 }) });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), limits, (lines, { most, characters }) => {
        const text = lines.join("\n");
        const read: string[] = [];
        for (let first: number | null = 1; first !== null;) {
          const part = linesOf(text, { first, most, characters });
          expect(part.text.length).toBeLessThanOrEqual(characters);
          expect(part.text.split("\n").length).toBeLessThanOrEqual(most);
          read.push(part.text);
          first = part.next;
        }
        expect(read.join("\n")).toBe(lines.length > 1 && lines.at(-1) === "" ? text.slice(0, -1) : text);
      }),
    );
  });

  it("says where a line is cut that is too long by itself, and goes on with the next", () => {
    const part = linesOf(`${"x".repeat(100)}\nnext`, { first: 1, most: 10, characters: 20 });
    expect(part).toEqual({ text: `${"x".repeat(20)}… (cut: the line has 100 characters)`, total: 2, next: 2 });
  });

  it("has no lines after its end", () => {
    expect(linesOf("a\nb\n", { first: 7, most: 10, characters: 20 })).toEqual({ text: "", total: 2, next: null });
  });
});
