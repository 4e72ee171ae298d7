// ports.sock: how the embedded engine reaches a port of this container. A client sends "<port>\n" (what follows may
// come at once), gets "+\n" and is joined with 127.0.0.1:<port> or else [::1]:<port>; or gets "-\n" and the end.
import { End, type Taken, dial, listen } from "./pipe.ts";

const GREETING = { maxBytes: 6, timeoutMs: 30_000 };

/** The socket file's directory must be closed to user processes. */
export function listenPorts(path: string): { stop(): void } {
  return listen({ unix: path }, serve);
}

async function serve(client: End): Promise<void> {
  const port = await client.take(parseGreeting, GREETING);
  if (port === null || port < 1 || port > 65_535) return client.destroy();
  const upstream = (await dial({ hostname: "127.0.0.1", port })) ?? (await dial({ hostname: "::1", port }));
  if (upstream === null) {
    client.write("-\n");
    return client.close();
  }
  client.write("+\n");
  End.join(client, upstream);
}

function parseGreeting(received: Buffer): Taken<number> | null {
  const end = received.indexOf("\n");
  if (end === -1) return null;
  const text = received.toString("latin1", 0, end);
  return { value: /^\d{1,5}$/.test(text) ? Number(text) : 0, used: end + 1 };
}
