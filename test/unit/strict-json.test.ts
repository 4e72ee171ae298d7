import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, readJson } from "../../src/lib/strict-json.ts";

const DEPTH = 64;
const LIMITS = { bytes: 1000, depth: DEPTH };

function post(body: string | Uint8Array | ReadableStream<Uint8Array>, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers, duplex: "half" });
}

function streamOf(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) {
        controller.close();
      } else {
        controller.enqueue(chunk);
      }
    },
  });
}

describe("a body that is JSON", () => {
  it("means what JSON.parse says it means", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text, DEPTH)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it("is read whatever its spacing and its strings hold", () => {
    const nasty = fc.string({
      unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "a", "\n", "é", "😀", "\u2028"),
    });
    fc.assert(
      fc.property(fc.dictionary(nasty, fc.array(nasty)), fc.constantFrom(0, 2, "\t"), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseJson(text, DEPTH)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it("takes __proto__ for an ordinary key", () => {
    const result = parseJson('{"__proto__": {"admin": true}}', DEPTH);
    expect(result.ok && Object.hasOwn(Object(result.value), "__proto__")).toBe(true);
    expect(result.ok && "admin" in Object(result.value)).toBe(false);
  });

  it("may have equal keys in different objects", () => {
    expect(parseJson('{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": 3}}', DEPTH).ok).toBe(true);
  });
});

describe("a body that is not", () => {
  it("is refused wherever JSON.parse refuses it, and never by a throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:\\u0a1 \n')) }), (text) => {
        const result = parseJson(text, DEPTH);
        if (result.ok) {
          expect(result.value).toEqual(JSON.parse(text));
        } else {
          expect(result.error.code).toBe("invalid_request");
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is refused for a key that is there twice, however it is spelt", () => {
    for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{}, "c":[], "b":1}]', '{"":1,"":2}']) {
      expect(parseJson(text, DEPTH)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    }
  });

  it("is refused for nesting past the limit, before it is parsed", () => {
    expect(parseJson("[".repeat(DEPTH) + "]".repeat(DEPTH), DEPTH).ok).toBe(true);
    expect(parseJson("[".repeat(DEPTH + 1) + "]".repeat(DEPTH + 1), DEPTH).ok).toBe(false);
    expect(parseJson('{"a":'.repeat(1_000_000), DEPTH).ok).toBe(false);
  });

  it("is refused for a lone surrogate in a value or a key, and not for a pair", () => {
    expect(parseJson('["\\ud83d\\ude00"]', DEPTH)).toEqual({ ok: true, value: ["😀"] });
    for (const text of ['["\\ud83d"]', '{"x":{"\\uDE00":1}}', '{"a":["x\\udfffy"]}']) {
      expect(parseJson(text, DEPTH)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    }
  });
});

describe("reading", () => {
  it("takes an empty body for an empty object", async () => {
    expect(await readJson(post(" \n"), LIMITS)).toEqual({ ok: true, value: {} });
  });

  it("refuses a declared size above the limit without reading", async () => {
    const request = post("{}", { "content-length": "1001" });
    expect(await readJson(request, LIMITS)).toMatchObject({ ok: false, error: { code: "payload_too_large" } });
    expect(request.bodyUsed).toBe(false);
  });

  it("stops reading a body of unknown size at the limit", async () => {
    const chunks = Array.from({ length: 1000 }, () => new Uint8Array(100).fill(0x20));
    expect(await readJson(post(streamOf(chunks)), LIMITS)).toMatchObject({
      ok: false,
      error: { code: "payload_too_large" },
    });
    expect(chunks.length).toBeGreaterThan(900);
  });

  it("refuses bytes that are not UTF-8", async () => {
    expect(await readJson(post(new Uint8Array([0x22, 0xff, 0x22])), LIMITS)).toMatchObject({
      ok: false,
      error: { code: "invalid_request" },
    });
  });

  it("joins characters that are cut between chunks", async () => {
    const bytes = new TextEncoder().encode('{"a":"€"}');
    const chunks = [...bytes].map((byte) => new Uint8Array([byte]));
    expect(await readJson(post(streamOf(chunks)), LIMITS)).toEqual({ ok: true, value: { a: "€" } });
  });
});
