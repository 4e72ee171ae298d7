// A real server that webhooks are sent to. Paths: `/hook/<name>` takes a delivery, after failing `?fail=<n>` of them with
// `?status=` (500); `/moved/<name>` redirects to it; `/received/<name>` lists what came, for who cannot look in here.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { IncomingMessage } from "node:http";
import type { ReceivedWebhook } from "./received-webhook.ts";

export interface WebhookReceiver {
  /** Such as `http://127.0.0.1:40001`. */
  readonly url: string;
  received(name: string): readonly ReceivedWebhook[];
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<WebhookReceiver> {
  const byName = new Map<string, ReceivedWebhook[]>();
  const received = (name: string): ReceivedWebhook[] => byName.get(name) ?? [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://receiver");
      const [, kind, name = ""] = url.pathname.split("/");
      if (kind === "received") return response.end(JSON.stringify(received(name)));
      if (kind === "moved") return response.writeHead(302, { location: `/hook/${name}` }).end();
      const body = await bodyOf(request);
      const fails = received(name).length < Number(url.searchParams.get("fail") ?? 0);
      const status = fails ? Number(url.searchParams.get("status") ?? 500) : 204;
      byName.set(name, [...received(name), { headers: headersOf(request), body, status }]);
      return response.writeHead(status).end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // SAFETY: without an encoding, a request gives buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
}
