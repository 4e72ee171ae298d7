// The two pipes to the supervisor: requests on descriptor 3, events on 4, one JSON object a line. Written at once and
// directly, so nothing that a program does to its streams changes it.
import { writeSync } from "node:fs";
import { encodeJson } from "./json.ts";
import type { Raw } from "./json.ts";
import { waitFor } from "./waiting.ts";

const REQUESTS = 3;
const EVENTS = 4;
const NEWLINE = 10;

export interface Request {
  readonly op: string;
  readonly id: number;
  readonly [field: string]: unknown;
}

export type Event = Readonly<Record<string, Raw | string | number | boolean | null | readonly unknown[] | object>>;

/** Waits while the pipe is full: the supervisor reads, or it has gone, which is an error. */
export function writeAll(fd: number, text: string): void {
  drain(fd, { bytes: Buffer.from(text), sent: 0 });
}

interface Outgoing {
  readonly bytes: Uint8Array;
  sent: number;
}

function drain(fd: number, outgoing: Outgoing): void {
  while (outgoing.sent < outgoing.bytes.length) {
    try {
      outgoing.sent += writeSync(fd, outgoing.bytes, outgoing.sent);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // Somebody has made the pipe non-blocking.
      Bun.sleepSync(1);
    }
  }
}

/** An interrupt may fall between two writes of one event: the rest of it goes first then. */
let unfinished: Outgoing = { bytes: new Uint8Array(), sent: 0 };

export function sendEvent(event: Event): void {
  drain(EVENTS, unfinished);
  unfinished = { bytes: Buffer.from(`${encodeJson(event, Number.POSITIVE_INFINITY)}\n`), sent: 0 };
  drain(EVENTS, unfinished);
}

/** Read only between requests, so that an interrupt never falls into it. */
export class Requests {
  readonly #reader = Bun.file(REQUESTS).stream().getReader();
  #pieces: Uint8Array[] = [];
  readonly #lines: string[] = [];

  /** Turns the event loop, inside of `idle`, until there is one. Null: there will be no more. */
  next(idle: <T>(wait: () => T) => T): Request | null {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return JSON.parse(line) as Request;
      const coming = this.#reader.read();
      const read = idle(() => waitFor(coming));
      if (!("value" in read) || read.value.value === undefined) return null;
      this.#take(read.value.value);
    }
  }

  #take(bytes: Uint8Array): void {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#pieces.push(bytes.subarray(from, end));
      this.#lines.push(Buffer.concat(this.#pieces).toString("utf8"));
      this.#pieces = [];
      from = end + 1;
    }
    if (from < bytes.length) this.#pieces.push(bytes.slice(from));
  }
}
