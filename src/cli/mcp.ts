// The Model Context Protocol between stdio and Streamable HTTP: a pipe. Messages are a line each on stdin and stdout; each
// goes to the platform as a POST of its own, and what comes back, as JSON or as events, becomes lines.
// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { readEvents } from "../sdk/server-sent-events.ts";

export interface PipeOptions {
  /** Of the platform's MCP server. */
  readonly url: string;
  readonly apiKey: string;
  readonly input: Readable;
  /** Takes one message, without a line's end. */
  readonly output: (line: string) => Promise<void>;
  /** Ends it before its input does. */
  readonly signal: AbortSignal;
  /** What has no place in the protocol. */
  readonly log: (text: string) => void;
}

type Message = Readonly<Record<string, unknown>>;

const SESSION = "mcp-session-id";
const VERSION = "mcp-protocol-version";
/** JSON-RPC's own, and that of a server that could not be reached. */
const PARSE_ERROR = -32_700;
const UNREACHABLE = -32_000;
/** The platform is told that the connection has ended; nobody waits longer for that. */
const GOODBYE_MS = 5000;
const LISTEN_AGAIN_MS = 1000;

/** Resolves when the input has ended and all that was asked is answered, or at once when the signal says so. */
export async function pipeMcp(options: PipeOptions): Promise<void> {
  const pipe = new Pipe(options);
  const stopped = new Promise<void>((resolve) => options.signal.addEventListener("abort", () => resolve()));
  await Promise.race([carry(pipe, options.input), stopped]);
  await pipe.end();
}

async function carry(pipe: Pipe, input: Readable): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === "") continue;
    const task = pipe.forward(line);
    // The answer to the first message says which session the others belong to.
    if (pipe.begins(line)) await task;
    running.add(task);
    void task.finally(() => running.delete(task));
  }
  await Promise.all(running);
}

class Pipe {
  readonly #options: PipeOptions;
  readonly #leave = new AbortController();
  #session: string | null = null;
  #version: string | null = null;
  #listening = false;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  begins(line: string): boolean {
    return parse(line)?.["method"] === "initialize";
  }

  /** Sends one message and passes on what is answered. Never rejects: whoever asked is told by an error message. */
  async forward(line: string): Promise<void> {
    const message = parse(line);
    if (message === null) {
      await this.#tellError(null, PARSE_ERROR, "That is not a JSON object on a line of its own.");
      return;
    }
    // A notification has no answer, and neither has what answers the server.
    const wanted = message["method"] === undefined ? undefined : message["id"];
    let isAnswered = wanted === undefined;
    try {
      const response = await this.#fetch("POST", { body: line, headers: headersOf(message) });
      const session = response.headers.get(SESSION);
      if (session !== null) this.#session = session;
      if (!response.ok) {
        await this.#refuse(message, response);
        return;
      }
      await this.#pass(response, (told) => (isAnswered ||= told["method"] === undefined && told["id"] === wanted));
      if (!isAnswered) await this.#tellError(wanted, UNREACHABLE, "The platform has ended without an answer.");
      if (message["method"] === "notifications/initialized") this.#listen();
    } catch (error) {
      const reason = `The platform cannot be reached: ${String(error)}`;
      await this.#tellError(isAnswered ? undefined : wanted, UNREACHABLE, reason);
    }
  }

  /** The session is over; what is on its way is dropped. */
  async end(): Promise<void> {
    this.#leave.abort();
    if (this.#session === null) return;
    await this.#fetch("DELETE", { signal: AbortSignal.timeout(GOODBYE_MS) }).catch(() => {});
  }

  /** What the server has to say by itself. One that has no such stream says 405. */
  #listen(): void {
    if (this.#listening || this.#session === null) return;
    this.#listening = true;
    const run = async (): Promise<void> => {
      for (let last = ""; !this.#leave.signal.aborted;) {
        const headers: Record<string, string> = last === "" ? {} : { "last-event-id": last };
        const response = await this.#fetch("GET", { headers });
        if (!response.ok) return;
        for await (const { id, data } of readEvents(response)) {
          last = id;
          await this.#emit(data);
        }
        await new Promise((resolve) => setTimeout(resolve, LISTEN_AGAIN_MS).unref());
      }
    };
    run().catch((error: unknown) => {
      if (!this.#leave.signal.aborted)
        this.#options.log(`the server's own messages are no longer heard: ${String(error)}`);
    });
  }

  /** @param onMessage is told what was passed on */
  async #pass(response: Response, onMessage: (message: Message) => void): Promise<void> {
    const type = response.headers.get("content-type") ?? "";
    if (type.startsWith("text/event-stream")) {
      for await (const { data } of readEvents(response)) onMessage(await this.#emit(data));
      return;
    }
    const text = await response.text();
    if (type.startsWith("application/json")) onMessage(await this.#emit(text));
  }

  /** A message on a line of its own: in JSON, line breaks are only ever between tokens. */
  async #emit(text: string): Promise<Message> {
    // An event may have but an id.
    if (text.trim() === "") return {};
    const message = parse(text) ?? {};
    const version = memberOf(message["result"], "protocolVersion");
    if (typeof version === "string") this.#version = version;
    await this.#options.output(text.replaceAll(/[\r\n]+/g, " ").trim());
    return message;
  }

  async #refuse(message: Message, response: Response): Promise<void> {
    const text = await response.text();
    const told = parse(text);
    // The server's own words, where they are an answer to this message.
    if (told !== null && told["jsonrpc"] === "2.0" && message["id"] !== undefined) {
      await this.#options.output(JSON.stringify({ ...told, id: message["id"] }));
      return;
    }
    const error = memberOf(told?.["error"], "message");
    const reason = typeof error === "string" ? error : `${response.status} ${text.slice(0, 200)}`;
    await this.#tellError(message["id"], UNREACHABLE, reason);
  }

  /** A notification is not answered, also when it fails. */
  async #tellError(id: unknown, code: number, message: string): Promise<void> {
    if (id === undefined) this.#options.log(message);
    else await this.#options.output(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } }));
  }

  async #fetch(
    method: string,
    init: { readonly body?: string; readonly headers?: Record<string, string>; readonly signal?: AbortSignal },
  ): Promise<Response> {
    return await fetch(this.#options.url, {
      method,
      redirect: "manual",
      signal: init.signal ?? this.#leave.signal,
      headers: {
        authorization: `Bearer ${this.#options.apiKey}`,
        accept: "application/json, text/event-stream",
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
        ...(this.#session === null ? {} : { [SESSION]: this.#session }),
        ...(this.#version === null ? {} : { [VERSION]: this.#version }),
        ...init.headers,
      },
      ...(init.body === undefined ? {} : { body: init.body }),
    });
  }
}

function parse(text: string): Message | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** Which field of `params` the header `Mcp-Name` repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};
const PROTOCOL = "io.modelcontextprotocol/protocolVersion";

/**
 * From 2026-07-28 on each message says itself which version it is of, and headers repeat what servers and proxies want to
 * know without reading it. Of earlier ones there is nothing to repeat.
 */
function headersOf(message: Message): Record<string, string> {
  const { method, params } = message;
  const version = memberOf(memberOf(params, "_meta"), PROTOCOL);
  if (typeof version !== "string" || typeof method !== "string") return {};
  const name = Object.hasOwn(NAMED_BY, method) ? memberOf(params, NAMED_BY[method] ?? "") : undefined;
  return {
    [VERSION]: version,
    "mcp-method": method,
    ...(typeof name === "string" ? { "mcp-name": headerText(name) } : {}),
  };
}

/** As it is where a header can carry it, else as `=?base64?…?=`. */
function headerText(text: string): string {
  const carries = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?base64?");
  return carries ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

const memberOf = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
