// The load generator: HTTP over kept connections with as little of its own time as node allows.
import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";

/** An idle connection is given up before workerd does so, after 5 s: that could meet a request on its way. */
const IDLE_MS = 2000;
const agent = new Agent({ keepAlive: true, maxSockets: 128, timeout: IDLE_MS });

export interface Call {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Resolves when the head of the answer is there. */
async function open({ url, method = "GET", headers = {}, body }: Call): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    httpRequest(url, { agent, method, headers: { ...length, ...headers } }, resolve)
      .once("error", reject)
      .end(body);
  });
}

/** The whole answer. @throws Error when it is not a 2xx */
export async function call(options: Call): Promise<Buffer> {
  const response = await open(options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (Math.floor((response.statusCode ?? 0) / 100) !== 2) {
    throw new Error(`${options.method ?? "GET"} ${options.url.pathname}: ${response.statusCode} ${body.toString()}`);
  }
  return body;
}

/** Reads the answer without keeping it, and counts its bytes. */
export async function drain(options: Call): Promise<number> {
  const response = await open(options);
  let bytes = 0;
  return await new Promise((resolve, reject) => {
    response.on("data", (chunk: Buffer) => (bytes += chunk.length));
    response.once("end", () => resolve(bytes));
    response.once("error", reject);
  });
}

/** Sends `sizeBytes` without ever holding more of them than one chunk. */
export async function upload(options: Omit<Call, "body"> & { readonly sizeBytes: number }): Promise<void> {
  const chunk = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  const { url, method = "PUT", headers = {}, sizeBytes } = options;
  const request = httpRequest(url, {
    agent,
    method,
    headers: { ...headers, "content-length": String(sizeBytes) },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  for (let left = sizeBytes; left > 0; left -= chunk.length) {
    const flowing = request.write(left >= chunk.length ? chunk : chunk.subarray(0, left));
    if (!flowing) await new Promise((resolve) => request.once("drain", resolve));
  }
  request.end();
  const response = await answered;
  response.resume();
  if (Math.floor((response.statusCode ?? 0) / 100) !== 2) throw new Error(`${url.pathname}: ${response.statusCode}`);
  await new Promise((resolve) => response.once("end", resolve));
}
