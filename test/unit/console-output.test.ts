import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { paletteColor, parseAnsi, PLAIN } from "../../src/console/parts/ansi.ts";
import { OutputLines } from "../../src/console/parts/output-lines.ts";

const textOf = (line: string): string =>
  parseAnsi(line)
    .pieces.map(({ text }) => text)
    .join("");

/** What programs send to terminals, and what nobody should. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\u001b",
        "\u001b[",
        "\u001b]8;;",
        "\u001b[38;5;",
        "\u001b[38;2;1;2;3m",
        "m",
        "\u0007",
        "\u001b\\",
        ";;;",
      ),
    ),
  )
  .map((parts) => parts.join(""));

describe("text with colours", () => {
  it("keeps every character that is none of an escape", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.stringMatching(/^[ -Z^-~äö→😀]*$/u), fc.nat({ max: 110 }))), (parts) => {
        const line = parts.map(([text, code]) => `${text}\u001b[${code}m`).join("");
        expect(textOf(line)).toBe(parts.map(([text]) => text).join(""));
      }),
    );
  });

  it("is read whatever stands in it, and leaves no escape on the page", () => {
    fc.assert(
      fc.property(hostile, (line) => {
        const { pieces, end } = parseAnsi(line);
        for (const { text, style } of [...pieces, { text: "", style: end }]) {
          expect(text).not.toMatch(/[\u0000-\u0008\u001b\u007f]/);
          for (const color of [style.color, style.background]) {
            if (typeof color === "string") expect(color).toMatch(/^#[0-9a-f]{6}$/);
            if (typeof color === "number")
              expect(paletteColor(color)).toMatch(/^(?:var\(--ansi-\d+\)|rgb\(\d+ \d+ \d+\))$/);
          }
        }
      }),
    );
  });

  it("has the colours that were asked for, until they are taken back, from line to line", () => {
    const { pieces, end } = parseAnsi(
      "\u001b[1;31mred\u001b[0m plain \u001b[38;2;255;0;16mtrue\u001b[39m \u001b[48;5;200mback",
    );
    expect(pieces.map(({ text, style }) => [text, style.color, style.background, style.bold])).toEqual([
      ["red", 1, null, true],
      [" plain ", null, null, false],
      ["true", "#ff0010", null, false],
      [" ", null, null, false],
      ["back", null, 200, false],
    ]);
    expect(parseAnsi("next", end).pieces[0]?.style.background).toBe(200);
    expect(parseAnsi("\u001b[m", end).end).toEqual(PLAIN);
  });
});

const linesOf = (lines: OutputLines): string[] =>
  lines.lines().map(({ pieces }) => pieces.map(({ text }) => text).join(""));

describe("the lines of an output", () => {
  it("are the same, however the output was cut on its way", () => {
    const text = fc
      .array(fc.constantFrom("a", "bc", "\n", " ", "\u001b[32m", "\u001b[0m", "é"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 40 })), (whole, cuts) => {
        const [once, often] = [new OutputLines(), new OutputLines()];
        once.append("stdout", whole);
        let from = 0;
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          often.append("stdout", whole.slice(from, cut));
          from = Math.max(from, Math.min(cut, whole.length));
        }
        often.append("stdout", whole.slice(from));
        expect(often.lines()).toEqual(once.lines());
      }),
    );
  });

  it("are written over by a carriage return, for as long as it goes on", () => {
    const lines = new OutputLines();
    for (let percent = 0; percent <= 5000; percent++) lines.append("stdout", `\u001b[32m${percent} %\r`);
    expect(linesOf(lines)).toEqual(["5000 %"]);
    lines.append("stdout", "\r\ndone\r\n");
    expect(linesOf(lines).at(-1)).toBe("done");
  });

  it("are kept apart by stream, and do not grow without bound", () => {
    const lines = new OutputLines();
    lines.append("stdout", "half ");
    lines.append("stderr", "warning\n");
    lines.append("stdout", "whole\n");
    expect(linesOf(lines)).toEqual(["warning", "half whole"]);
    lines.append("stdout", "x".repeat(1_000_000));
    expect(linesOf(lines).at(-1)?.length).toBeLessThan(10_000);
    lines.append("stdout", "\n".repeat(250_000));
    expect(lines.lines().length).toBeLessThanOrEqual(200_000);
    lines.clear();
    expect(lines.lines()).toEqual([]);
  });
});
