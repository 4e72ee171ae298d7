// Byte pipes between sockets, with back-pressure and half-close. Bun's own sockets: a hop through node:net costs twice as
// much and has a long tail. Must not happen: a socket that is left open alone, or bytes read faster than they are sent.
import type { Socket, SocketHandler, TCPSocketListener, UnixSocketListener } from "bun";

export type Place = { readonly unix: string } | { readonly hostname: string; readonly port: number };

export interface Taken<T> {
  readonly value: T;
  /** How many of the bytes that were looked at are used up. */
  readonly used: number;
}

/** One end of a connection. It is read by take() first, if at all, then piped to another End. */
export class End {
  #socket: Socket<End> | null = null;
  /** Where what comes in goes, and from where what goes out comes. */
  #to: End | null = null;
  #from: End | null = null;
  /** Came in and is not piped yet. */
  #received: Buffer | null = null;
  #unsent: Buffer | null = null;
  #taking: (() => void) | null = null;
  /** No more bytes come in. */
  #ended = false;
  /** What to do once everything is sent. */
  #afterwards: "stay" | "finish" | "close" = "stay";
  #closed = false;
  readonly #onClose: (() => void)[] = [];

  get closed(): boolean {
    return this.#closed;
  }

  onClose(action: () => void): void {
    if (this.#closed) action();
    else this.#onClose.push(action);
  }

  /**
   * Reads until `parse`, given all that came in so far, makes something of it. What it does not use stays. Null when the
   * connection ends or is closed, or more than `maxBytes` or `timeoutMs` (default: none) pass before.
   */
  take<T>(
    parse: (received: Buffer) => Taken<T> | null,
    limits: { readonly maxBytes: number; readonly timeoutMs?: number },
  ): Promise<T | null> {
    return new Promise((resolve) => {
      const done = (value: T | null) => {
        clearTimeout(timer);
        this.#taking = null;
        this.#socket?.pause();
        resolve(value);
      };
      const timer = limits.timeoutMs === undefined ? undefined : setTimeout(() => done(null), limits.timeoutMs);
      this.#taking = () => {
        const received = this.#received;
        const taken = received === null ? null : parse(received);
        if (received !== null && taken !== null) {
          this.#received = taken.used < received.length ? received.subarray(taken.used) : null;
          return done(taken.value);
        }
        if (this.#ended || this.#closed || (received?.length ?? 0) > limits.maxBytes) done(null);
      };
      this.#taking();
      if (this.#taking !== null) this.#socket?.resume();
    });
  }

  /** False: not all is sent yet. The rest is kept. */
  write(bytes: Buffer | string): boolean {
    const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    if (this.#closed || all.length === 0) return true;
    if (this.#socket === null || this.#unsent !== null) {
      this.#unsent = this.#unsent === null ? all : Buffer.concat([this.#unsent, all]);
      return false;
    }
    const sent = Math.max(0, this.#socket.write(all));
    if (sent === all.length) return true;
    this.#unsent = all.subarray(sent);
    return false;
  }

  /** Sends what is left, then says that no more comes. The other direction stays open. */
  finish(): void {
    if (this.#afterwards === "stay") this.#afterwards = "finish";
    if (this.#unsent === null) this.#socket?.shutdown();
  }

  /** Sends what is left, then closes. */
  close(): void {
    this.#afterwards = "close";
    if (this.#unsent === null) this.#socket?.end();
  }

  /** Closes at once, and closes what it is piped with. */
  destroy(): void {
    this.#unsent = null;
    this.#afterwards = "close";
    this.#socket?.terminate();
    this.#close(false);
  }

  /** From now on the bytes of each go to the other, and neither outlives the other. */
  static join(a: End, b: End): void {
    End.pipe(a, b);
    End.pipe(b, a);
  }

  /** One direction of join(). */
  static pipe(from: End, to: End): void {
    from.#to = to;
    to.#from = from;
    const received = from.#received;
    from.#received = null;
    const sent = received === null || to.write(received);
    if (from.#closed) to.close();
    else if (to.#closed) from.close();
    else if (from.#ended) to.finish();
    else if (sent) from.#socket?.resume();
  }

  static readonly handlers: SocketHandler<End> = {
    binaryType: "buffer",
    open: (socket) => socket.data.#open(socket),
    data: (socket, bytes) => socket.data.#receive(bytes),
    drain: (socket) => socket.data.#drain(),
    end: (socket) => socket.data.#end(),
    close: (socket, error) => socket.data.#close(error !== undefined && error !== null),
    error: (socket) => socket.data.destroy(),
  };

  #open(socket: Socket<End>): void {
    this.#socket = socket;
    this.#drain();
  }

  #receive(bytes: Buffer): void {
    if (this.#to !== null) {
      if (!this.#to.write(bytes)) this.#socket?.pause();
      return;
    }
    this.#received = this.#received === null ? bytes : Buffer.concat([this.#received, bytes]);
    if (this.#taking === null) this.#socket?.pause();
    else this.#taking();
  }

  #drain(): void {
    const unsent = this.#unsent;
    this.#unsent = null;
    if (unsent !== null && !this.write(unsent)) return;
    if (this.#afterwards === "finish") this.#socket?.shutdown();
    else if (this.#afterwards === "close") this.#socket?.end();
    if (this.#from !== null) this.#from.#socket?.resume();
  }

  #end(): void {
    this.#ended = true;
    if (this.#to === null) this.#taking?.();
    else this.#to.finish();
  }

  #close(broken: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#taking?.();
    for (const other of new Set([this.#to, this.#from])) {
      if (broken) other?.destroy();
      else other?.close();
    }
    for (const action of this.#onClose) action();
  }
}

/** @throws what Bun.listen throws */
export function listen(
  place: Place,
  accept: (client: End) => Promise<void>,
): TCPSocketListener<End> | UnixSocketListener<End> {
  const socket: SocketHandler<End> = {
    ...End.handlers,
    open: (client) => {
      const end = new End();
      client.data = end;
      void End.handlers.open?.(client);
      accept(end).catch((error: unknown) => {
        console.error(error);
        end.destroy();
      });
    },
  };
  const options = { allowHalfOpen: true, socket };
  return "unix" in place ? Bun.listen<End>({ ...place, ...options }) : Bun.listen<End>({ ...place, ...options });
}

/** Null: nobody answers there. */
export async function dial(place: Place): Promise<End | null> {
  const end = new End();
  const options = { allowHalfOpen: true, data: end, socket: End.handlers };
  try {
    await ("unix" in place ? Bun.connect<End>({ ...place, ...options }) : Bun.connect<End>({ ...place, ...options }));
    return end;
  } catch {
    return null;
  }
}
