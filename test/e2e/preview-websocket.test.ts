// A session's WebSocket servers, with a real WebSocket client.
import { once } from "node:events";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { previewLabel } from "../../src/contract/ids.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();
let sessionId = "";

const SERVER = `
Bun.serve({
  port: 8080,
  fetch(request, server) {
    const protocol = request.headers.get("sec-websocket-protocol")?.split(",")[0];
    const data = { path: new URL(request.url).pathname, host: request.headers.get("host"), cookie: request.headers.get("cookie") };
    if (server.upgrade(request, { data, ...(protocol ? { headers: { "sec-websocket-protocol": protocol } } : {}) })) return;
    return new Response("no socket", { status: 426 });
  },
  websocket: {
    maxPayloadLength: 64 << 20,
    open(socket) { socket.send("hello " + socket.data.path); },
    message(socket, message) {
      if (message === "close") socket.close(4002, "asked to");
      else if (message === "who") socket.send(JSON.stringify(socket.data));
      else if (message === "flood") for (let i = 0; i < 1000; i++) socket.send("n" + i);
      else socket.send(message);
    },
    async close(socket, code, reason) { await Bun.write("closed.json", JSON.stringify({ code, reason })); },
  },
});`;

beforeAll(async () => {
  sessionId = (await client.createSession()).id;
  await client.execute({ sessionId, code: SERVER });
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

function connect(
  id: string,
  path = "/",
  options: { protocols?: string[]; headers?: Record<string, string>; port?: number } = {},
): WebSocket {
  const host = `${previewLabel(id, options.port)}.${client.domain}`;
  const socket = new WebSocket(`ws://${client.url.host}${path}`, options.protocols ?? [], {
    headers: { host, ...options.headers },
  });
  onTestFinished(() => {
    socket.on("error", () => undefined); // terminating one that is not open yet is an error to it
    socket.terminate();
  });
  return socket;
}

async function* messages(socket: WebSocket): AsyncGenerator<Buffer | string> {
  const queue: (Buffer | string)[] = [];
  let wake = (): void => undefined;
  socket.on("message", (data: Buffer, isBinary) => {
    queue.push(isBinary ? data : data.toString());
    wake();
  });
  for (;;) {
    const next = queue.shift();
    if (next !== undefined) yield next;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

async function next(stream: AsyncGenerator<Buffer | string>): Promise<Buffer | string> {
  const { value, done } = await stream.next();
  if (done === true) throw new Error("the socket has ended");
  return value;
}

describe("messages", () => {
  test("text and binary go both ways, unchanged and in order", async () => {
    const socket = connect(sessionId, "/chat");
    const incoming = messages(socket);
    expect(await next(incoming)).toBe("hello /chat");
    for (const text of ["one", "", "ü€𝄞", "x".repeat(200_000)]) {
      socket.send(text);
      expect(await next(incoming)).toBe(text);
    }
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(900_000, 7)]) {
      socket.send(bytes);
      expect(await next(incoming)).toEqual(bytes);
    }
    socket.send("flood");
    for (let index = 0; index < 1000; index++) expect(await next(incoming)).toBe(`n${index}`);
  });

  test("the program sees the public host, the path and the cookies", async () => {
    const socket = connect(sessionId, "/who", { headers: { cookie: "k=v" } });
    const incoming = messages(socket);
    await next(incoming);
    socket.send("who");
    expect(JSON.parse(String(await next(incoming)))).toEqual({
      path: "/who",
      host: `${previewLabel(sessionId)}.${client.domain}`,
      cookie: "k=v",
    });
  });

  test("a subprotocol is agreed on", async () => {
    const socket = connect(sessionId, "/", { protocols: ["vite-hmr", "other"] });
    await once(socket, "open");
    expect(socket.protocol).toBe("vite-hmr");
  });

  test("20 sockets at once do not mix", async () => {
    const sockets = Array.from({ length: 20 }, (_, index) => connect(sessionId, `/s${index}`));
    const greetings = await Promise.all(sockets.map((socket) => next(messages(socket))));
    expect(greetings).toEqual(sockets.map((_, index) => `hello /s${index}`));
  });
});

describe("closing", () => {
  test("the program's code and reason reach the client", async () => {
    const socket = connect(sessionId);
    await next(messages(socket));
    socket.send("close");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4002, "asked to"]);
  });

  test("the client's code and reason reach the program", async () => {
    const { id } = await newSession(client);
    await client.execute({ sessionId: id, code: SERVER });
    const socket = connect(id);
    await next(messages(socket));
    socket.close(4001, "bye");
    await once(socket, "close");
    const seen = await client.execute({
      sessionId: id,
      command: "until test -s closed.json; do sleep 0.02; done; cat closed.json",
    });
    expect(JSON.parse(seen.stdout)).toEqual({ code: 4001, reason: "bye" });
  });

  test("a program that dies closes the socket", async () => {
    const { id } = await newSession(client);
    await client.execute({ sessionId: id, code: SERVER });
    const socket = connect(id);
    await next(messages(socket));
    const closed = once(socket, "close");
    await client.request("POST", "/execution/kill", { json: { sessionId: id, signal: "SIGKILL" } });
    await closed;
  });
});

describe("no socket there", () => {
  const refused = async (socket: WebSocket): Promise<number> => {
    const [, response] = await once(socket, "unexpected-response");
    return response.statusCode;
  };

  test("a program that refuses the upgrade answers in its own words", async () => {
    const { id } = await newSession(client);
    await client.execute({
      sessionId: id,
      code: "Bun.serve({ port: 8080, fetch: () => new Response('no', { status: 403 }) })",
    });
    expect(await refused(connect(id))).toBe(403);
  });

  test("nothing listening is a 502, an unknown session a 404", async () => {
    expect(await refused(connect(sessionId, "/", { port: 3999 }))).toBe(502);
    expect(await refused(connect("ses_00000000000000000000"))).toBe(404);
  });
});
