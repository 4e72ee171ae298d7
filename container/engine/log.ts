// What a container's init and supervisor print: a file of bounded size, the last lines at hand for error messages.
// Must not happen: a chatty supervisor that fills the host's disk.
import { appendFileSync, renameSync, rmSync } from "node:fs";

const FILE_BYTES = 1024 * 1024;
const TAIL_CHARACTERS = 2048;

export class ContainerLog {
  readonly #path: string;
  #bytes = 0;
  #tail = "";

  /** @param path what is there already is thrown away */
  constructor(path: string) {
    this.#path = path;
    rmSync(path, { force: true });
    rmSync(`${path}.old`, { force: true });
  }

  /** Reads to the end of the stream. */
  async follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#append(bytes);
      this.#tail = (this.#tail + decoder.decode(bytes, { stream: true })).slice(-TAIL_CHARACTERS);
    }
  }

  #append(bytes: Uint8Array): void {
    try {
      if (this.#bytes + bytes.length > FILE_BYTES) {
        renameSync(this.#path, `${this.#path}.old`);
        this.#bytes = 0;
      }
      appendFileSync(this.#path, bytes);
      this.#bytes += bytes.length;
    } catch {
      // A full disk costs the log, not the container.
    }
  }

  get tail(): string {
    return this.#tail.trim();
  }
}
