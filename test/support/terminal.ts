// A viewer of a session's terminal, through the public door.
import { WebSocket } from "ws";
import type { TerminalCommand, TerminalEvent } from "../../src/contract/terminal.ts";
import type { Client } from "../../scripts/client.ts";
import { until } from "./until.ts";

export interface ViewerOptions {
  readonly id?: string;
  readonly create?: boolean;
  readonly after?: number;
  readonly cols?: number;
  readonly rows?: number;
  readonly command?: string;
}

/** It acknowledges what comes, as it comes. */
const ACKNOWLEDGES = { ack: "true" } as const;

export interface ConnectOptions {
  readonly protocols?: readonly string[];
  /** Default: the client's key. */
  readonly headers?: Readonly<Record<string, string>>;
}

type Of<T extends TerminalEvent["type"]> = Extract<TerminalEvent, { readonly type: T }>;
const DEADLINE = { deadlineMs: 40_000 } as const;

export class TerminalViewer {
  readonly socket: WebSocket;
  readonly events: TerminalEvent[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  /** Of an answer that was no WebSocket. */
  refusal: { readonly status: number; readonly text: string } | null = null;
  #bytes = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #received = 0;

  constructor(client: Client, sessionRef: string, options: ViewerOptions = {}, connect: ConnectOptions = {}) {
    const query = new URLSearchParams(
      Object.entries({ ...ACKNOWLEDGES, ...options }).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const headers = connect.headers ?? { authorization: `Bearer ${client.apiKey}` };
    const url = `ws://${client.url.host}/api/sessions/${sessionRef}/terminal?${query.toString()}`;
    this.socket = new WebSocket(url, [...(connect.protocols ?? [])], { headers });
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) {
        // SAFETY: what the contract says; tests look into it.
        this.events.push(JSON.parse(data.toString()) as TerminalEvent);
        return;
      }
      this.#pieces.push(data);
      this.#received += data.length;
      this.say({ type: "ack", sequence: this.sequence });
    });
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on("error", () => undefined);
    this.socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => (this.refusal = { status: response.statusCode ?? 0, text }));
    });
  }

  get bytes(): Buffer {
    if (this.#pieces.length > 0) this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces.splice(0)]);
    return this.#bytes;
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** What it has, and would come back with. */
  get sequence(): number {
    return (this.find("ready")?.after ?? 0) + this.#received;
  }

  type(keys: string | Buffer): void {
    this.socket.send(Buffer.from(keys));
  }

  say(command: TerminalCommand | string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(typeof command === "string" ? command : JSON.stringify(command));
  }

  find<T extends TerminalEvent["type"]>(type: T): Of<T> | undefined {
    return this.events.find((event): event is Of<T> => event.type === type);
  }

  event<T extends TerminalEvent["type"]>(type: T): Promise<Of<T>> {
    return until(`the event ${type} (${JSON.stringify(this.refusal)})`, () => this.find(type), DEADLINE);
  }

  ready(): Promise<Of<"ready">> {
    return this.event("ready");
  }

  async shows(text: string): Promise<void> {
    await until(`the terminal shows ${JSON.stringify(text)}`, () => this.bytes.includes(text), DEADLINE);
  }

  end(): Promise<{ readonly code: number; readonly reason: string }> {
    return until("the socket is closed", () => this.closed, DEADLINE);
  }

  refused(): Promise<{ readonly status: number; readonly text: string }> {
    return until("the connection is refused", () => this.refusal, DEADLINE);
  }

  /** As a network does that breaks. */
  drop(): void {
    this.socket.terminate();
  }
}
