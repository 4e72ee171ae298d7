// The parts that only compute: ranges and paths, over all inputs.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseLink, parsePath } from "../../../container/supervisor/files/paths.ts";
import { parseRange } from "../../../container/supervisor/files/range.ts";
import { SupervisorError } from "../../../container/supervisor/problem.ts";

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
          expect(error).toBeInstanceOf(SupervisorError);
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
    expect(() => parseLink(path, target)).toThrow(SupervisorError);
  });
});
