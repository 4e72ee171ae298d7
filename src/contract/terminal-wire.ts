// What speaks over a terminal's WebSocket, without anything to be loaded: the supervisor and clients must stay small. The
// schemas of its messages are in terminal.ts.

/**
 * What a client offers as `Sec-WebSocket-Protocol`, and is answered with. Browsers cannot send `Authorization` with a
 * WebSocket: they offer the key as a second protocol, `new WebSocket(url, ["buntime.terminal", "buntime.key.<key>"])`.
 * A key is never a part of an address.
 */
export const TERMINAL_PROTOCOL = "buntime.terminal";
export const KEY_PROTOCOL = "buntime.key.";

/**
 * Why the platform has closed a socket, beside 1000: its program has ended. What is refused before there is a socket is
 * an HTTP answer, as everywhere. After any other code, such as 1006, coming back with `id` and `after` is the right thing.
 */
export const TERMINAL_CLOSE = {
  /** `error` before it says why: too many terminals or viewers, or the container refuses. */
  refused: 4000,
  /** No such terminal: it was closed, or has ended with its container while the session slept. */
  gone: 4004,
  /** The viewer does not keep up, or does not `ack`. It may come back at once with the sequence that it has. */
  behind: 4008,
  /** The viewer has been silent for too long. */
  silent: 4009,
  /** The terminal was closed by `DELETE`. */
  closed: 4010,
} as const;
