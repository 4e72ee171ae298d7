// What is pure: making text plain, cutting it, tables, numbers, words for a shell, and ends of a copy.
import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joined, lastName, parsePlace, workspacePath } from "../../src/cli/places.ts";
import { progressLine } from "../../src/cli/progress.ts";
import { commandLine } from "../../src/cli/shell-words.ts";
import { table } from "../../src/cli/table.ts";
import { fit, plain, widthOf } from "../../src/cli/text.ts";
import { bytes, relative, span } from "../../src/cli/units.ts";

const anyText = fc.string({ unit: "binary" });

describe("text", () => {
  test("made plain, it has nothing that a terminal obeys, and is well formed", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
        ),
        (text) => {
          const made = plain(text);
          expect(made).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
          expect(made.isWellFormed()).toBe(true);
        },
      ),
    );
    expect(plain("a\u001b[31m\n\u202e")).toBe("a\\x1b[31m\\n\\u{202e}");
  });

  test("cut to fit, it is never wider than asked, and a beginning of itself", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 0, max: 40 }), (text, columns) => {
        const made = plain(text);
        const cut = fit(made, columns);
        expect(widthOf(cut)).toBeLessThanOrEqual(columns);
        expect(made.startsWith(cut.replace(/…$/, ""))).toBe(true);
      }),
    );
  });

  test.each([
    ["abc", 3],
    ["漢字", 4],
    ["é", 1],
    ["e\u0301", 1],
    ["👩‍👩‍👧‍👦", 2],
    ["❤️", 2],
    ["한글", 4],
  ])("%s takes %i columns", (text, columns) => expect(widthOf(text)).toBe(columns));
});

describe("tables", () => {
  test("fit any terminal that has room for their columns", () => {
    const row = fc.record({ id: fc.string({ maxLength: 30 }), name: anyText, size: fc.nat() });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), fc.integer({ min: 7, max: 120 }), (rows, columns) => {
        const lines = table<(typeof rows)[number]>(
          [
            { title: "ID", cell: ({ id }) => id },
            { title: "NAME", cell: ({ name }) => name, flexible: true },
            { title: "SIZE", cell: ({ size }) => String(size), align: "right" },
          ],
          rows,
          columns,
        );
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

test("words come out of a shell as they went in", () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${commandLine(words)}`]);
      expect(printed.toString().split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 30 },
  );
});

describe("ends of a copy", () => {
  test.each([
    ["-", { kind: "stdio" }],
    ["file", { kind: "local", path: "file" }],
    ["./a:b", { kind: "local", path: "./a:b" }],
    ["C:\\data", { kind: "local", path: "C:\\data" }],
    ["my-agent:", { kind: "remote", sessionId: "my-agent", path: "" }],
    ["my-agent:a:b", { kind: "remote", sessionId: "my-agent", path: "a:b" }],
    [
      "ses_4k2m9x7q1w8e3r5t6y0u:/workspace/x",
      { kind: "remote", sessionId: "ses_4k2m9x7q1w8e3r5t6y0u", path: "/workspace/x" },
    ],
    ["ses_short:x", { kind: "local", path: "ses_short:x" }],
  ])("%s", (text, place) => expect(parsePlace(text)).toEqual(place));

  test("paths have one form, and are joined without doubling", () => {
    expect(["", "/workspace/", "/workspace/a//b/", "./a", "a/../b", "/etc"].map(workspacePath)).toEqual([
      "",
      "",
      "a/b",
      "a",
      "a/../b",
      "/etc",
    ]);
    expect(["a/b/", "..", "/", "x"].map(lastName)).toEqual(["b", "", "", "x"]);
    expect([joined("", "b"), joined("a", ""), joined("a/", "b")]).toEqual(["b", "a", "a/b"]);
  });
});

test("numbers and times are short", () => {
  expect([0, 999, 1023, 1536, 10 * 1024 ** 2, 3.5 * 1024 ** 3].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 KB",
    "1.5 KB",
    "10.0 MB",
    "3.5 GB",
  ]);
  expect([0, 59, 60, 3660, 90_000].map(span)).toEqual(["0s", "59s", "1m", "1h 1m", "1d 1h"]);
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(relative("2026-01-01T23:00:00Z", now)).toBe("1h ago");
  expect(relative("2026-01-02T00:05:00Z", now)).toBe("in 5m");
  expect([relative(null, now), relative("never", now)]).toEqual(["-", "never"]);
});

test("progress never promises more than all", () => {
  fc.assert(
    fc.property(fc.nat(), fc.option(fc.nat()), fc.nat({ max: 1e9 }), (done, size, elapsedMs) => {
      expect(progressLine({ done, size, elapsedMs })).not.toMatch(/NaN|Infinity|-\d|1[0-9]{2}%(?<!100%)/);
    }),
  );
});
