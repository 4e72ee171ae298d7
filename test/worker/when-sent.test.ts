import { expect, it, vi } from "vitest";
import { whenSent } from "../../src/session/when-sent.ts";

interface Relayed {
  /** As the container sees it, and as the client does. */
  readonly container: WebSocket;
  readonly client: WebSocket;
  readonly right: AbortController;
  readonly sent: number[];
  readonly ended: Promise<void>;
}

function relay(): Relayed {
  const { 0: passed, 1: container } = new WebSocketPair();
  const right = new AbortController();
  const sent: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { webSocket: client } = whenSent(new Response(null, { status: 101, webSocket: passed }), {
    ended: resolve,
    sent: (bytes) => sent.push(bytes),
    right: { expiresAt: Number.POSITIVE_INFINITY, revoked: right.signal, farewell: "it has ended" },
  });
  if (client === null) {
    throw new Error("no socket was given");
  }
  return { container, client, right, sent, ended: promise };
}

it("what a socket sends is counted in bytes, text as well", async () => {
  const { container, client, sent } = relay();
  const got = new Promise((resolve) => client.addEventListener("message", ({ data }) => resolve(data)));
  client.accept();
  container.accept();
  container.send("é€😀");
  expect(await got).toBe("é€😀");
  expect(sent).toEqual([9]);
  client.close();
});

it("a socket that was closed is held by nothing that outlives it", async () => {
  const { container, client, right, ended } = relay();
  const removed = vi.spyOn(right.signal, "removeEventListener");
  client.accept();
  container.accept();
  client.close(1000);
  await ended;
  expect(removed).toHaveBeenCalledWith("abort", expect.any(Function));
});

it("a socket whose right has ended is closed with the reason, on both sides", async () => {
  const { container, client, right, ended } = relay();
  const closed = [container, client].map(
    (socket) =>
      new Promise((resolve) => socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }))),
  );
  client.accept();
  container.accept();
  right.abort();
  await ended;
  const told = { code: 1008, reason: "it has ended" };
  expect(await Promise.all(closed)).toEqual([told, told]);
});
