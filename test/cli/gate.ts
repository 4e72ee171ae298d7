// What stands before a platform while it is started anew: connections that come meanwhile wait for it, as at a load balancer,
// so that no test depends on how long a start takes.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export interface Gate {
  /** As BUNTIME_BASE_URL. */
  readonly baseUrl: string;
  close(): void;
  /** Ends all connections. */
  cut(): void;
  /** To a platform on this port, also for those who wait. */
  open(port: number): void;
  /** Connections, with those that wait. */
  readonly connections: number;
}

/** Closed at first. Ends with the test. */
export async function startGate(): Promise<Gate> {
  const open = new Set<Socket>();
  let way = Promise.withResolvers<number>();
  const pass = async (client: Socket): Promise<void> => {
    const port = await way.promise;
    if (client.destroyed) return;
    const upstream = connect(port, "127.0.0.1");
    upstream.on("error", () => {});
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  };
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => {});
    client.on("close", () => open.delete(client));
    void pass(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/api`,
    cut: () => {
      for (const socket of open) socket.destroy();
      open.clear();
    },
    get connections() {
      return open.size;
    },
    close: () => void (way = Promise.withResolvers<number>()),
    open: (to) => way.resolve(to),
  };
}
