// A viewer of a terminal, straight at a real supervisor.
import { newId } from "../../../src/contract/ids.ts";
import type { Terminal, TerminalCommand, TerminalEvent } from "../../../src/contract/terminal.ts";
import { until } from "../../support/until.ts";
import type { TestSupervisor } from "../process/harness.ts";

export interface ScreenOptions {
  readonly id?: string;
  readonly create?: boolean;
  readonly after?: number;
  readonly cols?: number;
  readonly rows?: number;
  readonly command?: string;
  readonly ack?: boolean;
}

/** Where a supervisor is, and what opens it. */
export interface Place {
  readonly address: string;
  readonly authorization: string;
}

export function placeOf({ port, token }: TestSupervisor): Place {
  return { address: `127.0.0.1:${port}`, authorization: `Bearer ${token}` };
}

type Of<T extends TerminalEvent["type"]> = Extract<TerminalEvent, { readonly type: T }>;

export class Screen {
  readonly id: string;
  readonly socket: WebSocket;
  readonly events: TerminalEvent[] = [];
  /** Everything that came as bytes. */
  output = Buffer.alloc(0);
  /** Acknowledges what comes, as it comes. */
  isReading = true;
  closed: { readonly code: number; readonly reason: string } | null = null;
  #pieces: Buffer[] = [];
  #received = 0;

  constructor({ address, authorization }: Place, { id, create = id === undefined, ...options }: ScreenOptions = {}) {
    this.id = id ?? newId("trm");
    const query = new URLSearchParams({ id: this.id, create: String(create), ack: "true" });
    for (const [name, value] of Object.entries(options)) query.set(name, String(value));
    this.socket = new WebSocket(`ws://${address}/terminal?${query.toString()}`, { headers: { authorization } });
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") {
        // SAFETY: what the contract says; tests look into it.
        this.events.push(JSON.parse(data) as TerminalEvent);
        return;
      }
      this.#pieces.push(Buffer.from(data));
      this.#received += data.byteLength;
      if (this.isReading) this.say({ type: "ack", sequence: this.sequence });
    });
    this.socket.addEventListener("close", ({ code, reason }) => (this.closed = { code, reason }));
  }

  /** What it has, and would come back with. */
  get sequence(): number {
    const begin = this.events.findLast((event) => event.type === "ready" || event.type === "replay");
    return (begin?.after ?? 0) + this.#received;
  }

  get bytes(): Buffer {
    if (this.#pieces.length > 0) {
      this.output = Buffer.concat([this.output, ...this.#pieces]);
      this.#pieces = [];
    }
    return this.output;
  }

  get text(): string {
    return this.bytes.toString();
  }

  type(keys: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(typeof keys === "string" ? Buffer.from(keys) : keys);
  }

  say(command: TerminalCommand | Record<string, unknown> | string): void {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(typeof command === "string" ? command : JSON.stringify(command));
    }
  }

  event<T extends TerminalEvent["type"]>(type: T): Promise<Of<T>> {
    return until(`the event ${type}`, () => this.find(type), { deadlineMs: 25_000 });
  }

  find<T extends TerminalEvent["type"]>(type: T): Of<T> | undefined {
    return this.events.find((event): event is Of<T> => event.type === type);
  }

  async ready(): Promise<Of<"ready">> {
    return await this.event("ready");
  }

  async shows(text: string | RegExp): Promise<void> {
    const isThere = (): boolean => (typeof text === "string" ? this.bytes.includes(text) : text.test(this.text));
    await until(`the terminal shows ${text}`, isThere, { deadlineMs: 25_000 });
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    return await until("the socket is closed", () => this.closed, { deadlineMs: 25_000 });
  }

  /** As a network does that breaks. */
  drop(): void {
    this.socket.terminate();
  }
}

export async function terminals(supervisor: TestSupervisor): Promise<Terminal[]> {
  return (await supervisor.json<{ terminals: Terminal[] }>("/terminals")).terminals;
}

/** What was printed before a freeze may still be on its way: resolves to the sequence at which it stays. */
export async function settledSequence(ask: () => Promise<number>): Promise<number> {
  let [last, times] = [-1, 0];
  await until("nothing is printed any more", async () => {
    const sequence = await ask();
    times = sequence === last ? times + 1 : 0;
    last = sequence;
    return times === 15;
  });
  return last;
}
