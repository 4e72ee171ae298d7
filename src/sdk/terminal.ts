// A terminal that stays: a connection that breaks is made anew behind the last byte, so that nothing is lost or seen twice.
import { pathOf } from "./address.ts";
import { errorOfCause } from "./answer.ts";
import type { TerminalClosed, TerminalEvent, TerminalExit } from "./contract.ts";
import { BuntimeError } from "./error.ts";
import { newTerminalId } from "./key.ts";
import { pause } from "./pause.ts";
import type { OpenTerminalInput, Terminals } from "./resources/terminals.ts";
import { FINAL_CLOSE, TerminalSocket } from "./terminal-socket.ts";
import type { WebSocketConstructor } from "./terminal-socket.ts";
import type { RequestOptions, Transport } from "./transport.ts";

export interface TerminalParts {
  readonly transport: Transport;
  readonly terminals: Terminals;
  readonly WebSocket: WebSocketConstructor;
}

type OnData = (data: Uint8Array) => void | Promise<void>;

/** What was taken in is told so often: the platform sends 512 KiB ahead of that and no more. */
const ACK_BYTES = 64 * 1024;
/** What is typed while there is no connection. */
const TYPED_BYTES = 1024 * 1024;
/** A connection is sought for so long. */
const LOST_MS = 60_000;
const SLOWEST_MS = 5000;

export class Terminal {
  readonly id: string;
  /** How its program ended. Rejects when the terminal is closed before, or lost. */
  readonly exited: Promise<TerminalExit>;
  readonly #parts: TerminalParts;
  readonly #input: OpenTerminalInput;
  readonly #options: RequestOptions;
  readonly #onData = new Set<OnData>();
  readonly #leave = new AbortController();
  #size: { readonly cols: number; readonly rows: number } | null = null;
  #socket: TerminalSocket | null = null;
  #connected = false;
  /** Bytes that have come, and those of them that were taken in. */
  #received: number;
  #taken = 0;
  #told = 0;
  readonly #queue: Uint8Array[] = [];
  #handing = false;
  #handed = Promise.resolve();
  #typed: Uint8Array<ArrayBuffer>[] = [];
  #typedBytes = 0;
  #exit: TerminalExit | null = null;
  #refusal: BuntimeError | null = null;
  #exists: boolean;
  #over = false;
  #opened: (error?: unknown) => void = () => {};
  #settle: { resolve(exit: TerminalExit): void; reject(error: unknown): void } | null = null;

  private constructor(parts: TerminalParts, input: OpenTerminalInput, options: RequestOptions) {
    this.#parts = parts;
    this.#input = input;
    this.#options = options;
    this.#exists = input.id !== undefined;
    this.id = input.id ?? newTerminalId();
    this.#received = input.after ?? 0;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.exited.catch(() => {});
  }

  /** Resolves when it is connected. */
  static async open(parts: TerminalParts, input: OpenTerminalInput, options: RequestOptions = {}): Promise<Terminal> {
    const terminal = new Terminal(parts, input, options);
    const opened = new Promise<void>((resolve, reject) => {
      terminal.#opened = (error) => (error === undefined ? resolve() : reject(error));
    });
    const { signal } = options;
    const aborted = (): void => terminal.#fail(errorOfCause(signal?.reason, signal));
    // Until the terminal is over: a signal may live longer.
    signal?.addEventListener("abort", aborted, { signal: terminal.#leave.signal });
    if (signal?.aborted === true) {
      aborted();
    }
    void terminal.#run();
    await opened;
    return terminal;
  }

  /**
   * Called with bytes as they are printed, from the first one on. Where it gives a promise, the next ones wait for it, and
   * in the end the program does. Returns what takes it away again.
   */
  onData(callback: OnData): () => void {
    this.#onData.add(callback);
    void this.#drain();
    return () => void this.#onData.delete(callback);
  }

  /** Called after all of the output, once. */
  onExit(callback: (exit: TerminalExit) => void): void {
    const tell = async (): Promise<void> => {
      const exit = await this.exited.catch(() => null);
      if (exit !== null) {
        callback(exit);
      }
    };
    void tell();
  }

  /** Typed to the program. While there is no connection up to 1 MiB is kept. @throws BuntimeError `conflict` beyond that */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    if (this.#connected) {
      this.#socket?.send(bytes);
      return;
    }
    if (this.#typedBytes + bytes.length > TYPED_BYTES) {
      throw new BuntimeError("The terminal has no connection, and no more of what is typed is kept.", {
        code: "conflict",
      });
    }
    this.#typed.push(bytes);
    this.#typedBytes += bytes.length;
  }

  /** For all of its viewers. */
  resize(cols: number, rows: number): void {
    this.#size = { cols, rows };
    if (this.#connected) {
      this.#socket?.send({ type: "resize", cols, rows });
    }
  }

  /** Ends its program, and closes it for all of its viewers. */
  async close(options?: RequestOptions): Promise<TerminalClosed> {
    const { sessionId } = this.#input;
    const closed = await this.#parts.terminals.close({ sessionId, terminalId: this.id }, options);
    this.#fail(new BuntimeError(FINAL_CLOSE[4010] ?? "", { code: "terminal_not_found" }));
    return closed;
  }

  /** Leaves it running. `client.terminal.open({ id, after })` comes back to it. */
  disconnect(): void {
    this.#fail(new BuntimeError("The terminal was left.", { code: "aborted" }));
  }

  /** Bytes of its output that were taken in: the `after` to come back with. */
  get sequence(): number {
    return this.#taken;
  }

  async #run(): Promise<void> {
    let lostAt = Date.now();
    for (let attempt = 1; !this.#over; attempt++) {
      const { code, wasReady, cause } = await this.#connection();
      if (this.#over) {
        return;
      }
      if (this.#exit !== null) {
        await this.#drain();
        this.#finish(this.#exit);
        return;
      }
      const final = FINAL_CLOSE[code];
      if (final !== undefined) {
        this.#fail(
          this.#refusal ?? new BuntimeError(final, { code: code === 4000 ? "conflict" : "terminal_not_found" }),
        );
        return;
      }
      if (wasReady) {
        attempt = 1;
        lostAt = Date.now();
      }
      const error = new BuntimeError(`The connection to terminal ${this.id} broke (${code}).`, {
        code: "network_error",
        cause,
      });
      try {
        if (!wasReady) {
          // A WebSocket that is refused does not say why; an ordinary request does.
          await this.#parts.terminals.list({ sessionId: this.#input.sessionId }, { signal: this.#leave.signal });
        }
        if (Date.now() - lostAt > LOST_MS) {
          throw error;
        }
        const delay = wasReady ? 0 : Math.min(SLOWEST_MS, this.#parts.transport.retryDelay * 2 ** (attempt - 1));
        this.#parts.transport.tellRetry({ attempt, delay, error });
        await pause(delay, this.#leave.signal);
      } catch (reason) {
        this.#fail(errorOfCause(reason, this.#options.signal));
      }
    }
  }

  /** From the opening of a connection to its end. */
  #connection(): Promise<{ code: number; wasReady: boolean; cause?: unknown }> {
    const { transport, WebSocket } = this.#parts;
    const { cols, rows } = this.#size ?? this.#input;
    const query = {
      id: this.id,
      ...(this.#exists ? {} : { create: true, command: this.#input.command }),
      after: this.#received,
      ack: true,
      cols,
      rows,
    };
    const url = transport.urlOf(`${pathOf(null, this.#input)}/terminal`, query);
    const timeout = this.#options.timeout ?? transport.timeout;
    return new Promise((resolve) => {
      let wasReady = false;
      try {
        this.#socket = new TerminalSocket(
          WebSocket,
          { url, apiKey: transport.apiKey, timeout },
          {
            onEvent: (event) => {
              wasReady ||= event.type === "ready";
              this.#take(event);
            },
            onBytes: (bytes) => {
              this.#received += bytes.length;
              this.#queue.push(bytes);
              void this.#drain();
            },
            onClose: (code) => {
              this.#connected = false;
              resolve({ code, wasReady });
            },
          },
        );
      } catch (cause) {
        resolve({ code: 1006, wasReady: false, cause });
      }
    });
  }

  #take(event: TerminalEvent): void {
    switch (event.type) {
      case "ready":
        this.#exists = true;
        this.#connected = true;
        this.#taken += event.after - this.#received;
        this.#received = event.after;
        this.#told = -1;
        this.#acknowledge();
        for (const bytes of this.#typed.splice(0)) {
          this.#socket?.send(bytes);
        }
        this.#typedBytes = 0;
        this.#opened();
        return;
      case "exit":
        this.#exit = { exitCode: event.exitCode, signal: event.signal, reason: event.reason };
        return;
      case "error":
        this.#refusal = new BuntimeError(event.error.message, {
          code: event.error.code,
          details: event.error.details ?? {},
        });
        return;
      case "replay":
      case "resize":
      case "ping":
      case "pong":
    }
  }

  /** Hands on what has come, one piece after the other, once there is somebody to take it. */
  #drain(): Promise<void> {
    if (!this.#handing) {
      this.#handed = this.#handOn();
    }
    return this.#handed;
  }

  async #handOn(): Promise<void> {
    this.#handing = true;
    try {
      while (this.#onData.size > 0) {
        const bytes = this.#queue.shift();
        if (bytes === undefined) {
          return;
        }
        await Promise.all(Array.from(this.#onData, async (callback) => callback(bytes)));
        this.#taken += bytes.length;
        this.#acknowledge();
      }
    } catch (error) {
      // Who takes the output in has failed; it is told to whoever waits for the end.
      this.#fail(error);
    } finally {
      this.#handing = false;
    }
  }

  #acknowledge(): void {
    if (this.#told < 0 || this.#taken - this.#told >= ACK_BYTES) {
      this.#told = this.#taken;
      this.#socket?.send({ type: "ack", sequence: this.#taken });
    }
  }

  #finish(exit: TerminalExit): void {
    this.#over = true;
    this.#leave.abort();
    this.#opened();
    this.#settle?.resolve(exit);
  }

  #fail(error: unknown): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#leave.abort(error);
    this.#socket?.close();
    this.#opened(error);
    this.#settle?.reject(error);
  }
}
