// Reads what a terminal's program prints, and holds the program back where nobody would see it: its writes block as soon
// as nothing is read here.
import { closeSync } from "node:fs";

/** After the program's end: something that it left behind may hold the terminal open for good. */
const QUIET_MS = 500;

export class TerminalOutput {
  readonly #fd: number;
  /** Gives up what is being waited for. */
  #cancel: () => Promise<void> = async () => {};
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;
  #reading = false;
  #readAt = 0;

  /** Owns `fd`, which does not block. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Calls `onBytes`, and reads on when the promise that it may give has resolved. Resolves at the end. */
  async read(onBytes: (bytes: Uint8Array) => Promise<void> | null): Promise<void> {
    const reader = Bun.file(this.#fd).stream().getReader();
    this.#cancel = () => reader.cancel();
    try {
      for (;;) {
        this.#reading = true;
        const { value, done } = await reader.read();
        this.#reading = false;
        this.#readAt = performance.now();
        if (done) break;
        const taken = onBytes(value);
        if (taken !== null) await taken;
      }
    } catch {
      // EIO: nobody has the program's side open any more.
    } finally {
      this.#reading = false;
      this.#isOver = true;
      this.#ended.resolve();
      closeSync(this.#fd);
    }
  }

  /** The program has ended: resolves when the last of its output was read. */
  async finish(): Promise<void> {
    this.#readAt = performance.now();
    while (!this.#isOver) {
      await Promise.race([this.#ended.promise, Bun.sleep(QUIET_MS)]);
      if (this.#reading && performance.now() - this.#readAt >= QUIET_MS) {
        await this.#cancel().catch(() => {});
        await this.#ended.promise;
      }
    }
  }
}
