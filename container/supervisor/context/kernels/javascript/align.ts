// Which token of what the transpiler printed came from which token of what the user wrote. The transpiler keeps the order, so
// it is a longest common subsequence: found first by the tokens that appear once on both sides, then exactly in between.
import type { Token } from "./tokens.ts";

/** Cells of the exact table between two anchors. What is larger is left without positions of its own. */
const TABLE_MOST = 400_000;

/** For each printed token the index of the written one, or -1. Ascending where it is not -1. */
export function alignTokens(printed: readonly Token[], written: readonly Token[]): Int32Array {
  const numbers = new Map<string, number>();
  const numberOf = (token: Token): number => {
    // Quotes are the printer's own.
    const key = token.kind === "string" ? `"${token.text.slice(1, -1)}` : token.text;
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = numbers.size));
    return number;
  };
  const to = Int32Array.from(written, numberOf);
  const from = Int32Array.from(printed, numberOf);
  const found = new Int32Array(from.length).fill(-1);
  const spans: [number, number, number, number][] = [[0, from.length, 0, to.length]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    let [low, high, writtenLow, writtenHigh] = span;
    while (low < high && writtenLow < writtenHigh && from[low] === to[writtenLow]) found[low++] = writtenLow++;
    while (low < high && writtenLow < writtenHigh && from[high - 1] === to[writtenHigh - 1]) {
      found[--high] = --writtenHigh;
    }
    if (low === high || writtenLow === writtenHigh) continue;
    const anchors = findAnchors(from.subarray(low, high), to.subarray(writtenLow, writtenHigh));
    if (anchors.length === 0) {
      alignExactly(from, to, [low, high, writtenLow, writtenHigh], found);
      continue;
    }
    let [start, writtenStart] = [low, writtenLow];
    for (const [index, writtenIndex] of anchors) {
      found[low + index] = writtenLow + writtenIndex;
      spans.push([start, low + index, writtenStart, writtenLow + writtenIndex]);
      [start, writtenStart] = [low + index + 1, writtenLow + writtenIndex + 1];
    }
    spans.push([start, high, writtenStart, writtenHigh]);
  }
  return found;
}

/** Pairs of what appears once on both sides, as many as go in the same order on both. */
function findAnchors(from: Int32Array, to: Int32Array): [number, number][] {
  const places = new Map<number, [count: number, writtenCount: number, index: number, writtenIndex: number]>();
  for (const [index, number] of from.entries()) {
    const place = places.get(number);
    if (place === undefined) places.set(number, [1, 0, index, -1]);
    else place[0] += 1;
  }
  for (const [index, number] of to.entries()) {
    const place = places.get(number);
    if (place === undefined) continue;
    place[1] += 1;
    place[3] = index;
  }
  const pairs = [...places.values()].filter(([count, writtenCount]) => count === 1 && writtenCount === 1);
  // The longest ascending row of written indexes, by patience: each pile remembers its top, each pair the one before it.
  const piles: number[] = [];
  const before = new Int32Array(pairs.length).fill(-1);
  const writtenOf = (pair: number | undefined): number => (pair === undefined ? -1 : (pairs[pair]?.[3] ?? -1));
  for (const [pair, [, , , writtenIndex]] of pairs.entries()) {
    let [left, right] = [0, piles.length];
    while (left < right) {
      const middle = (left + right) >> 1;
      if (writtenOf(piles[middle]) < writtenIndex) left = middle + 1;
      else right = middle;
    }
    before[pair] = piles[left - 1] ?? -1;
    piles[left] = pair;
  }
  const row: [number, number][] = [];
  for (let pair = piles.at(-1) ?? -1; pair >= 0; pair = before[pair] ?? -1) {
    const place = pairs[pair];
    if (place !== undefined) row.push([place[2], place[3]]);
  }
  return row.toReversed();
}

function alignExactly(
  from: Int32Array,
  to: Int32Array,
  [low, high, writtenLow, writtenHigh]: readonly [number, number, number, number],
  found: Int32Array,
): void {
  const [rows, columns] = [high - low, writtenHigh - writtenLow];
  if (rows * columns > TABLE_MOST) return;
  const width = columns + 1;
  /** The longest that is possible from here to the ends. */
  const lengths = new Uint32Array((rows + 1) * width);
  const length = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      lengths[row * width + column] =
        from[low + row] === to[writtenLow + column]
          ? length(row + 1, column + 1) + 1
          : Math.max(length(row + 1, column), length(row, column + 1));
    }
  }
  for (let [row, column] = [0, 0]; row < rows && column < columns;) {
    if (from[low + row] === to[writtenLow + column]) found[low + row++] = writtenLow + column++;
    else if (length(row + 1, column) > length(row, column + 1)) row += 1;
    else column += 1;
  }
}
