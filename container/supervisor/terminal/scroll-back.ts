// The newest bytes that a terminal's program has printed, found by their sequence: the offset in all that it ever has.

const FIRST_BYTES = 16 * 1024;

export class ScrollBack {
  readonly #capacity: number;
  /** Grows up to the capacity; then each byte is at its sequence modulo that. */
  #bytes: Uint8Array;
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(Math.min(FIRST_BYTES, capacity));
  }

  /** Bytes that were ever printed: the sequence of the next one. */
  get end(): number {
    return this.#end;
  }

  /** The sequence of the oldest byte that is kept. */
  get oldest(): number {
    return Math.max(0, this.#end - this.#capacity);
  }

  append(bytes: Uint8Array): void {
    // Of more than can be kept, only the end is.
    const skipped = Math.max(0, bytes.length - this.#capacity);
    this.#makeRoom(this.#end + bytes.length);
    const kept = bytes.subarray(skipped);
    const at = (this.#end + skipped) % this.#bytes.length;
    const first = kept.subarray(0, this.#bytes.length - at);
    this.#bytes.set(first, at);
    this.#bytes.set(kept.subarray(first.length), 0);
    this.#end += bytes.length;
  }

  /**
   * From `sequence`, which must be kept, up to `most` bytes; there may be more. Empty at the end. The bytes are those of
   * the buffer: they are good until the next append().
   */
  read(sequence: number, most: number): Uint8Array {
    if (sequence < this.oldest || sequence > this.#end) throw new RangeError(`${sequence} is not kept`);
    const at = sequence % this.#bytes.length;
    const length = Math.min(most, this.#end - sequence, this.#bytes.length - at);
    return this.#bytes.subarray(at, at + length);
  }

  /** While it is smaller than its capacity nothing has been overwritten, and each byte is at its sequence. */
  #makeRoom(end: number): void {
    let length = this.#bytes.length;
    while (length < this.#capacity && length < end) length = Math.min(2 * length, this.#capacity);
    if (length === this.#bytes.length) return;
    const grown = new Uint8Array(length);
    grown.set(this.#bytes.subarray(0, Math.min(this.#end, this.#bytes.length)));
    this.#bytes = grown;
  }
}
