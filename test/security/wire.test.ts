import { connect } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { previewLabel } from "../../src/contract/ids.ts";
import { readText } from "../../scripts/client.ts";
import { clientOf, run } from "./accounts.ts";
import { answersIn, exchange } from "./raw-socket.ts";

const client = clientOf("alice");
let sessionId = "";
let host = "";

/** Counts what it is asked for, and says so. */
const SERVER = `const seen = [];
Bun.serve({ port: 8080, async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/seen") return Response.json(seen);
  const body = await request.text().catch(() => "broken");
  seen.push(request.method + " " + pathname);
  return new Response("ok " + pathname + " " + body.length);
} });`;

beforeAll(async () => {
  ({ id: sessionId } = await client.createSession());
  host = `${previewLabel(sessionId)}.${run.domain}`;
  await client.execute({ sessionId, code: SERVER });
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

const hidden = (path = "/hidden"): string => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;

/** Framings that two servers in a row could read differently. */
const AMBIGUOUS: readonly (readonly [string, string, (inner: string) => string])[] = [
  ["a length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["chunks and a length", "transfer-encoding: chunked\r\ncontent-length: 200\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["two lengths", "content-length: 0\r\ncontent-length: 5\r\n", (inner) => inner],
  ["a list of lengths", "content-length: 0, 5\r\n", (inner) => inner],
  ["a signed length", "content-length: +0\r\n", (inner) => inner],
  ["a negative length", "content-length: -1\r\n", (inner) => inner],
  ["a hexadecimal length", "content-length: 0x0\r\n", (inner) => inner],
  ["a length past all numbers", "content-length: 18446744073709551616\r\n", (inner) => inner],
  ["a space before the colon", "content-length : 0\r\ntransfer-encoding: chunked\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["chunked written oddly", "transfer-encoding: xchunked\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["chunked twice", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["chunked after a vertical tab", "transfer-encoding:\u000bchunked\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["a folded header", "transfer-encoding:\r\n chunked\r\n", (inner) => `0\r\n\r\n${inner}`],
  ["a chunk size past all numbers", "transfer-encoding: chunked\r\n", (inner) => `fffffffffffffffff\r\n${inner}`],
  ["a negative chunk size", "transfer-encoding: chunked\r\n", (inner) => `-1\r\n${inner}`],
  ["a chunk without its end", "transfer-encoding: chunked\r\n", (inner) => `3\r\nabcX${inner}`],
  ["chunks in HTTP/1.0", "transfer-encoding: chunked\r\nconnection: keep-alive\r\n", (inner) => `0\r\n\r\n${inner}`],
];

describe("a request that two servers could read differently", () => {
  test.each(AMBIGUOUS)("%s: what was hidden in its body is never read as a request", async (name, headers, body) => {
    const version = name.endsWith("1.0") ? "HTTP/1.0" : "HTTP/1.1";
    const path = `/hidden/${encodeURIComponent(name)}`;
    const answer = await exchange(
      Buffer.from(`POST /outer ${version}\r\nhost: ${host}\r\n${headers}\r\n${body(hidden(path))}`, "latin1"),
    );
    const seen: string[] = JSON.parse(await readText(await client.preview(sessionId, "/seen")));
    expect(
      seen.filter((line) => line.includes(path)),
      answer,
    ).toEqual([]);
  });

  // RFC 9112, 2.2 lets a server take a bare line feed for the end of a line. Then that is what all of them here do.
  test("a bare line feed ends a line for every server on the way, so that what follows is one request with one answer", async () => {
    const text = await exchange(
      `POST /fed HTTP/1.1\r\nhost: ${host}\r\nx: y\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden("/fed/next")}`,
      { answers: 2 },
    );
    expect(answersIn(text)).toEqual([200, 200]);
    const seen: string[] = JSON.parse(await readText(await client.preview(sessionId, "/seen")));
    expect(seen.filter((line) => line.includes("/fed"))).toEqual(["POST /fed", "GET /fed/next"]);
  });

  test("an answer goes to who asked, also after such requests", async () => {
    for (const [, headers, body] of AMBIGUOUS.slice(0, 6)) {
      await exchange(Buffer.from(`POST /outer HTTP/1.1\r\nhost: ${host}\r\n${headers}\r\n${body(hidden())}`, "latin1"));
      const answers = await Promise.all(
        Array.from({ length: 5 }, async (_, index) => readText(await client.preview(sessionId, `/next${index}`))),
      );
      expect(answers).toEqual(answers.map((_, index) => `ok /next${index} 0`));
    }
  });

  test("a body that reads like a request stays a body on all its ways", async () => {
    const body = `0\r\n\r\n${hidden()}`;
    for (const headers of [{ "content-length": String(Buffer.byteLength(body)) }, { "transfer-encoding": "chunked" }]) {
      const response = await client.preview(sessionId, "/inner", { method: "POST", body, headers });
      expect(await readText(response)).toBe(`ok /inner ${body.length}`);
    }
  });

  test("header names and values with line breaks in them are refused or stay in their place", async () => {
    for (const line of ["x: a\rb: c", "x: a\0b", "x\0: a", "x y: a", ": a", "x: a\r\n\tb: c"]) {
      const text = await exchange(`GET /next HTTP/1.1\r\nhost: ${host}\r\n${line}\r\nconnection: close\r\n\r\n`);
      expect([line, answersIn(text).length <= 1, answersIn(text).some((status) => status >= 500)]).toEqual([
        line,
        true,
        false,
      ]);
    }
  });

  test("two Host headers, or none, are no way to another door", async () => {
    for (const hosts of [`host: ${host}\r\nhost: ${run.domain}\r\n`, `host: ${run.domain}\r\nhost: ${host}\r\n`, ""]) {
      const text = await exchange(`GET /api/sessions HTTP/1.1\r\n${hosts}connection: close\r\n\r\n`);
      expect(text).not.toContain('"sessions"');
      expect(answersIn(text).some((status) => status >= 500)).toBe(false);
    }
  });
});

describe("requests that are too much", () => {
  test.each([
    ["one header of 1 MB", `x: ${"a".repeat(1024 * 1024)}\r\n`],
    ["20,000 headers", "x: a\r\n".repeat(20_000)],
    ["a key of 200 KB", `authorization: Bearer ${"a".repeat(200_000)}\r\n`],
    ["a cookie of 200 KB", `cookie: buntime-preview=${"a".repeat(200_000)}\r\n`],
    ["a preview token of 200 KB", `x-preview-token: ${"btp_,".repeat(40_000)}\r\n`],
  ])("%s is a 4xx or the end of that connection, and the next is served", async (_, headers) => {
    for (const [name, path] of [
      [run.domain, "/api/sessions"],
      [host, "/next"],
    ] as const) {
      const text = await exchange(`GET ${path} HTTP/1.1\r\nhost: ${name}\r\n${headers}connection: close\r\n\r\n`);
      // A user's own server may refuse less than what the platform carries, by hanging up.
      const refused = name === host ? [502] : [];
      expect(answersIn(text).filter((status) => status >= 500 && !refused.includes(status))).toEqual([]);
    }
    expect((await client.request("GET", "/sessions")).status).toBe(200);
  });

  test("a URL of 1 MB is a 4xx or the end of that connection", async () => {
    for (const path of [`/api/sessions/${"a".repeat(1024 * 1024)}`, `/api/sessions?q=${"a".repeat(1024 * 1024)}`]) {
      const text = await exchange(`GET ${path} HTTP/1.1\r\nhost: ${run.domain}\r\nconnection: close\r\n\r\n`);
      expect(answersIn(text).filter((status) => status >= 500 || status < 400)).toEqual([]);
    }
  });
});

describe("requests that never end", () => {
  test("200 heads and bodies that do not come keep nobody else waiting", async () => {
    const { hostname, port } = new URL(run.url);
    const starts = [
      `GET /api/sessions HTTP/1.1\r\nhost: ${run.domain}\r\nx-slow: `,
      `POST /api/execute HTTP/1.1\r\nhost: ${run.domain}\r\nauthorization: Bearer ${client.apiKey}\r\ncontent-length: 100000\r\n\r\n{`,
      `POST /api/execute HTTP/1.1\r\nhost: ${run.domain}\r\ncontent-length: 100000\r\n\r\n{`,
      `POST /next HTTP/1.1\r\nhost: ${host}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab`,
    ];
    const sockets = Array.from({ length: 200 }, (_, index) => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      socket.write(starts[index % starts.length] ?? "");
      return socket;
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await client.request("GET", "/sessions")).status),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
    expect((await client.preview(sessionId, "/next")).statusCode).toBe(200);
    const executed = await clientOf("mallory").execute({ command: "echo through" });
    expect(executed.stdout).toBe("through\n");
    for (const socket of sockets) socket.destroy();
  });
});
