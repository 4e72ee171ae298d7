// Server-sent events out of a stream of bytes, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them:
// lines end with CR, LF or both, wherever the bytes are cut.
import { BuntimeError } from "./error.ts";

export interface ServerEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  /** Of this event, or the last one before it that had one; "" where none had. */
  readonly id: string;
  readonly data: string;
}

/** Three heartbeats of the platform, which come every 15 s: a stream that is silent for longer has lost its connection. */
const SILENCE_MS = 45_000;

/** Of one event. The largest that the platform sends is an answer with two streams of a MiB each, escaped. */
const EVENT_CHARACTERS = 64 * 1024 * 1024;

/** Takes text in pieces of any size and gives the events that are complete. */
export class EventParser {
  /** The last one that there was, with an event or without. */
  id: string | undefined;
  #line = "";
  #data: string[] = [];
  #size = 0;
  #event = "";
  #id = "";
  /** The last piece ended with CR: an LF that follows belongs to it. */
  #afterReturn = false;

  /** @throws BuntimeError when one event is larger than any of the platform's */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let from = 0;
    if (this.#afterReturn && text !== "") {
      this.#afterReturn = false;
      from = text[0] === "\n" ? 1 : 0;
    }
    for (const ends = /\r\n?|\n/g; ; from = ends.lastIndex) {
      ends.lastIndex = from;
      const end = ends.exec(text);
      if (end === null) {
        break;
      }
      const line = this.#line + text.slice(from, end.index);
      this.#line = "";
      this.#afterReturn = end[0] === "\r" && ends.lastIndex === text.length;
      const event = this.#take(line);
      if (event !== null) {
        events.push(event);
      }
    }
    this.#line += text.slice(from);
    if (this.#line.length + this.#size > EVENT_CHARACTERS) {
      throw new BuntimeError("The platform sent an event that has no end.", { code: "invalid_response" });
    }
    return events;
  }

  #take(line: string): ServerEvent | null {
    if (line === "") {
      const event = { event: this.#event || "message", id: this.#id, data: this.#data.join("\n") };
      const complete = this.#data.length > 0;
      this.id = this.#id || undefined;
      this.#data = [];
      this.#size = 0;
      this.#event = "";
      return complete ? event : null;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "event") {
      this.#event = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    }
    return null;
  }
}

/**
 * The events of an answer as they come; comments keep it alive and are left out. Ends where the answer ends. The answer is
 * let go when the reader leaves.
 * @throws whatever breaks the connection; BuntimeError `invalid_response` where it has no events, `network_error` when nothing at all came for too long
 */
export async function* readEvents(response: Response, parser = new EventParser()): AsyncGenerator<ServerEvent, void> {
  const { body, headers, status } = response;
  if (body === null || !(headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    await body?.cancel();
    throw new BuntimeError("What answers is not the platform: it streams no events. Check the base URL.", {
      code: "invalid_response",
      status,
    });
  }
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), SILENCE_MS);
      yield* parser.push(decoder.decode(value, { stream: !done }));
      if (done) {
        return;
      }
    }
  } finally {
    // It may hang with the connection, and nobody needs to know how it went.
    void reader.cancel().catch(() => {});
  }
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new BuntimeError(`The platform has been silent for ${ms / 1000} s.`, { code: "network_error" })),
      ms,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
