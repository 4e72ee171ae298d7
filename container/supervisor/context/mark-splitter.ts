// Finds in a stream of output the mark that tells where what one run has printed ends. It is looked for only while a run
// waits for it, and never shown.

const FIRST_BYTE = 0x1e;

export class MarkSplitter {
  readonly #onBytes: (bytes: Uint8Array) => void;
  #wanted: { readonly mark: Buffer; readonly found: () => void } | null = null;
  /** The end of what has come, which may be the beginning of the mark. */
  #held = Buffer.alloc(0);

  constructor(onBytes: (bytes: Uint8Array) => void) {
    this.#onBytes = onBytes;
  }

  /** Calls `found` between the bytes before the next `\x1e<nonce>\n` and those after it. */
  expect(nonce: string, found: () => void): void {
    this.end();
    this.#wanted = { mark: Buffer.from(`\u001E${nonce}\n`), found };
  }

  take(piece: Uint8Array): void {
    if (this.#wanted === null) {
      this.#give(piece);
      return;
    }
    const bytes = this.#held.length === 0 ? viewOf(piece) : Buffer.concat([this.#held, piece]);
    const { mark, found } = this.#wanted;
    const at = bytes.indexOf(mark);
    if (at < 0) {
      const whole = bytes.length - beginningAtEnd(bytes, mark);
      this.#held = Buffer.from(bytes.subarray(whole));
      this.#give(bytes.subarray(0, whole));
      return;
    }
    this.#held = Buffer.alloc(0);
    this.#wanted = null;
    this.#give(bytes.subarray(0, at));
    found();
    this.#give(bytes.subarray(at + mark.length));
  }

  /** No mark is waited for any more. */
  end(): void {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.#wanted = null;
    this.#give(held);
  }

  #give(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#onBytes(bytes);
  }
}

/** How many bytes at the end of `bytes` may be the beginning of `mark`. */
function beginningAtEnd(bytes: Buffer, mark: Buffer): number {
  const at = bytes.lastIndexOf(FIRST_BYTE);
  const length = bytes.length - at;
  return at >= 0 && length < mark.length && mark.subarray(0, length).equals(bytes.subarray(at)) ? length : 0;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
