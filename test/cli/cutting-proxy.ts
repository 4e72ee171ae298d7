// A TCP proxy that breaks connections in the midst of what the platform sends.
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface CuttingProxy {
  /** As BUNTIME_BASE_URL. */
  readonly baseUrl: string;
  /** Connections that were broken. */
  readonly cuts: number;
}

export interface ProxyOptions {
  /** Each of the first `times` connections is broken once so many bytes of it have come back. */
  readonly afterBytes: number;
  readonly times: number;
  /** Nothing is passed on before. */
  readonly hold?: Promise<unknown>;
}

export async function startCuttingProxy(
  target: URL,
  { afterBytes, times, hold = Promise.resolve() }: ProxyOptions,
): Promise<CuttingProxy> {
  const state = { cuts: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    void hold.then(() => client.pipe(upstream));
    let passed = 0;
    upstream.on("data", (chunk: Buffer) => {
      const left = state.cuts < times ? afterBytes - passed : Number.POSITIVE_INFINITY;
      passed += chunk.length;
      if (passed < afterBytes || left === Number.POSITIVE_INFINITY) {
        if (!client.write(chunk)) {
          upstream.pause();
          client.once("drain", () => upstream.resume());
        }
        return;
      }
      state.cuts += 1;
      upstream.pause();
      // What came before the break arrives.
      client.write(chunk.subarray(0, Math.max(0, left)), () => client.resetAndDestroy());
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/api`,
    get cuts() {
      return state.cuts;
    },
  };
}
