// Answers of a container on their way out: when they have ended, and that they end with the visitor's right to see them.
import type { Admission } from "./preview-access.ts";

export interface Sending {
  /** Called when the body has been read to its end or let go, or the socket was closed. */
  readonly ended: () => void;
  /** Called with the size of what goes out over a socket. */
  readonly sent: (bytes: number) => void;
  /** What the visitor of a private preview was let in with; null where that is not needed. */
  readonly admission: Admission | null;
}

/** The bytes are moved by the runtime itself, not in JavaScript. */
export function whenSent(response: Response, { ended, sent, admission }: Sending): Response {
  if (response.webSocket !== null) {
    return relaySocket(response, { ended, sent, admission });
  }
  // Encoded bytes would be decoded on their way through here.
  if (response.body === null || isShort(response) || response.headers.has("content-encoding")) {
    ended();
    return response;
  }
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const { readable, writable } =
    Number.isSafeInteger(length) && length >= 0 ? new FixedLengthStream(length) : new IdentityTransformStream();
  response.body.pipeTo(writable, admission === null ? {} : { signal: admission.revoked }).then(ended, ended);
  return new Response(readable, response);
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
function relaySocket(response: Response, { ended, sent, admission }: Sending): Response {
  const upstream = response.webSocket;
  if (upstream === null) {
    return response;
  }
  const { 0: client, 1: server } = new WebSocketPair();
  for (const socket of [upstream, server]) {
    socket.binaryType = "arraybuffer";
  }
  const shut = (): void => {
    for (const socket of [server, upstream]) {
      attempt(() => socket.close(POLICY_VIOLATION, "the preview token has expired or was revoked"));
    }
    ended();
  };
  const mayPass = (): boolean => admission === null || Date.now() < admission.expiresAt;
  join(upstream, server, { ended, mayPass, shut, sent });
  join(server, upstream, { ended, mayPass, shut, sent: () => {} });
  admission?.revoked.addEventListener("abort", shut, { once: true });
  upstream.accept();
  server.accept();
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
      sent(typeof data === "string" ? data.length : data.byteLength);
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
