import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { readFromProc, readListeningSockets } from "../../../container/supervisor/linux/listening-sockets.ts";

const listen = async (host: string): Promise<{ readonly port: number } & AsyncDisposable> => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, host, resolve);
  await promise;
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() };
};

test("a server is found as soon as it listens, over IPv4 and IPv6, as /proc has it", async () => {
  await using four = await listen("127.0.0.1");
  await using six = await listen("::1");
  const found = readListeningSockets();
  const slowly = readFromProc();
  for (const { port } of [four, six]) {
    const inodes = [...found].filter(([, listening]) => listening === port).map(([inode]) => inode);
    expect(inodes).toHaveLength(1);
    expect(slowly.get(inodes[0] ?? 0)).toBe(port);
  }
});

test("many servers are all found", async () => {
  await using servers = new AsyncDisposableStack();
  const ports = new Set<number>();
  for (let at = 0; at < 600; at++) ports.add(servers.use(await listen("127.0.0.1")).port);
  const found = new Set(readListeningSockets().values());
  expect(ports.isSubsetOf(found)).toBe(true);
});
