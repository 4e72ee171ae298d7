import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePath, honoPath, pathReader } from "../../src/lib/route-path.ts";
import { parseQuery } from "../../src/lib/query-string.ts";

describe("a path", () => {
  const read = pathReader("/sessions/{id}/files/{path}");

  it("gives its parts decoded once, the rest with its slashes", () => {
    expect(honoPath("/sessions/{id}/files/{path}")).toBe("/sessions/:id/files/:path{.+}");
    expect(read("/sessions/x/files/a/b%20c.txt")).toEqual({ ok: true, value: { id: "x", path: "a/b c.txt" } });
    expect(read("/sessions/x/files/a%2Fb")).toEqual({ ok: true, value: { id: "x", path: "a/b" } });
    expect(read("/sessions/x/files/100%2525")).toEqual({ ok: true, value: { id: "x", path: "100%25" } });
  });

  it("with malformed percent-encoding is refused", () => {
    for (const path of [
      "/sessions/x/files/%",
      "/sessions/x/files/%zz",
      "/sessions/x/files/%ff",
      "/sessions/%c0%af/files/a",
    ]) {
      expect(read(path)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    }
  });

  it("cannot smuggle a parent directory past the parser of the URL that is made of it", () => {
    expect(read("/sessions/x/files/..%2F..%2Fexecute")).toMatchObject({ ok: false });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(".", "/", "\\", "%", "?", "#", "a", "é", " ") }), (path) => {
        const parsed = read(`/sessions/x/files/${encodeURIComponent(path)}`);
        if (parsed.ok) {
          const url = new URL(`http://supervisor/raw/${encodePath(parsed.value["path"] ?? "")}`);
          expect(url.pathname.startsWith("/raw/")).toBe(true);
          expect(url.search + url.hash).toBe("");
        }
      }),
    );
  });
});

describe("a query", () => {
  it("is read as browsers write it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (values) => {
        expect(parseQuery(`?${new URLSearchParams(values).toString()}`)).toEqual({ ok: true, value: { ...values } });
      }),
    );
    expect(parseQuery("")).toEqual({ ok: true, value: {} });
    expect(parseQuery("?a&&b=")).toEqual({ ok: true, value: { a: "", b: "" } });
  });

  it("with malformed encoding or a name given twice is refused", () => {
    for (const search of ["?a=%", "?%zz=1", "?a=%ff", "?a=1&a=2", "?a=1&%61=2"]) {
      expect(parseQuery(search)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    }
  });
});
