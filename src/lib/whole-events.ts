// Server-sent events, cut where one ends, as their bytes come in pieces of any size. Holds one event at a time. Pure.

export const LINE_FEED = 10;

export class WholeEvents {
  /** What came of the event that is not complete. */
  #pieces: Uint8Array[] = [];

  /** The events that are complete with these bytes; empty where none is. */
  add(bytes: Uint8Array): Uint8Array {
    const end = endOfLast(bytes, this.#pieces.at(-1)?.at(-1));
    if (end === 0) {
      this.#pieces.push(bytes);
      return new Uint8Array();
    }
    const whole = joined([...this.#pieces, bytes.subarray(0, end)]);
    this.#pieces = end < bytes.length ? [bytes.subarray(end)] : [];
    return whole;
  }
}

/** Behind the last event that ends here; 0 where none does. */
function endOfLast(bytes: Uint8Array, before: number | undefined): number {
  for (let at = bytes.lastIndexOf(LINE_FEED); at > 0; at = bytes.lastIndexOf(LINE_FEED, at - 1)) {
    if (bytes[at - 1] === LINE_FEED) {
      return at + 1;
    }
  }
  return before === LINE_FEED && bytes[0] === LINE_FEED ? 1 : 0;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) {
    return first;
  }
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
