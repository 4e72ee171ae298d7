// Input that is wrong, broken or meant to harm: always a 4xx with a code, never a 500 and never a hang.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { readText } from "../../scripts/client.ts";
import { newSession, platformOfRun, problem, problemOf, refusal } from "../support/e2e.ts";

const client = platformOfRun();

/** A request with any host and path, as no fetch would send it. */
async function raw(options: {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}): Promise<{ status: number; text: string; headers: NodeJS.Dict<string | string[]> }> {
  const { method = "GET", path = "/", headers = {}, body } = options;
  const request = httpRequest({ host: client.url.hostname, port: client.url.port, method, path, headers });
  request.end(body);
  const [response] = await once(request, "response");
  return { status: response.statusCode, text: await readText(response), headers: response.headers };
}

const authorized = { authorization: `Bearer ${client.apiKey}` };

describe("keys", () => {
  test.each([
    {},
    { authorization: "" },
    { authorization: "Bearer" },
    { authorization: "Bearer btk_wrong" },
    { authorization: "Basic eDp5" },
  ])("%j is unauthorized", async (headers) => {
    const answer = await raw({ path: "/api/sessions", headers });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text).error.code).toBe("unauthorized");
  });

  test("the scheme's case does not matter, and a key too much does", async () => {
    expect((await raw({ path: "/api/sessions", headers: { authorization: `bearer ${client.apiKey}` } })).status).toBe(
      200,
    );
    expect((await raw({ path: "/api/sessions", headers: { authorization: `Bearer ${client.apiKey}x` } })).status).toBe(
      401,
    );
  });

  test("without a key nothing is told about a session", async () => {
    const { id } = await newSession(client);
    const [known, unknown] = await Promise.all([
      raw({ path: `/api/sessions/${id}` }),
      raw({ path: "/api/sessions/ses_00000000000000000000" }),
    ]);
    expect([known.status, unknown.status]).toEqual([401, 401]);
  });
});

describe("hosts", () => {
  const [name = "", port] = client.domain.split(":");
  const suffix = port === undefined ? "" : `:${port}`;

  test("api.<domain> is the API without its prefix", async () => {
    const answer = await raw({ path: "/sessions", headers: { ...authorized, host: `api.${client.domain}` } });
    expect([answer.status, Object.keys(JSON.parse(answer.text))]).toEqual([200, ["sessions", "total"]]);
  });

  test("any host has /api", async () => {
    for (const host of [client.domain, "example.com", name.toUpperCase() + suffix, `${name}.${suffix}`]) {
      expect([host, (await raw({ path: "/api/sessions", headers: { ...authorized, host } })).status]).toEqual([
        host,
        200,
      ]);
    }
  });

  test("a name that only looks like a session's is nobody's", async () => {
    const { id } = await newSession(client);
    const label = id.replace("_", "-");
    for (const host of [
      "ses-x.evil",
      `${label}.evil${suffix}`,
      `${label}.${name}.evil${suffix}`,
      `x.${label}.${client.domain}`,
      `${label}x.${client.domain}`,
      `${label}-.${client.domain}`,
      `${label}--3000.${client.domain}`,
      `ses-.${client.domain}`,
      `ses.${client.domain}`,
      `-.${client.domain}`,
      `ses-${"0".repeat(300)}.${client.domain}`,
      `..${client.domain}`,
      "[::1]",
      "%00",
    ]) {
      const { status } = await raw({ headers: { host } });
      expect([host, status >= 500], host).toEqual([host, false]);
      expect(status === 200 && host.includes("ses"), host).toBe(false);
    }
  });
});

describe("paths and methods", () => {
  test.each([
    "/api",
    "/api/",
    "/api/nothing",
    "/api/sessions/",
    "/api//sessions",
    "/api/execute/x",
    "/api/%",
    "/api/%00",
    "/api/%ff",
  ])("%s is a 4xx with a code", async (path) => {
    const answer = await raw({ path, headers: authorized });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(JSON.parse(answer.text).error.code).toMatch(/^[a-z_]+$/);
  });

  test("a method that a path does not have is 405 and names those it has", async () => {
    for (const [method, path, allowed] of [
      ["PUT", "/execute", "POST"],
      ["DELETE", "/sessions", "GET"],
      ["GET", "/execution/kill", "POST"],
    ] as const) {
      const response = await client.request(method, path);
      expect(response.headers.get("allow")).toContain(allowed);
      expect(await problemOf(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    }
  });

  test("a path of 100 KB, and a thousand query parameters, are a 4xx", async () => {
    const long = await raw({ path: `/api/sessions/${"x".repeat(100_000)}`, headers: authorized }).catch(() => ({
      status: 431,
    }));
    expect(Math.floor(long.status / 100)).toBe(4);
    const many = await raw({ path: `/api/sessions?${"limit=1&".repeat(1000)}`, headers: authorized });
    expect(many.status).toBeLessThan(500);
  });
});

describe("bodies", () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}): ReturnType<typeof raw> =>
    raw({
      method: "POST",
      path: "/api/execute",
      headers: { ...authorized, "content-type": "application/json", ...headers },
      body,
    });

  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["half a string", '{"code": "'],
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "7"],
    ["a string", '"code"'],
    ["two values", "{}{}"],
    ["a comment", '{"code": "1" /* hi */}'],
    ["NaN", '{"timeout": NaN}'],
    ["duplicate keys", '{"code": "1", "code": "2"}'],
    ["duplicate keys, deep", '{"code": "1", "env": {"A": "1", "A": "2"}}'],
    ["a lone surrogate", String.raw`{"code": "\ud800"}`],
    ["__proto__", '{"code": "1", "__proto__": {"command": "x"}}'],
    ["an unknown field", '{"code": "1", "cod": "2"}'],
    ["a wrong type", '{"code": 7}'],
    ["wrong types deep", '{"code": "1", "files": [{"path": ["a"], "content": "b"}]}'],
    ["a huge number", '{"code": "1", "timeout": 1e999}'],
    ["deep nesting", `{"code": "1", "env": ${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`],
    ["deep lists", "[".repeat(200_000)],
  ])("%s is invalid_request", async (_, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error.code).toBe("invalid_request");
  });

  test("bytes that are not UTF-8 are refused", async () => {
    const answer = await post(Buffer.concat([Buffer.from('{"code": "'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]));
    expect(answer.status).toBe(400);
  });

  test("a message names the field and what is wrong with it", async () => {
    const answer = await problem(client, "POST", "/execute", { json: { code: "1", timeout: "soon" } });
    expect(answer.message).toContain("timeout");
  });

  test("100 MB are 413, with and without a length, and the platform goes on", async () => {
    const megabyte = new Uint8Array(1024 * 1024).fill(32);
    let left = 100;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(megabyte) : controller.close()),
    });
    for (const body of [new Uint8Array(100 * 1024 * 1024), endless]) {
      const upload = client.request("POST", "/execute", { body, headers: { "content-type": "application/json" } });
      const tooLarge = { status: 413, code: "payload_too_large" };
      expect((await refusal(upload)) ?? tooLarge).toMatchObject(tooLarge);
    }
    expect((await client.request("GET", "/sessions")).status).toBe(200);
  });

  test("a body that never ends in time does not keep others waiting", async () => {
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(client.url.port), client.url.hostname);
      socket.write(
        `POST /api/execute HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${client.apiKey}\r\ncontent-length: 1000\r\n\r\n{`,
      );
      return socket;
    });
    expect((await client.request("GET", "/sessions")).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe("headers", () => {
  test.each([
    { range: "bytes=".padEnd(10_000, "9") },
    { "if-none-match": '"'.repeat(5000) },
    { "x-request-id": "\t evil <script>" },
    { "x-forwarded-host": "evil.example" },
    { "content-length-x": "1" },
    { accept: "text/html;q=banana" },
    { "accept-encoding": "nothing" },
    { expect: "weird" },
  ])("%j harms nothing", async (headers) => {
    const answer = await raw({ path: "/api/sessions", headers: { ...authorized, ...headers } });
    expect(answer.status).toBeLessThan(500);
  });

  test("what is no HTTP at all closes that connection and no other", async () => {
    for (const bytes of [
      "\0\0\0\0",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "POST /api/execute HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
    ]) {
      const socket = connect(Number(client.url.port), client.url.hostname);
      socket.on("error", () => undefined);
      socket.end(bytes);
      socket.resume();
      await once(socket, "close");
    }
    expect((await client.request("GET", "/sessions")).status).toBe(200);
  });
});

describe("every answer", () => {
  test("has a request id of its own, errors in their body too", async () => {
    const [good, bad] = await Promise.all([client.request("GET", "/sessions"), client.request("GET", "/nothing")]);
    expect(good.headers.get("x-request-id")).toMatch(/^req_/);
    expect(bad.headers.get("x-request-id")).toMatch(/^req_/);
    expect(JSON.parse(await bad.text()).error.requestId).toBe(bad.headers.get("x-request-id"));
    expect(good.headers.get("x-request-id")).not.toBe(bad.headers.get("x-request-id"));
  });

  test("may be read by a page of another origin, which may also send its key", async () => {
    const response = await client.request("GET", "/sessions", { headers: { origin: "https://app.example" } });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const preflight = await fetch(new URL("/api/execute", client.url), {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    expect(preflight.status).toBeLessThan(300);
    expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("authorization");
  });
});

describe("doors without a key", () => {
  test("/health says that it lives", async () => {
    expect((await fetch(new URL("/health", client.url))).status).toBe(200);
  });

  test("/api/openapi.json describes every route", async () => {
    const document = JSON.parse(await (await fetch(new URL("/api/openapi.json", client.url))).text());
    expect(document.openapi).toMatch(/^3\.1/);
    expect(Object.keys(document.paths).length).toBeGreaterThan(15);
  });
});
