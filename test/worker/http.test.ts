import { env, SELF } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { answer } from "../../src/http/app.ts";
import { ask, createSession, expectProblem, KEY, previewUrl, visit } from "./client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the main door", () => {
  it("tells programs and people where things are, and that it lives", async () => {
    expect(await (await visit("http://localhost:8787/health")).json()).toEqual({ status: "ok" });
    expect(await (await visit("http://localhost:8787/")).json()).toMatchObject({ api: "http://localhost:8787/api" });
    const page = await visit("http://localhost:8787/", { headers: { accept: "text/html" } });
    expect(page.headers.get("content-type")).toContain("text/html");
    await expectProblem(await visit("http://localhost:8787/nothing"), "not_found");
    await expectProblem(await visit("http://localhost:8787/health", { method: "POST" }), "method_not_allowed");
  });

  it("gives the API's description without a key", async () => {
    const document = await (await visit("http://localhost:8787/api/openapi.json")).json<{ paths: object }>();
    expect(Object.keys(document.paths)).toContain("/execute");
  });
});

describe("a key", () => {
  it("is needed for everything else", async () => {
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      `Basic ${KEY}`,
      `Bearer ${KEY}x`,
      `Bearer ${KEY.slice(0, -1)}`,
      `Bearer ${KEY} x`,
      KEY,
    ];
    for (const authorization of wrong) {
      const response = await SELF.fetch("http://localhost:8787/api/sessions", { headers: { authorization } });
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      await expectProblem(response, "unauthorized");
    }
    await expectProblem(await SELF.fetch("http://localhost:8787/api/no-such-path"), "unauthorized");
  });

  it("that was never configured is named, and nobody gets in", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    for (const key of [undefined, "short"]) {
      const request = new Request("http://localhost:8787/api/sessions", {
        headers: { authorization: `Bearer ${key}` },
      });
      const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
      const response = await answer(
        request,
        { ...env, BUNTIME_API_KEY: key, BUNTIME_ADMIN_KEY: undefined } as never,
        ctx,
      );
      await expectProblem(response, "internal_error");
    }
    expect(logged.mock.calls.flat().join()).toContain("BUNTIME_API_KEY");
  });

  it("of the development account need not be there where the operator makes accounts", async () => {
    const request = new Request("http://localhost:8787/api/sessions", { headers: { authorization: `Bearer ${KEY}` } });
    const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
    await expectProblem(await answer(request, { ...env, BUNTIME_API_KEY: undefined } as never, ctx), "unauthorized");
  });
});

describe("every answer", () => {
  it("has a request id of its own, whatever id came in", async () => {
    const { id } = await createSession();
    const responses = await Promise.all([
      ask("GET", "/sessions", { headers: { "x-request-id": "mine" } }),
      ask("GET", "/nothing"),
      visit("http://localhost:8787/health"),
      visit(previewUrl(id), { headers: { "x-request-id": "mine" } }),
      visit("http://ses-x.evil/"),
    ]);
    const ids = responses.map((response) => response.headers.get("x-request-id") ?? "");
    expect(new Set(ids).size).toBe(responses.length);
    for (const requestId of ids) {
      expect(requestId).toMatch(/^req_[0-9a-z]{20}$/);
    }
  });
});

describe("a web page of any origin", () => {
  it("may ask first, without a key", async () => {
    const response = await SELF.fetch("http://localhost:8787/api/execute", {
      method: "OPTIONS",
      headers: {
        origin: "https://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-headers")).toBe("authorization, content-type");
    expect(response.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("may read answers and errors, with the headers that matter", async () => {
    for (const response of [await ask("GET", "/sessions"), await SELF.fetch("http://localhost:8787/api/sessions")]) {
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
    }
  });
});

describe("hostile hosts", () => {
  it("are refused with a code", async () => {
    const id = "0123456789abcdefghij";
    const hosts = [
      "ses-x.evil",
      `ses-${id}.evil.example`,
      "ses-x.localhost:8787",
      `ses-${id}-9797.localhost:8787`,
      `ses-${id}-0.localhost:8787`,
    ];
    for (const host of hosts) {
      await expectProblem(await visit(`http://${host}/api/sessions`), "not_found");
    }
  });

  it("cannot make a preview of a session that is not there", async () => {
    for (const host of ["ses-0123456789abcdefghij.localhost", "SES_0123456789ABCDEFGHIJ.LOCALHOST.:1234"]) {
      await expectProblem(await visit(`http://${host}/`), "session_not_found");
    }
  });
});

describe("paths and methods", () => {
  it("that are not there are 404 and 405, with what is possible", async () => {
    await expectProblem(await ask("GET", "/nothing"), "not_found");
    await expectProblem(await ask("GET", ""), "not_found");
    await expectProblem(await ask("GET", "/sessions/"), "not_found");
    const response = await ask("PUT", "/sessions", { body: "" });
    expect(response.headers.get("allow")).toBe("POST, GET, HEAD");
    await expectProblem(response, "method_not_allowed");
    await expectProblem(await ask("GET", "/execute"), "method_not_allowed");
  });

  it("that are hostile are 4xx with a code", async () => {
    const { id } = await createSession();
    const paths = [
      "/sessions/ses_UPPER",
      "/sessions/%00",
      "/sessions/%ff",
      "/sessions/%",
      "/sessions/..%2Fx",
      `/sessions/${"x".repeat(65)}`,
      `/sessions/${id}/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd`,
      `/sessions/${id}/files/a%00b`,
      `/sessions/${id}/files/%zz`,
      `/sessions/${id}/files/${"x".repeat(4097)}`,
      `/sessions/${id}/files/%2fetc%2fpasswd`,
      `/sessions/${id}/executions/exe_x`,
      `/files/read?sessionId=${id}&path=%ff`,
      `/files/read?sessionId=${id}&path=..%2Fx`,
      `/files/read?sessionId=${id}&path=a&path=b`,
      `/files/read?sessionId=${id}`,
      `/files/list?sessionId=${id}&recursive=yes`,
    ];
    for (const path of paths) {
      const response = await ask("GET", path);
      expect(response.status, path).toBe(400);
      await expectProblem(response, "invalid_request");
    }
  });
});

describe("hostile bodies", () => {
  it("are 4xx with a code, never a 500", async () => {
    const deep = `{"metadata":${'{"a":'.repeat(1000)}1${"}".repeat(1001)}`;
    const bodies = [
      "not json",
      "[]",
      "null",
      '"text"',
      "{",
      '{"ttl":300,"ttl":400}',
      '{"metadata":{"a":1,"\\u0061":2}}',
      '{"metadata":{"a":"\\ud800"}}',
      '{"metadata":{"\\udc00":1}}',
      '{"metadata":{"n":1e999}}',
      deep,
      new Uint8Array([0x7b, 0xff, 0x7d]),
    ];
    for (const body of bodies) {
      await expectProblem(await ask("POST", "/sessions", { body }), "invalid_request");
    }
  });

  it("of execute are told apart field by field", async () => {
    const { id } = await createSession();
    const bodies: object[] = [
      {},
      { code: "1", command: "true" },
      { code: 1 },
      { command: "" },
      { command: "a\0b" },
      { code: "1", timeout: 301 },
      { code: "1", timeout: 0 },
      { code: "1", timeout: "30" },
      { code: "1", env: { "NOT OK": "x" } },
      { code: "1", env: { A: "\0" } },
      { code: "1", env: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`A${index}`, ""])) },
      { code: "1", encoding: "latin1" },
      { code: "1", files: [{ path: "a", content: "!", encoding: "base64" }] },
      { code: "1", files: [{ path: "", content: "" }] },
      { code: "1", nonsense: true },
      { code: "1", sessionId: "ses_short" },
    ];
    for (const body of bodies) {
      await expectProblem(await ask("POST", "/execute", { body: { sessionId: id, ...body } }), "invalid_request");
    }
  });

  it("that are too large are 413 before they are read", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
    await expectProblem(await ask("POST", "/sessions", { body: endless }), "payload_too_large");
    expect(sent).toBeLessThan(90);
    const files = Array.from({ length: 1001 }, (_, index) => ({ path: `f${index}`, content: "" }));
    const { id } = await createSession();
    const details = await expectProblem(
      await ask("POST", "/files/write", { body: { sessionId: id, files } }),
      "payload_too_large",
    );
    expect(details).toEqual({ max: 1000 });
  });

  it("may name a key __proto__ without an effect", async () => {
    const response = await ask("POST", "/sessions", { body: '{"metadata":{"__proto__":{"polluted":1}}}' });
    expect(response.status).toBe(201);
    expect("polluted" in {}).toBe(false);
  });
});

describe("what nobody expected", () => {
  it("is an internal_error that tells the request's id and nothing else, and is logged once", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const broken = { ...env, ACCOUNT: undefined, BUNTIME_API_KEY: KEY } as never;
    const request = new Request("http://localhost:8787/api/sessions", { headers: { authorization: `Bearer ${KEY}` } });
    const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
    const response = await answer(request, broken, ctx);
    const requestId = response.headers.get("x-request-id") ?? "";
    const text = await response.clone().text();
    expect(text).not.toContain("getByName");
    await expectProblem(response, "internal_error");
    expect(logged).toHaveBeenCalledOnce();
    expect(logged.mock.calls[0]?.[0]).toContain(requestId);
  });
});
