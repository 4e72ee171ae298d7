// What the demo and the end-to-end tests speak to a platform with: plain HTTP, every answer checked against the contract.
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type * as z from "zod";
import { ExecuteAnswer } from "../src/contract/execute.ts";
import type { ExecuteRequest } from "../src/contract/execute.ts";
import { previewLabel } from "../src/contract/ids.ts";
import { Session } from "../src/contract/session.ts";
import type { CreateSession } from "../src/contract/session.ts";

export interface RequestOptions {
  readonly json?: unknown;
  readonly body?: NonNullable<RequestInit["body"]>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface PreviewOptions {
  /** Default 8080, the session's own preview. */
  readonly port?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable;
}

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** An answer that was not a 2xx. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(call: string, status: number, text: string) {
    super(`${call} answered ${status}: ${text.slice(0, 1000)}`);
    this.status = status;
    this.body = text;
  }
}

export class Client {
  /** Where the platform is reached. */
  readonly url: URL;
  readonly apiKey: string;
  /** What previews are subdomains of. */
  readonly domain: string;

  constructor(options: { readonly url: string; readonly apiKey: string; readonly domain: string }) {
    this.url = new URL(options.url);
    this.apiKey = options.apiKey;
    this.domain = options.domain;
  }

  /** Any answer, whatever its status. `path` is relative to `/api`. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const { json, body = json === undefined ? undefined : JSON.stringify(json), headers, signal } = options;
    return await fetch(new URL(`/api${path}`, this.url), {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body, duplex: "half" }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** A successful answer's JSON. @throws ApiError otherwise */
  async ask<T>(schema: z.ZodType<T>, method: string, path: string, json?: unknown): Promise<T> {
    const response = await this.request(method, path, { json });
    const text = await response.text();
    if (!response.ok) throw new ApiError(`${method} ${path}`, response.status, text);
    return schema.parse(JSON.parse(text));
  }

  async createSession(body: z.input<typeof CreateSession> = {}): Promise<Session> {
    return await this.ask(Session, "POST", "/sessions", body);
  }

  async execute(body: z.input<typeof ExecuteRequest>): Promise<ExecuteAnswer> {
    return await this.ask(ExecuteAnswer, "POST", "/execute", body);
  }

  /** The events of an execute with `stream: true`, as they come. */
  async *stream(body: z.input<typeof ExecuteRequest>, signal?: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.request("POST", "/execute", {
      json: { ...body, stream: true },
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw new ApiError("POST /execute", response.status, await response.text());
    yield* events(response);
  }

  /** A request to a session's preview. Its host name need not resolve: it goes to the platform's address. */
  async preview(sessionId: string, path: string, options: PreviewOptions = {}): Promise<IncomingMessage> {
    const { port, method = "GET", headers, body } = options;
    const host = `${previewLabel(sessionId, port)}.${this.domain}`;
    return await new Promise((resolve, reject) => {
      const whole = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
      // Without it node sends the body of a DELETE or OPTIONS unframed.
      const length = whole && body !== undefined ? { "content-length": String(Buffer.byteLength(body)) } : {};
      const request = httpRequest(
        {
          host: this.url.hostname,
          port: this.url.port,
          path,
          method,
          headers: { host, ...length, ...headers },
        },
        resolve,
      );
      request.once("error", reject);
      if (whole) request.end(body);
      else body.pipe(request);
    });
  }
}

/** Server-sent events, comments left out. */
export async function* events(response: Response): AsyncGenerator<ServerEvent> {
  let rest = "";
  if (response.body === null) return;
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split("\n")
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).replace(/^ /, ""))
          .join("\n");
      if (field("data") !== "") yield { id: field("id"), event: field("event"), data: field("data") };
    }
  }
}

export async function readText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
