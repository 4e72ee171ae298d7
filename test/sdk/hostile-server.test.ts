// What answers is not the platform, or means ill: every call ends, as a BuntimeError.
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { Buntime, BuntimeError } from "../../src/sdk/index.ts";
import { httpAnswer } from "../support/unsteady-proxy.ts";

/** Writes the same to whoever has sent something; with null nothing at all. */
async function serverThatSays(says: string | Uint8Array | ((socket: Socket) => void)): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => (typeof says === "function" ? says(socket) : socket.end(says)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const clientOf = (baseUrl: string): Buntime =>
  new Buntime({ baseUrl, apiKey: "btk_x", maxRetries: 1, retryDelay: 1, timeout: 1500 });

/** One of each way to read an answer. */
const CALLS: Readonly<Record<string, (client: Buntime) => Promise<unknown>>> = {
  json: (client) => client.sessions.info({ sessionId: "a" }),
  execute: (client) => client.execute({ code: "1" }, { timeout: 1500 }),
  stream: (client) => client.execute.stream({ code: "1" }, { timeout: 1500 }).result,
  list: (client) => client.files.list({ sessionId: "a" }),
  events: async (client) => {
    for await (const _ of client.events.follow());
  },
};

async function errorOf(call: Promise<unknown>): Promise<BuntimeError> {
  const error: unknown = await call.then(
    (value) => new Error(`it gave ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BuntimeError);
  return error as BuntimeError;
}

const ANSWERS: Readonly<Record<string, [string | ((socket: Socket) => void), RegExp]>> = {
  "garbage instead of HTTP": ["\0\x01garbage\r\n\r\n", /^network_error$/],
  "garbage instead of JSON": [httpAnswer(200, "{nonsense"), /^invalid_response$/],
  "a page instead of JSON": [
    httpAnswer(200, "<!doctype html><h1>Welcome</h1>", { "content-type": "text/html" }),
    /^invalid_response$/,
  ],
  "a page that says 404": [httpAnswer(404, "<h1>Not Found</h1>"), /^invalid_response$/],
  "a page that says 502": [httpAnswer(502, "<h1>Bad Gateway</h1>"), /^invalid_response$/],
  "an error of another shape": [httpAnswer(400, '{"error":"no"}'), /^invalid_response$/],
  "an error that is null": [httpAnswer(400, '{"error":null}'), /^invalid_response$/],
  "nothing, and hangs up": ["", /^network_error$/],
  "half a head": ["HTTP/1.1 200 OK\r\ncontent-", /^network_error$/],
  "half a body": ['HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id":', /^(network_error|invalid_response)$/],
  "half a chunk": [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"id":',
    /^(network_error|invalid_response)$/,
  ],
  "a redirect": [httpAnswer(302, "", { location: "http://127.0.0.1:1/" }), /^invalid_response$/],
  "nothing, and waits": [() => {}, /^timeout$/],
  "a head without an end": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write(`x-${Math.random()}: ${"y".repeat(500)}\r\n`), 5);
      socket.on("close", () => clearInterval(timer));
    },
    /^(network_error|timeout)$/,
  ],
};

describe.each(Object.entries(ANSWERS))("a server that says %s", (_name, [says, code]) => {
  test.each(Object.entries(CALLS))("makes %s a BuntimeError", async (_call, call) => {
    const error = await errorOf(call(clientOf(await serverThatSays(says))));
    expect(error.code).toMatch(code);
    expect(error.message.length).toBeGreaterThan(10);
  });
});

test("a key is not sent where a redirect points", async () => {
  let asked = false;
  const other = await serverThatSays(() => void (asked = true));
  const client = clientOf(await serverThatSays(httpAnswer(307, "", { location: other })));
  expect((await errorOf(client.sessions.list())).message).toContain("redirect");
  expect(asked).toBe(false);
});

test("an execution's own time is added to the time-out, unless the call names one", async () => {
  const url = await serverThatSays(() => {});
  const client = new Buntime({ baseUrl: url, maxRetries: 0, timeout: 200 });
  const error = await errorOf(client.execute({ code: "1", timeout: 0.3 }));
  expect(error.message).toContain("within 500 ms");
  expect((await errorOf(client.execute({ code: "1" }, { timeout: 100 }))).message).toContain("within 100 ms");
});

test("no server is a network_error", async () => {
  expect(await errorOf(clientOf("http://127.0.0.1:1").sessions.list())).toMatchObject({
    code: "network_error",
    status: 0,
  });
});

test("a signal ends the wait between two tries at once", async () => {
  const leave = new AbortController();
  const client = new Buntime({ baseUrl: "http://127.0.0.1:1", retryDelay: 100_000, onRetry: () => leave.abort() });
  expect(await errorOf(client.sessions.list({}, { signal: leave.signal }))).toMatchObject({ code: "aborted" });
});

const EVENTS: readonly string[] = [
  'event: stdout\ndata: {"seq":1,"data":"a"}\n\n',
  "event: stdout\ndata: nonsense\n\n",
  'event: stdout\ndata: {"seq":"x","data":"a"}\n\n',
  'event: stdout\ndata: {"seq":1,"data":5}\n\n',
  'event: stdout\ndata: {"seq":2,"data":"%%%","encoding":"base64"}\n\n',
  "event: error\ndata: {}\n\n",
  'event: error\ndata: {"error":{"code":"disk_full","message":"No room."}}\n\n',
  "event: exit\ndata: null\n\n",
  "data: x\n\n",
  ":\n\n",
  "\0\r\r\n",
];

test("a stream of any nonsense ends, in an error or in what it said", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...EVENTS), { maxLength: 6 }), fc.boolean(), async (events, headers) => {
      const body = events.join("");
      const ids = headers ? { "buntime-session-id": "../x", "buntime-execution-id": "?y" } : {};
      const url = await serverThatSays(httpAnswer(200, body, { "content-type": "text/event-stream", ...ids }));
      const error = await errorOf(clientOf(url).execute.stream({ code: "1" }).result);
      expect(error.code).toMatch(/^(network_error|invalid_response|disk_full|internal_error)$/);
    }),
    { numRuns: 40 },
  );
});
