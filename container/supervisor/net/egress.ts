// The way out of a container of the embedded engine, which has no network: what user processes have as HTTP_PROXY. Every
// connection is joined with the engine's proxy on egress.sock, which decides where it may go.
import { End, dial, listen } from "./pipe.ts";

export const EGRESS_PORT = 3128;

export function listenEgress(path: string): { stop(): void } {
  return listen({ hostname: "127.0.0.1", port: EGRESS_PORT }, async (client) => {
    const engine = await dial({ unix: path });
    if (engine === null) client.destroy();
    else End.join(client, engine);
  });
}
