import { request as httpRequest } from "node:http";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { connect, MCP_URL, post, run } from "./connection.ts";

const PING = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
describe("The MCP endpoint", () => {
  it("refuses who has no key, and a wrong one", async ({ expect }) => {
    for (const authorization of ["", "Bearer btk_wrong000000000000", "Basic Zm9v"]) {
      const response = await post(PING, { authorization });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("answers what is no JSON-RPC with a JSON-RPC error", async ({ expect }) => {
    const bodies = ["{nope", "", "5", "null", '"text"', "{}", '{"jsonrpc":"1.0","id":1,"method":"ping"}', "\ud800"];
    for (const body of [...bodies, '{"jsonrpc":"2.0","id":1,"method":5}', `${"[".repeat(500)}${"]".repeat(500)}`]) {
      const response = await post(body);
      expect(response.status, body).toBe(400);
      expect(await response.json()).toMatchObject({ jsonrpc: "2.0", error: { code: expect.any(Number) } });
    }
    const twice = await post('{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}');
    expect(twice.status).toBe(400);
  });

  it("takes no batches, so that each message counts", async ({ expect }) => {
    const response = await post(`[${PING},${PING}]`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining("one message at a time") },
    });
  });

  it("refuses what is too large before it has read it all", async ({ expect }) => {
    const headers = {
      authorization: `Bearer ${run.apiKey}`,
      "content-type": "application/json",
      "content-length": 17 * 1024 * 1024,
    };
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(MCP_URL, { method: "POST", headers });
      request.once("error", reject).once("response", (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      // Only announced: nothing of it is sent.
      request.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it("refuses other media types, unknown versions and unknown methods", async ({ expect }) => {
    expect((await post(PING, { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(PING, { accept: "application/json" })).status).toBe(406);
    expect((await post(PING, { "mcp-protocol-version": "1999-01-01" })).status).toBe(400);
    const unknown = await post('{"jsonrpc":"2.0","id":1,"method":"no/such"}');
    expect(await unknown.text()).toContain("-32601");
    for (const [method, status] of [
      ["GET", 405],
      ["PUT", 405],
      ["DELETE", 400],
    ] as const) {
      const response = await fetch(MCP_URL, { method, headers: { authorization: `Bearer ${run.apiKey}` } });
      expect(response.status).toBe(status);
    }
  });

  it("knows no Mcp-Session-Id that it has not given out", async ({ expect }) => {
    const ids = ["1", "mcp_", `mcp_${"a".repeat(20)}_${"0".repeat(16)}`, "../..", "a".repeat(10_000)];
    for (const id of ids) {
      expect((await post(PING, { "mcp-session-id": id })).status).toBe(404);
    }
    expect(
      (
        await fetch(`${MCP_URL.href}?session=a%20b`, {
          method: "POST",
          body: PING,
          headers: { authorization: `Bearer ${run.apiKey}` },
        })
      ).status,
    ).toBe(400);
  });

  it("refuses web pages of other origins, previews among them, and lets its own in", async ({ expect }) => {
    const [name = ""] = run.domain.split(":");
    const foreign = [
      "http://evil.example",
      "null",
      `http://ses-${"a".repeat(20)}.${run.domain}`,
      `http://${name}.evil.example`,
    ];
    for (const origin of foreign) {
      const response = await post(PING, { origin });
      expect(response.status, origin).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
    const own = await post(PING, { origin: `http://${run.domain}` });
    expect(own.status).toBe(200);
    expect(own.headers.get("access-control-allow-origin")).toBe(`http://${run.domain}`);
    const preflight = await fetch(MCP_URL, {
      method: "OPTIONS",
      headers: { origin: `http://${run.domain}`, "access-control-request-headers": "authorization,mcp-session-id" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,mcp-session-id");
  });

  it("is found at the API's host as well, but neither through a preview nor below the API", async ({ expect }) => {
    const ask = (host: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = {
          host,
          authorization: `Bearer ${run.apiKey}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        };
        httpRequest({ host: MCP_URL.hostname, port: MCP_URL.port, path, method: "POST", headers })
          .once("error", reject)
          .once("response", (response) => resolve(response.resume().statusCode ?? 0))
          .end(PING);
      });
    expect(await ask(`api.${run.domain}`, "/mcp")).toBe(200);
    expect(await ask(`ses-${"a".repeat(20)}.${run.domain}`, "/mcp")).toBe(404);
    expect(await ask(run.domain, "/api/mcp")).toBe(404);
  });

  it("answers any arguments of any tool, and never with an internal error", async ({ expect }) => {
    const { client, call } = await connect();
    const { tools } = await client.listTools();
    // Whatever they say, they are about a session that is not there.
    const argument = fc.dictionary(
      fc.constantFrom("path", "content", "code", "command", "pid", "name", "snapshotId", "q", "limit", "port", "env"),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: "binary" }), fc.constantFrom(-1, 1e300, "\0", "../..")),
    );
    const session = fc.oneof(fc.constant("no-such-session"), fc.string());
    const calls = fc.tuple(fc.constantFrom(...tools.map(({ name }) => name)), argument, session);
    await fc.assert(
      fc.asyncProperty(calls, async ([name, given, session]) => {
        const result = await call(name, { ...given, session });
        expect(result.isError).toBe(true);
        expect(JSON.stringify(result)).not.toContain("internal_error");
      }),
      { numRuns: 60 },
    );
  });
});
