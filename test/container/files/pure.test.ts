// The parts that only compute: ranges and paths, over all inputs.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isoTime, validatorsOf } from "../../../src/lib/files/conditions.ts";
import { contentTypeOf } from "../../../src/lib/files/content-type.ts";
import { compileGlob } from "../../../src/lib/files/glob.ts";
import { comparePaths, parseLink, parsePath } from "../../../src/lib/files/paths.ts";
import { parseRange } from "../../../src/lib/files/range.ts";
import { ProblemError } from "../../../src/lib/problem-error.ts";

describe("parseRange", () => {
  test("any header yields bytes that the file has, or none", () => {
    const header = fc.oneof(
      fc.string(),
      fc.stringMatching(/^bytes=[0-9]{0,20}-[0-9]{0,20}$/),
      fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => `bytes=${from}-${to}`),
    );
    fc.assert(
      fc.property(header, fc.nat(), (text, size) => {
        const range = parseRange(text, size);
        if (typeof range === "string") return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.first).toBeLessThanOrEqual(range.last);
        expect(range.last).toBeLessThan(size);
      }),
    );
  });

  test("a range within the file is taken as it is, a suffix counts from the end", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (first, more, rest) => {
        const size = first + more + rest;
        expect(parseRange(`bytes=${first}-${first + more}`, size)).toEqual({ first, last: first + more });
        expect(parseRange(`bytes=-${rest}`, size)).toEqual({ first: size - rest, last: size - 1 });
      }),
    );
  });

  test.each([
    ["bytes=0-", 0, "unsatisfiable"],
    ["bytes=-0", 5, "unsatisfiable"],
    ["bytes=-5", 0, "whole"],
    ["bytes=3-1", 5, "whole"],
    ["bytes=-", 5, "whole"],
    ["bytes=0-1,3-4", 5, "whole"],
  ] as const)("%s of %d bytes is %s", (header, size, expected) => {
    expect(parseRange(header, size)).toBe(expected);
  });
});

describe("parsePath", () => {
  const segment = fc.oneof(fc.constantFrom("", ".", "..", "workspace", "a", "b"), fc.string());

  test("whatever comes out stays inside: no root, no step up, no empty name", () => {
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        let path: string;
        try {
          path = parsePath(segments.join("/"));
        } catch (error) {
          expect(error).toBeInstanceOf(ProblemError);
          return;
        }
        if (path === "") return;
        expect(path).not.toContain("\0");
        for (const name of path.split("/")) expect(["", ".", ".."]).not.toContain(name);
        expect(parsePath(path)).toBe(path);
        expect(parsePath(`/workspace/${path}`)).toBe(path);
      }),
    );
  });

  test.each([
    [".", ""],
    ["/workspace", ""],
    ["/workspace/", ""],
    ["a//b/./c/../d/", "a/b/d"],
    ["/workspace/a", "a"],
  ])("%s is %p", (path, expected) => {
    expect(parsePath(path)).toBe(expected);
  });

  test.each([
    ["a/link", "../b", "b"],
    ["link", "b/c", "b/c"],
    ["a/link", "/workspace/b", "b"],
  ])("the link %s to %s leads to %s", (path, target, expected) => {
    expect(parseLink(path, target)).toBe(expected);
  });

  test.each([
    ["link", "../b"],
    ["a/link", "../../b"],
    ["link", "/etc"],
    ["link", ""],
  ])("the link %s to %p leads out", (path, target) => {
    expect(() => parseLink(path, target)).toThrow(ProblemError);
  });
});

test("paths are in the order of their bytes", () => {
  const path = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(path, path, (one, other) => {
      expect(Math.sign(comparePaths(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)));
    }),
  );
});

describe("compileGlob", () => {
  const part = fc.constantFrom(
    "*",
    "a",
    "b",
    "?",
    "{a,b}",
    "{a,*.b}",
    "{,a}",
    "[ab]",
    "[a-b]",
    ".",
    "é",
    "\\*",
    "{a/b,b}",
  );
  const name = fc.oneof(
    fc.constant("**"),
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("").replaceAll(/\*\*+/g, "*")),
  );
  const glob = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const path = fc
    .array(fc.constantFrom("a", "b", "ab", ".b", "é", "*"), { minLength: 1, maxLength: 5 })
    .map((names) => names.join("/"));

  test("matches what Bun's own matches", () => {
    fc.assert(
      fc.property(glob, path, (pattern, file) => {
        expect(compileGlob(pattern)(file)).toBe(new Bun.Glob(pattern).match(file));
        expect(compileGlob(`!${pattern}`)(file)).toBe(!compileGlob(pattern)(file));
      }),
      { numRuns: 2000 },
    );
  });

  test("takes any text for a pattern", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[*?[\]{},!\\a/^-]{0,60}$/), path, (pattern, file) => {
        expect(typeof compileGlob(pattern)(file)).toBe("boolean");
      }),
    );
  });

  test.each([
    ["src/**/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/a/b/c.ts", true],
    ["*.ts", "src/a.ts", false],
    ["**/*.{ts,tsx}", "a/b.tsx", true],
    ["[!a]*", "a", false],
    ["[!a]", "/", false],
  ])("%s on %s is %p", (pattern, file, expected) => {
    expect(compileGlob(pattern)(file)).toBe(expected);
  });
});

test.each([
  "a.html",
  "b.JS",
  "c.ts",
  "d.css",
  "e.json",
  "f.png",
  "g.svg",
  "h.txt",
  "i.wasm",
  "j.md",
  "k",
  ".html",
  "l.tar.gz",
])("%s has the media type that Bun gives it", (name) => {
  const type = Bun.file(`file${name.startsWith(".") ? "" : name.slice(name.lastIndexOf("."))}`).type;
  const text = type.startsWith("text/") && !type.includes("charset") ? `${type};charset=utf-8` : type;
  expect(contentTypeOf(`dir.html/${name}`)).toBe(name === "k" ? "application/octet-stream" : text);
});

test("a file of any age has a date, and its nanoseconds tell versions apart", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) * 1000n, max: 2n ** 63n * 1000n }), (mtimeNs) => {
      expect(Number.isNaN(Date.parse(isoTime(mtimeNs)))).toBe(false);
      const { etag, lastModified } = validatorsOf({ size: 1, mtimeNs });
      expect(etag).not.toBe(validatorsOf({ size: 1, mtimeNs: mtimeNs + 1n }).etag);
      expect(lastModified).not.toBe("Invalid Date");
    }),
  );
});
