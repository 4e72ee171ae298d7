import { beforeAll, describe, expect, test } from "vitest";
import { NewPreviewToken } from "../../src/contract/preview.ts";
import { readText } from "../../scripts/client.ts";
import { clientOf, operator, run } from "./accounts.ts";
import { OPERATIONS, pathOf } from "./operations.ts";

const client = clientOf("alice");
let sessionId = "";
let token = "";

beforeAll(async () => {
  ({ id: sessionId } = await client.createSession({ preview: "private" }));
  await client.execute({
    sessionId,
    code: `Bun.serve({ port: 8080, fetch: (request) => Response.json(
      { path: new URL(request.url).pathname, headers: request.headers },
      { headers: { "set-cookie": "stolen=1; Domain=${run.domain.split(":")[0]}; Path=/", "access-control-allow-origin": "*" } },
    ) })`,
  });
  ({ token } = await client.ask(NewPreviewToken, "POST", `/sessions/${sessionId}/preview-tokens`, {}));
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

describe("a page that a session serves", () => {
  test("finds no API on its own host: every path there is its own server's", async () => {
    for (const path of ["/api/sessions", "/api/openapi.json", "/api/keys", "/mcp", "/console", "/health"]) {
      const response = await client.preview(sessionId, path, {
        headers: { "x-preview-token": token, authorization: `Bearer ${client.apiKey}` },
      });
      expect(JSON.parse(await readText(response)).path).toBe(path);
    }
  });

  test("has no right by any cookie: the API wants a key in a header, on every route", async () => {
    const cookie = [
      `stolen=1`,
      `buntime-preview=${token}`,
      `authorization=Bearer ${client.apiKey}`,
      `key=${client.apiKey}`,
    ].join("; ");
    for (const { name, route } of OPERATIONS) {
      const path = pathOf(route, new Proxy({}, { get: () => "ses_00000000000000000000", has: () => true }));
      const response = await fetch(new URL(`/api${path}`, run.url), {
        method: route.method.toUpperCase(),
        headers: { cookie, origin: `http://ses-x.${run.domain}`, "content-type": "application/json" },
        ...(route.body === undefined ? {} : { body: "{}" }),
      });
      expect([name, response.status], await response.text()).toEqual([name, 401]);
    }
  });

  test("gets no right from the address or the network that it is in", async () => {
    for (const headers of [
      { "x-forwarded-for": "127.0.0.1", "cf-connecting-ip": "127.0.0.1" },
      { authorization: `Basic ${Buffer.from(`x:${client.apiKey}`).toString("base64")}` },
      { "x-api-key": client.apiKey },
      { "x-buntime-account": run.accounts.alice.id },
      { "x-preview-token": token },
    ]) {
      const response = await fetch(new URL("/api/sessions", run.url), { headers });
      expect([Object.keys(headers)[0], response.status], await response.text()).toEqual([Object.keys(headers)[0], 401]);
    }
    for (const parameter of ["key", "api_key", "access_token", "token"]) {
      const response = await fetch(new URL(`/api/sessions?${parameter}=${client.apiKey}`, run.url));
      expect([parameter, response.status]).toEqual([parameter, 401]);
      await response.text();
    }
  });
});

describe("the API", () => {
  test("sets no cookie and never lets a browser send any, so that a page has only the rights of a key that it holds", async () => {
    const answers = await Promise.all([
      client.request("GET", "/sessions", { headers: { origin: "https://evil.example" } }),
      operator().request("GET", "/admin/accounts", { headers: { origin: "https://evil.example" } }),
      fetch(new URL("/api/sessions", run.url), {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "DELETE" },
      }),
    ]);
    for (const answer of answers) {
      expect(answer.headers.get("set-cookie")).toBeNull();
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      await answer.text();
    }
  });
});

describe("the cookie of a private preview", () => {
  test("is that host's alone: no Domain, no script reads it, no other site sends it", async () => {
    const response = await client.preview(sessionId, `/?token=${token}`, { headers: { accept: "text/html" } });
    response.resume();
    const [cookie = ""] = response.headers["set-cookie"] ?? [];
    expect([response.statusCode, response.headers.location?.includes("btp_")]).toEqual([302, false]);
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toMatch(/domain/i);
  });

  test("is not shown to the user's server, in no form", async () => {
    for (const [path, headers] of [
      [`/?token=${token}`, {}],
      ["/", { cookie: `buntime-preview=${token}; theirs=1` }],
      ["/", { "x-preview-token": token }],
    ] as const) {
      const response = await client.preview(sessionId, path, { headers });
      const text = await readText(response);
      expect([response.statusCode, text.includes("btp_")], text).toEqual([200, false]);
    }
  });

  test("opens neither another port, nor another session, nor the API, nor anything once it is revoked", async () => {
    const other = await client.createSession({ preview: "private" });
    const mine = await client.ask(NewPreviewToken, "POST", `/sessions/${sessionId}/preview-tokens`, { port: 3000 });
    const headers = { cookie: `buntime-preview=${mine.token}`, "x-preview-token": mine.token };
    const statusOf = async (id: string, port: number): Promise<number | undefined> => {
      const response = await client.preview(id, `/?token=${mine.token}`, { port, headers });
      response.resume();
      return response.statusCode;
    };
    expect(await statusOf(sessionId, 3000), "let in, and nothing listens").toBe(502);
    for (const [id, port] of [
      [sessionId, 8080],
      [sessionId, 3001],
      [other.id, 3000],
      [other.id, 8080],
    ] as const) {
      expect([id, port, await statusOf(id, port)]).toEqual([id, port, 401]);
    }
    const api = await client.request("GET", "/sessions", {
      headers: { ...headers, authorization: `Bearer ${mine.token}` },
    });
    expect(api.status).toBe(401);
    await client.request("DELETE", `/sessions/${sessionId}/preview-tokens/${mine.tokenId}`);
    expect(await statusOf(sessionId, 3000)).toBe(401);
    await client.request("DELETE", `/sessions/${other.id}`);
  });
});
