// Loopback TCP listeners that lead into a container, one per port. The control port is joined byte by byte with the
// supervisor's socket, connections being kept alive. Any other port takes one request per connection, whose head and
// whose answer's head are rewritten (head.ts); what follows them is not looked at.
import { End, type Taken, dial, listen } from "../supervisor/net/pipe.ts";
import { exchange } from "./exchange.ts";
import { HEAD_BYTES, rewriteRequest } from "./head.ts";

export interface Relay {
  /** Such as "127.0.0.1:43210". */
  readonly address: string;
  /** Closes its connections too. */
  close(): void;
}

export type Target = { readonly control: string } | { readonly ports: string; readonly port: number };

/** How long a container that has just been launched may take until its supervisor listens. */
const READY_MS = 10_000;
const RETRY_MS = 2;
const HEAD = { maxBytes: HEAD_BYTES, timeoutMs: 30_000 };
const ANSWER = { maxBytes: HEAD_BYTES, timeoutMs: 30_000 };

export function openRelay(target: Target): Relay {
  const clients = new Set<End>();
  const server = listen({ hostname: "127.0.0.1", port: 0 }, (client) => {
    clients.add(client);
    client.onClose(() => clients.delete(client));
    return "control" in target ? toControl(client, target.control) : toPort(client, target.ports, target.port);
  });
  return {
    address: `127.0.0.1:${"port" in server ? server.port : 0}`,
    close: () => {
      server.stop();
      for (const client of clients) client.destroy();
    },
  };
}

async function toControl(client: End, path: string): Promise<void> {
  const supervisor = await dialSupervisor(path, client);
  if (supervisor === null) client.destroy();
  else End.join(client, supervisor);
}

async function toPort(client: End, path: string, port: number): Promise<void> {
  const [head, inside] = await Promise.all([client.take(rewriteRequest, HEAD), dialSupervisor(path, client)]);
  if (head !== null && inside !== null) {
    inside.write(Buffer.concat([Buffer.from(`${port}\n`), head]));
    if ((await inside.take(parseAnswer, ANSWER)) === true) return await exchange(client, inside);
  }
  inside?.destroy();
  client.destroy();
}

function parseAnswer(received: Buffer): Taken<boolean> | null {
  return received.length < 2 ? null : { value: received[0] === "+".charCodeAt(0), used: 2 };
}

/** Waits for a supervisor that is starting, or starting again: who asks at once after a start is held, not refused. */
async function dialSupervisor(path: string, client: End): Promise<End | null> {
  const deadline = Date.now() + READY_MS;
  while (!client.closed && Date.now() < deadline) {
    const supervisor = await dial({ unix: path });
    if (supervisor !== null) return supervisor;
    await Bun.sleep(RETRY_MS);
  }
  return null;
}
