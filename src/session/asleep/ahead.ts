// Reads ahead: while one batch of pieces is used, the next is on its way, neighbouring frames in one range. So a long
// read costs few requests, and holds two batches of compressed bytes at the most.
import type { FrameRef, Piece } from "../../contract/manifest.ts";
import { frameKey, type Frames, type Sent } from "./frames.ts";

/** One batch, as it lies in R2. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_FRAMES = 64;
/** What needs no bytes is handed on in time, too. */
const BATCH_UNITS = 4096;
/** Read and thrown away rather than asked for in two requests. */
const GAP_BYTES = 64 * 1024;

interface Batch<Unit> {
  readonly units: readonly Unit[];
  readonly sent: Sent;
}

/** Gives every unit in order, each with the frame that its piece (null: it has none) lies in. */
export async function* readAhead<Unit>(
  frames: Frames,
  units: AsyncIterator<Unit>,
  pieceOf: (unit: Unit) => Piece | null,
): AsyncGenerator<readonly [Unit, Sent], void> {
  let next = collect(frames, units, pieceOf);
  try {
    for (;;) {
      const batch = await next;
      if (batch.units.length === 0) {
        return;
      }
      next = collect(frames, units, pieceOf);
      // Looked at in the next round, if there is one.
      next.catch(() => undefined);
      for (const unit of batch.units) {
        yield [unit, batch.sent];
      }
    }
  } finally {
    await next.catch(() => undefined);
    await units.return?.();
  }
}

async function collect<Unit>(
  frames: Frames,
  source: AsyncIterator<Unit>,
  pieceOf: (unit: Unit) => Piece | null,
): Promise<Batch<Unit>> {
  const units: Unit[] = [];
  const refs = new Map<string, FrameRef>();
  let bytes = 0;
  while (bytes < BATCH_BYTES && refs.size < BATCH_FRAMES && units.length < BATCH_UNITS) {
    const { done, value } = await source.next();
    if (done === true) {
      break;
    }
    units.push(value);
    const piece = pieceOf(value);
    if (piece !== null && !refs.has(frameKey(piece))) {
      refs.set(frameKey(piece), piece);
      bytes += piece.length;
    }
  }
  return { units, sent: send(frames, [...refs.values()]) };
}

/** One request for each run of frames that lie close together. */
function send(frames: Frames, refs: readonly FrameRef[]): Sent {
  const sent = new Map<string, Promise<Uint8Array>>();
  const sorted = refs.toSorted((a, b) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1));
  for (let from = 0; from < sorted.length;) {
    const run = runOf(sorted, from);
    from += run.refs.length;
    const range = frames.range(run.range);
    for (const ref of run.refs) {
      const start = ref.offset - run.range.offset;
      const frame = range.then((bytes) => bytes.subarray(start, start + ref.length));
      // Whoever stops early never looks at it.
      frame.catch(() => undefined);
      sent.set(frameKey(ref), frame);
    }
  }
  return sent;
}

function runOf(sorted: readonly FrameRef[], from: number): { range: FrameRef; refs: readonly FrameRef[] } {
  const [first, ...rest] = sorted.slice(from);
  if (first === undefined) {
    throw new Error("a run begins with a frame");
  }
  const refs = [first];
  let end = first.offset + first.length;
  for (const ref of rest) {
    if (ref.pack !== first.pack || ref.offset > end + GAP_BYTES) {
      break;
    }
    refs.push(ref);
    end = Math.max(end, ref.offset + ref.length);
  }
  return { range: { pack: first.pack, offset: first.offset, length: end - first.offset }, refs };
}
