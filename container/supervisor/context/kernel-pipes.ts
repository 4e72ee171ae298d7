// The two pipes between the supervisor and an interpreter, JSON lines in both directions. Neither side can hold up the
// supervisor: what an interpreter does not read waits here, and a line without an end ends the reading.
import { closeSync, constants, openSync } from "node:fs";
import { CONTEXTS, ENV_VALUE_BYTES, ENV_VARIABLES, SOURCE_BYTES } from "../../../src/contract/limits.ts";
import { openPipe } from "../process/libc.ts";
import { Keyboard } from "../terminal/keyboard.ts";
import { parseEvent } from "./kernel-events.ts";
import type { KernelEvent } from "./kernel-events.ts";

/** JSON may write a character as six. */
const EXPANSION = 6;
const WAITING_BYTES = 2 * EXPANSION * (SOURCE_BYTES + ENV_VARIABLES * ENV_VALUE_BYTES);
const LINE_BYTES = 2 * CONTEXTS.resultBytes;
const NEWLINE = 10;

export class KernelPipes {
  /** What the interpreter gets as its descriptors 3 and 4. To be closed here, by release(), once it has them. */
  readonly theirs: readonly [requests: number, events: number];
  readonly #requests: number;
  readonly #events: number;
  readonly #typist: Keyboard;

  constructor() {
    const [requests, events] = [openPipe(), openPipe()];
    this.theirs = [requests.read, events.write];
    // Opened anew for us alone: the interpreter shall wait at its end, the supervisor must not at this one.
    this.#requests = openSync(`/proc/self/fd/${requests.write}`, constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(requests.write);
    this.#events = events.read;
    this.#typist = new Keyboard(this.#requests, WAITING_BYTES);
  }

  release(): void {
    for (const fd of this.theirs) closeSync(fd);
  }

  /** False where too much is waiting to be read. */
  send(request: Readonly<Record<string, unknown>>): boolean {
    return this.#typist.type(Buffer.from(`${JSON.stringify(request)}\n`));
  }

  /** Resolves when nobody can send any more, or what was sent is beyond reason. */
  async listen(onEvent: (event: KernelEvent) => void): Promise<void> {
    let parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const piece of Bun.file(this.#events).stream()) {
        let from = 0;
        for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
          const event = parseEvent(Buffer.concat([...parts, piece.subarray(from, end)]).toString("utf8"));
          [parts, bytes, from] = [[], 0, end + 1];
          if (event !== null) onEvent(event);
        }
        if (from === piece.length) continue;
        parts.push(piece.slice(from));
        bytes += piece.length - from;
        if (bytes > LINE_BYTES) return;
      }
    } finally {
      closeSync(this.#events);
    }
  }

  /** Nothing is asked any more: an interpreter that lives ends by itself. */
  close(): void {
    this.#typist.close();
    closeSync(this.#requests);
  }
}
