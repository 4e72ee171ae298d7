// One WebSocket to a terminal, from its opening to its end.
import type { TerminalCommand, TerminalEvent } from "./contract.ts";
import { BuntimeError } from "./error.ts";

/** What the SDK uses of a WebSocket. */
export interface TerminalWebSocket {
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
}

/** The `WebSocket` of a browser, of Node from 22 on, of Bun, Deno and Workers, and that of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => TerminalWebSocket;

/** Codes of the platform after which it is of no use to come back. See src/contract/terminal.ts. */
export const FINAL_CLOSE: Readonly<Record<number, string>> = {
  4000: "The terminal was refused.",
  4004: "The terminal is gone: it was closed, or has ended with its container.",
  4010: "The terminal was closed.",
};

/** The platform pings every 30 s. One that is silent for longer than two of them has lost its connection. */
const SILENCE_MS = 75_000;

/** @internal */
export interface SocketHandlers {
  readonly onEvent: (event: TerminalEvent) => void;
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Once, whatever happened. */
  readonly onClose: (code: number) => void;
}

/** @internal */
export class TerminalSocket {
  readonly #socket: TerminalWebSocket;
  readonly #handlers: SocketHandlers;
  #open = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws whatever the constructor throws */
  constructor(
    WebSocket: WebSocketConstructor,
    { url, apiKey, timeout }: { readonly url: string; readonly apiKey: string | undefined; readonly timeout: number },
    handlers: SocketHandlers,
  ) {
    // Browsers send no `Authorization` with a WebSocket, and an address ends up in logs.
    const protocols = ["buntime.terminal", ...(apiKey === undefined ? [] : [`buntime.key.${apiKey}`])];
    this.#handlers = handlers;
    this.#socket = new WebSocket(url.replace(/^http/, "ws"), protocols);
    this.#socket.binaryType = "arraybuffer";
    this.#heard(timeout);
    this.#socket.addEventListener("open", () => {
      this.#open = true;
    });
    this.#socket.addEventListener("message", ({ data }) => this.#take(data));
    this.#socket.addEventListener("close", ({ code }) => this.#end(code));
    // `close` follows, and says as much.
    this.#socket.addEventListener("error", () => {});
  }

  send(message: TerminalCommand | Uint8Array<ArrayBuffer>): void {
    if (this.#open && !this.#closed) {
      this.#socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
    }
  }

  close(code = 1000): void {
    this.#end(code);
    try {
      this.#socket.close(1000);
    } catch {
      // Some throw for a socket that is not open yet; it is let go all the same.
    }
  }

  #take(data: unknown): void {
    if (this.#closed) {
      return;
    }
    this.#heard(SILENCE_MS);
    if (typeof data !== "string") {
      // SAFETY: with this `binaryType` there is nothing else.
      this.#handlers.onBytes(new Uint8Array(data as ArrayBuffer));
      return;
    }
    try {
      const event = JSON.parse(data) as TerminalEvent;
      if (event.type === "ping") {
        this.send({ type: "pong" });
      }
      this.#handlers.onEvent(event);
    } catch {
      // Not the platform's words: what follows would not be understood either.
      this.close(1011);
    }
  }

  #heard(silenceMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(1006), silenceMs);
  }

  #end(code: number): void {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#timer);
      this.#handlers.onClose(code);
    }
  }
}

/** @throws BuntimeError `invalid_request` where the runtime has none and none was given */
export function webSocketOf(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found === undefined) {
    throw new BuntimeError(
      "This runtime has no WebSocket. Give the client one as `webSocket`: that of the package `ws`, say.",
      { code: "invalid_request" },
    );
  }
  return found;
}
