// What viewers type, on its way to the program. A program may not read it for long: what the kernel does not take waits
// here, up to a limit.
import { writeSync } from "node:fs";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

export class Keyboard {
  readonly #fd: number;
  readonly #most: number;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #closed = false;

  /** @param fd of the terminal, not blocking; the caller closes it, after close() */
  constructor(fd: number, most: number) {
    this.#fd = fd;
    this.#most = most;
  }

  /** False where too much is waiting already: then nothing of it is typed. */
  type(bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    if (this.#bytes + bytes.length > this.#most) return false;
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#timer === null) this.#write();
    return true;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#waiting = [];
    this.#bytes = 0;
  }

  #write(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const written = this.#attempt(next);
      this.#bytes -= written;
      if (written < next.length) {
        this.#waiting[0] = next.subarray(written);
        this.#pauseMs = written > 0 ? FIRST_PAUSE_MS : Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.#write();
        }, this.#pauseMs);
        return;
      }
      this.#waiting.shift();
    }
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  #attempt(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
      // The program is gone; its end is told elsewhere.
      return bytes.length;
    }
  }
}
