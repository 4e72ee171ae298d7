// Byte pipes: nothing lost, nothing hoarded, nothing left open.
import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Server, type Socket, connect, createServer } from "node:net";
import { End, dial, listen } from "../../../container/supervisor/net/pipe.ts";
import { until } from "../../support/until.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** A server, and a pipe in front of it: connecting to the port reaches the server. */
async function pipeTo(serve: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const pipe = listen({ hostname: "127.0.0.1", port: 0 }, async (client) => {
    const upstream = await dial({ hostname: "127.0.0.1", port });
    if (upstream === null) client.destroy();
    else End.join(client, upstream);
  });
  opened.push({ close: () => pipe.stop(true) }, { close: () => server.close() });
  return "port" in pipe ? pipe.port : 0;
}

const client = (port: number) => connect({ port, host: "127.0.0.1", allowHalfOpen: true });
const digest = (bytes: Uint8Array) => Bun.hash(bytes);

/** Not by iteration, which closes a socket at its end. */
function readSlowly(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    socket.pause();
    setImmediate(() => socket.resume());
  });
  return new Promise((resolve) => socket.once("end", () => resolve(Buffer.concat(chunks))));
}

test("32 MB arrive whole both ways at the same time, at readers that are slow", async () => {
  const [up, down] = [randomBytes(32 << 20), randomBytes(32 << 20)];
  let received = Buffer.alloc(0);
  const port = await pipeTo((socket) => {
    socket.end(down);
    void readSlowly(socket).then((bytes) => (received = Buffer.from(bytes)));
  });
  const socket = client(port);
  socket.end(up);
  expect(digest(await readSlowly(socket))).toBe(digest(down));
  await until("all has arrived", () => received.length === up.length);
  expect(digest(received)).toBe(digest(up));
});

test("who has said that no more comes still gets its answer", async () => {
  const port = await pipeTo(
    (socket) => void readSlowly(socket).then((question) => socket.end(`you said ${question.toString()}`)),
  );
  const socket = client(port);
  socket.end("hello");
  expect((await readSlowly(socket)).toString()).toBe("you said hello");
});

test("a reader that stops reading stops the writer", async () => {
  let sent = 0;
  const port = await pipeTo((socket) => {
    const write = () => {
      while (socket.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    socket.on("drain", write).on("error", () => {});
    write();
  });
  const socket = client(port).on("error", () => {});
  socket.pause();
  let before = -1;
  await until("the writer stands still", async () => {
    const still = before === sent && sent > 0;
    before = sent;
    await Bun.sleep(100);
    return still;
  });
  expect(sent).toBeLessThan(32 << 20);
  socket.destroy();
});

test("a connection that is broken on one side is closed on the other", async () => {
  let closed = 0;
  const port = await pipeTo((socket) => {
    socket.on("error", () => {}).on("close", () => closed++);
    socket.on("end", () => socket.end());
    socket.resume();
  });
  const gone = client(port);
  await new Promise((resolve) => gone.once("connect", resolve));
  gone.resetAndDestroy();
  await until("the server's side is closed", () => closed === 1);

  const second = client(port);
  await new Promise((resolve) => second.once("connect", resolve));
  second.end();
  second.resume();
  await until("the server's side is closed", () => closed === 2);
});

test("reading a head gives up at its size, its time and the connection's end", async () => {
  const results: (string | null)[] = [];
  const server = listen({ hostname: "127.0.0.1", port: 0 }, async (end) => {
    results.push(
      await end.take((bytes) => (bytes.includes("\n") ? { value: bytes.toString(), used: bytes.length } : null), {
        maxBytes: 10,
        timeoutMs: 50,
      }),
    );
    end.destroy();
  });
  opened.push({ close: () => server.stop(true) });
  const port = "port" in server ? server.port : 0;
  for (const [index, text] of ["fine\n", "much too long", "slow", ""].entries()) {
    const socket = client(port).on("error", () => {});
    if (text === "") socket.end();
    else socket.write(text);
    await until("the head is read or given up", () => results.length === index + 1);
  }
  expect(results).toEqual(["fine\n", null, null, null]);
});
