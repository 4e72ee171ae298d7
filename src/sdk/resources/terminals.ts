// Terminals of a session.
import { pathOf } from "../address.ts";
import type { OfSession } from "../address.ts";
import type { TerminalClosed, TerminalList } from "../contract.ts";
import { Terminal } from "../terminal.ts";
import { webSocketOf } from "../terminal-socket.ts";
import type { WebSocketConstructor } from "../terminal-socket.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface OpenTerminalInput extends OfSession {
  /** Of one that is there: come back to it. Default: a new one. */
  readonly id?: string | undefined;
  /** Default: as it is; 80 of a new one. */
  readonly cols?: number | undefined;
  /** Default: as it is; 24 of a new one. */
  readonly rows?: number | undefined;
  /** Of a new one, run by `sh -c`. Default: a login shell. */
  readonly command?: string | undefined;
  /** Bytes of its output that you have already. Default: 0, so that all that is kept comes again. */
  readonly after?: number | undefined;
}

export class Terminals {
  readonly #transport: Transport;
  readonly #webSocket: WebSocketConstructor | undefined;

  constructor(transport: Transport, webSocket: WebSocketConstructor | undefined) {
    this.#transport = transport;
    this.#webSocket = webSocket;
  }

  /** Resolves when it is connected. A connection that breaks later is made anew by itself, and nothing is lost. */
  async open(input: OpenTerminalInput, options?: RequestOptions): Promise<Terminal> {
    const parts = { transport: this.#transport, terminals: this, WebSocket: webSocketOf(this.#webSocket) };
    return Terminal.open(parts, input, options);
  }

  /** Oldest first. Wakes nothing. */
  list(input: OfSession & Paging, options?: RequestOptions): Promise<TerminalList> {
    const { limit, offset } = input;
    const path = `${pathOf(null, input)}/terminals`;
    return this.#transport.json({ method: "GET", path, query: { limit, offset }, options });
  }

  /** Ends its program, and closes it for all of its viewers. */
  close(
    { sessionId, terminalId }: OfSession & { readonly terminalId: string },
    options?: RequestOptions,
  ): Promise<TerminalClosed> {
    const path = `${pathOf(null, { sessionId })}/terminals/${encodeURIComponent(terminalId)}`;
    return this.#transport.json({ method: "DELETE", path, gone: { closed: true, terminalId }, options });
  }
}
