import { createServer } from "node:http";
import type { Server } from "node:http";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { previewLabel } from "../../src/contract/ids.ts";
import { readText } from "../../scripts/client.ts";
import { clientOf, run } from "./accounts.ts";
import { answersIn, exchange } from "./raw-socket.ts";

/** A server on this machine that nobody may be brought to. */
let canary: Server;
let canaryPort = 0;
const hits: string[] = [];
const client = clientOf("alice");
let sessionId = "";
let label = "";

beforeAll(async () => {
  canary = createServer((request, response) => {
    hits.push(`${request.method} ${request.headers.host}${request.url}`);
    response.end("canary");
  });
  await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
  const address = canary.address();
  canaryPort = typeof address === "object" && address !== null ? address.port : 0;
  ({ id: sessionId } = await client.createSession());
  label = previewLabel(sessionId);
  await client.execute({
    sessionId,
    code: `Bun.serve({ port: 8080, fetch: (request) => new Response("mine " + request.headers.get("host") + " " + new URL(request.url).pathname) })`,
  });
  return async () => {
    canary.close();
    await client.request("DELETE", `/sessions/${sessionId}`);
  };
});

/** Ways to write where the canary is. */
const canaryHosts = (): string[] =>
  [
    "127.0.0.1",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "127.0.0.1.",
    "user@127.0.0.1",
    "127.0.0.1%2f",
    "①②⑦.0.0.1",
  ].map((host) => `${host}:${canaryPort}`);

const authorization = (): string => `authorization: Bearer ${client.apiKey}\r\n`;

describe("the front door", () => {
  test("takes a Host header for a name, never for a place to go", async () => {
    for (const host of canaryHosts()) {
      for (const path of ["/", "/api/sessions", `//127.0.0.1:${canaryPort}/`, "/health"]) {
        const text = await exchange(
          Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${authorization()}connection: close\r\n\r\n`),
        );
        expect([host, path, text.includes("canary")]).toEqual([host, path, false]);
      }
    }
    expect(hits).toEqual([]);
  });

  test("takes a request line with a whole URL, and CONNECT, for itself or not at all", async () => {
    const host = run.domain;
    for (const target of [
      ...canaryHosts().map((name) => `http://${name}/`),
      `https://127.0.0.1:${canaryPort}/`,
      `ftp://127.0.0.1:${canaryPort}/`,
      `http://${label}.${run.domain}@127.0.0.1:${canaryPort}/`,
      `http:\\\\127.0.0.1:${canaryPort}\\`,
      `//127.0.0.1:${canaryPort}/`,
      `/\\127.0.0.1:${canaryPort}/`,
      "*",
    ]) {
      for (const method of ["GET", "POST"]) {
        const text = await exchange(
          Buffer.from(
            `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${authorization()}content-length: 0\r\nconnection: close\r\n\r\n`,
          ),
        );
        expect([target, text.includes("canary")]).toEqual([target, false]);
        expect([target, answersIn(text).some((status) => status >= 500 && status !== 501)]).toEqual([target, false]);
      }
    }
    const connect = await exchange(
      `CONNECT 127.0.0.1:${canaryPort} HTTP/1.1\r\nhost: 127.0.0.1:${canaryPort}\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    expect(connect).not.toContain("canary");
    expect(connect).not.toMatch(/^HTTP\/1\.1 2/);
    expect(hits).toEqual([]);
  });

  test("knows no host but its own as a preview, however it is built from one", async () => {
    const [name = "", port = ""] = run.domain.split(":");
    for (const host of [
      `${label}.127.0.0.1:${canaryPort}`,
      `${label}.${name}.127.0.0.1.nip.io:${canaryPort}`,
      `${label}.${name}:${canaryPort}.evil:${port}`,
      `${label}-127.0.0.1.${run.domain}`,
      `${label}-${canaryPort}-1.${run.domain}`,
      `${label}%2e127.0.0.1.${run.domain}`,
      `127.0.0.1.${label}.${run.domain}`,
      `${label}.[::1]:${canaryPort}`,
    ]) {
      const text = await exchange(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect([host, text.includes("canary"), text.includes("mine ")]).toEqual([host, false, false]);
    }
    expect(hits).toEqual([]);
  });
});

describe("a preview", () => {
  test("hands any path to that session's server and to nobody else's", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            "/",
            "//",
            "\\",
            "@",
            ":",
            "%2f",
            "%5c",
            "%00",
            "..",
            "%2e%2e",
            ";",
            "http:",
            "https://",
            "127.0.0.1",
            "localhost",
            "[::1]",
            `:${canaryPort}`,
            "9797",
            "#",
            "a",
          ),
          { minLength: 1, maxLength: 8 },
        ),
        async (parts) => {
          const path = `/${parts.join("")}`;
          const text = await readText(await client.preview(sessionId, path));
          // A URL that cannot be parsed is refused before; all others arrive where they were sent.
          if (!text.startsWith("mine ")) expect(text).toContain('"error"');
          else expect(text).toMatch(new RegExp(`^mine ${label}\\.`));
          expect(text).not.toContain("canary");
        },
      ),
      { numRuns: 300 },
    );
    expect(hits).toEqual([]);
  });

  test("of a port that is the platform's own on this machine is the session's port of that number", async () => {
    const { port } = new URL(run.url);
    for (const other of [Number(port), canaryPort]) {
      const response = await client.preview(sessionId, "/health", { port: other });
      expect([other, response.statusCode, (await readText(response)).includes("canary")]).toEqual([other, 502, false]);
    }
    expect(hits).toEqual([]);
  });
});

describe("a path of a file", () => {
  test("names a file, whatever it looks like", async () => {
    for (const path of [
      `//127.0.0.1:${canaryPort}/`,
      `http://127.0.0.1:${canaryPort}/`,
      `http:%2F%2F127.0.0.1:${canaryPort}%2F`,
      `@127.0.0.1:${canaryPort}/`,
      `..%2F..%2F..%2Fexecute`,
      `%2E%2E/%2E%2E/health`,
      `a?x#y`,
      `%3Fa=b`,
      `..%5C..%5Chealth`,
    ]) {
      for (const method of ["GET", "HEAD", "DELETE"]) {
        const text = await exchange(
          Buffer.from(
            `${method} /api/sessions/${sessionId}/files/${path} HTTP/1.1\r\nhost: ${run.domain}\r\n${authorization()}connection: close\r\n\r\n`,
          ),
        );
        const [status = 0] = answersIn(text);
        expect([method, path, status >= 400 && status < 500], text).toEqual([method, path, true]);
      }
    }
    expect(hits).toEqual([]);
  });

  test("cannot reach another route of the supervisor through an encoded dot, slash or question mark", async () => {
    for (const id of [
      "x%2F..%2Fhealth",
      "..%2Fhealth",
      "%3Fx",
      "x%23",
      "%2e%2e",
      "exe_00000000000000000000%2F..%2F..%2Fstats",
    ]) {
      for (const path of [
        `/sessions/${sessionId}/executions/${id}`,
        `/sessions/${sessionId}/executions/${id}/output`,
        `/sessions/${sessionId}/snapshots/${id}`,
      ]) {
        const response = await client.request("GET", path);
        expect([path, response.status >= 400 && response.status < 500], await response.text()).toEqual([path, true]);
      }
    }
  });
});
