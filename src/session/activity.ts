// What a session is being used for at this moment. In memory only: an object that holds open calls is not evicted, and the
// time of the last one is stored once in a while by the lifecycle.

export class Activity {
  #open = 0;
  #lastAt: number;
  #changes = 0;

  constructor(lastAt: number) {
    this.#lastAt = lastAt;
  }

  /** When somebody last asked, or an open call last ended. */
  get lastAt(): number {
    return this.#lastAt;
  }

  get busy(): boolean {
    return this.#open > 0;
  }

  /** Grows with every call that may have changed files. */
  get changes(): number {
    return this.#changes;
  }

  noteChange(): void {
    this.#changes++;
  }

  note(at = Date.now()): void {
    this.#lastAt = at;
  }

  /** A call is open until what this returns is called; once or more often. */
  begin(): () => void {
    this.note();
    this.#open++;
    let ended = false;
    return () => {
      if (!ended) {
        ended = true;
        this.#open--;
        this.note();
      }
    };
  }
}

/**
 * The response, with `ended` called when its body has been read to its end or let go. The bytes are moved by the runtime
 * itself, not in JavaScript.
 */
export function whenSent(response: Response, ended: () => void): Response {
  if (response.webSocket !== null) {
    return relaySocket(response, ended);
  }
  // Encoded bytes would be decoded on their way through here.
  if (response.body === null || isShort(response) || response.headers.has("content-encoding")) {
    ended();
    return response;
  }
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const { readable, writable } =
    Number.isSafeInteger(length) && length >= 0 ? new FixedLengthStream(length) : new IdentityTransformStream();
  response.body.pipeTo(writable).then(ended, ended);
  return new Response(readable, response);
}

/** Sent at once, whatever the client does. */
const SHORT_BYTES = 64 * 1024;

function isShort(response: Response): boolean {
  const length = response.headers.get("content-length");
  return length !== null && Number(length) <= SHORT_BYTES;
}

/** A WebSocket that was passed on could not be seen to close: its two ends are joined here. */
function relaySocket(response: Response, ended: () => void): Response {
  const upstream = response.webSocket;
  if (upstream === null) {
    return response;
  }
  const { 0: client, 1: server } = new WebSocketPair();
  for (const socket of [upstream, server]) {
    socket.binaryType = "arraybuffer";
  }
  join(upstream, server, ended);
  join(server, upstream, ended);
  upstream.accept();
  server.accept();
  return new Response(null, { status: response.status, headers: response.headers, webSocket: client });
}

function join(from: WebSocket, to: WebSocket, ended: () => void): void {
  from.addEventListener("message", ({ data }) => attempt(() => to.send(data)));
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
