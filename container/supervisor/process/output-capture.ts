// Reads one output pipe of a process to its end, as fast as the process prints.
import { closeSync } from "node:fs";
import { isEmptyPipe } from "./libc.ts";
import { cutAt, unfinishedTail } from "./utf8.ts";

export class OutputPipe {
  #fd: number | null;

  /** Owns `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Calls `onBytes` with pieces that never end inside a UTF-8 character, and reads on when the promise that it may give
   * has resolved. Resolves once the pipe is closed.
   */
  async capture(onBytes: (bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    const fd = this.#fd;
    if (fd === null) return;
    let held = new Uint8Array(0);
    try {
      for await (const piece of Bun.file(fd).stream()) {
        const bytes = held.length === 0 ? piece : Buffer.concat([held, piece]);
        const whole = bytes.length - unfinishedTail(bytes);
        held = bytes.slice(whole);
        const taken = whole > 0 ? onBytes(bytes.subarray(0, whole)) : undefined;
        if (taken !== undefined) await taken;
      }
    } finally {
      this.#fd = null;
      closeSync(fd);
    }
    if (held.length > 0) await onBytes(held);
  }

  /** All that was printed has been read. It is with `onBytes` by the next turn of the event loop. */
  isEmpty(): boolean {
    return this.#fd === null || isEmptyPipe(this.#fd);
  }
}

/** The first `limit` bytes of a stream, for the answer. */
export class OutputHead {
  truncated = false;
  readonly #limit: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    if (this.truncated) return;
    const room = this.#limit - this.#bytes;
    const piece = cutAt(bytes, room);
    if (piece.length < bytes.length) this.truncated = true;
    this.#pieces.push(piece.slice());
    this.#bytes += piece.length;
  }

  text(encoding: "utf-8" | "base64"): string {
    return Buffer.concat(this.#pieces).toString(encoding === "base64" ? "base64" : "utf8");
  }

  /** Nobody will ask again. */
  release(): void {
    this.#pieces = [];
    this.truncated = true;
  }
}
