// A `fetch` on Node's own HTTP, with as much of it as the SDK uses here. That of Node brings an HTTP client of its own, and
// to load it takes longer than a short command does.
import type * as http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Not by `import`, which would read every export of it, and one of them is that other client. */
export function httpFor(url: URL): typeof http {
  // SAFETY: `request` of the two differs in its options' types alone.
  return require(url.protocol === "https:" ? "node:https" : "node:http") as typeof http;
}

/** Bun's `fetch` is there from the start. */
export const fetchForNode = "bun" in process.versions ? undefined : lightFetch;

/** Follows no redirects. Bodies are text; what else is asked for is the real one's to do. */
async function lightFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const { method = "GET", headers = {}, body, signal } = init;
  if (!(typeof body === "string" || body === undefined || body === null)) return await fetch(url, init);
  const target = new URL(url);
  const options: http.RequestOptions = {
    method,
    headers: {
      // SAFETY: the SDK gives a plain object.
      ...(headers as Record<string, string>),
      ...(typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : {}),
    },
    ...(signal ? { signal } : {}),
  };
  const message = await new Promise<http.IncomingMessage>((resolve, reject) => {
    httpFor(target)
      .request(target, options, resolve)
      .once("error", reject)
      .end(body ?? undefined);
  });
  return answerOf(message);
}

function answerOf(message: http.IncomingMessage): Response {
  const status = message.statusCode ?? 0;
  const bytes = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const answer = {
    status,
    ok: status >= 200 && status < 300,
    type: "default",
    statusText: message.statusMessage ?? "",
    headers: {
      get(name: string): string | null {
        const value = message.headers[name.toLowerCase()];
        return value === undefined ? null : String(value);
      },
    },
    body: {
      getReader() {
        const chunks = message[Symbol.asyncIterator]();
        return {
          read: () => chunks.next(),
          cancel: () => Promise.resolve(void message.destroy()),
        };
      },
      cancel: () => Promise.resolve(void message.destroy()),
    },
    text: async () => (await bytes()).toString("utf8"),
    json: async () => JSON.parse((await bytes()).toString("utf8")) as unknown,
    arrayBuffer: async () => new Uint8Array(await bytes()).buffer,
  };
  // SAFETY: it is what the SDK reads of an answer, see src/sdk/transport.ts and server-sent-events.ts.
  return answer as unknown as Response;
}
