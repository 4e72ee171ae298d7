// Answers of a container on their way out: when they have ended, how much went out, and that they end with the right of
// who asked to see them.
import type { Right } from "./key-rights.ts";
import { moveBytes } from "./moved-bytes.ts";

export interface Sending {
  /** Called when the body has been read to its end or let go, or the socket was closed. */
  readonly ended: () => void;
  /** Called with the size of what goes out and was not announced by a length: streams, and messages of sockets. */
  readonly sent: (bytes: number) => void;
  /** With which it was asked for. */
  readonly right: Right;
}

/** Of a length that is known the bytes are moved by the runtime itself, not in JavaScript. */
export function whenSent(response: Response, { ended, sent, right }: Sending): Response {
  if (response.webSocket !== null) {
    return relaySocket(response, { ended, sent, right });
  }
  if (response.body === null || isShort(response)) {
    ended();
    return response;
  }
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const signal = right.revoked;
  const { status, statusText, headers } = response;
  // What the user's server has encoded came as it is, and goes on so.
  const encodeBody = headers.has("content-encoding") ? "manual" : "automatic";
  if (Number.isSafeInteger(length) && length >= 0) {
    const { readable, writable } = new FixedLengthStream(length);
    response.body.pipeTo(writable, { signal }).then(ended, ended);
    return new Response(readable, { status, statusText, headers, encodeBody });
  }
  const { readable, writable } = new IdentityTransformStream();
  moveBytes(response.body, writable, { sent, signal }).then(ended, ended);
  return new Response(readable, { status, statusText, headers, encodeBody });
}

/** Sent at once, whatever the client does. */
const SHORT_BYTES = 64 * 1024;

function isShort(response: Response): boolean {
  const length = response.headers.get("content-length");
  return length !== null && Number(length) <= SHORT_BYTES;
}

/** Of RFC 6455. */
const POLICY_VIOLATION = 1008;

/** A WebSocket that was passed on could not be seen to close: its two ends are joined here. */
function relaySocket(response: Response, { ended, sent, right }: Sending): Response {
  const upstream = response.webSocket;
  if (upstream === null) {
    return response;
  }
  const { 0: client, 1: server } = new WebSocketPair();
  for (const socket of [upstream, server]) {
    socket.binaryType = "arraybuffer";
  }
  const over = (): void => {
    // The signal outlives the sockets, and would keep them.
    right.revoked.removeEventListener("abort", shut);
    ended();
  };
  const shut = (): void => {
    for (const socket of [server, upstream]) {
      attempt(() => socket.close(POLICY_VIOLATION, right.farewell));
    }
    over();
  };
  const mayPass = (): boolean => Date.now() < right.expiresAt;
  join(upstream, server, { ended: over, mayPass, shut, sent });
  join(server, upstream, { ended: over, mayPass, shut, sent: () => {} });
  right.revoked.addEventListener("abort", shut, { once: true });
  upstream.accept();
  server.accept();
  if (right.revoked.aborted) {
    shut();
  }
  return new Response(null, { status: response.status, headers: response.headers, webSocket: client });
}

interface Joint {
  readonly ended: () => void;
  readonly mayPass: () => boolean;
  readonly shut: () => void;
  readonly sent: (bytes: number) => void;
}

function join(from: WebSocket, to: WebSocket, { ended, mayPass, shut, sent }: Joint): void {
  from.addEventListener("message", ({ data }) => {
    if (mayPass()) {
      attempt(() => to.send(data));
      sent(bytesOf(data));
    } else {
      shut();
    }
  });
  from.addEventListener("close", ({ code, reason }) => {
    ended();
    attempt(() => (isSendable(code) ? to.close(code, reason) : to.close()));
  });
  from.addEventListener("error", () => {
    ended();
    attempt(() => to.close(1011, "the other side broke"));
  });
}

function bytesOf(data: string | ArrayBuffer): number {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength;
}

/** 1005 and 1006 say that no code came; they cannot be sent. */
function isSendable(code: number): boolean {
  return code >= 1000 && code !== 1005 && code !== 1006 && code !== 1015;
}

/** The other end may have gone. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Then its own close says so.
  }
}
