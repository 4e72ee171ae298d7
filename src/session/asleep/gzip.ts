// gzip as a generator, made only as fast as it is read: workerd's CompressionStream takes all that it is given at once,
// and holds it.
import { constants, crc32, deflateRawSync } from "node:zlib";

/** Compressed in one go. */
const BLOCK_BYTES = 512 * 1024;
/** The network is faster than a higher one. */
const LEVEL = 1;
/** RFC 1952: deflate, no flags, no time, fastest, Unix. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3);
/** An empty last block of deflate. */
const LAST_BLOCK = Uint8Array.of(0x03, 0x00);

/** Takes each chunk's bytes before it asks for the next, and gives nothing before the first block is full. */
export async function* gzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const block = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  let sum = 0;
  let sizeBytes = 0;
  let head = HEADER;
  const compress = (): Uint8Array => {
    const bytes = block.subarray(0, filled);
    sum = crc32(bytes, sum);
    sizeBytes += filled;
    filled = 0;
    const deflated = deflateRawSync(bytes, { level: LEVEL, finishFlush: constants.Z_FULL_FLUSH });
    const begun = new Uint8Array(head.length + deflated.length);
    begun.set(head);
    begun.set(deflated, head.length);
    head = new Uint8Array();
    return begun;
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === BLOCK_BYTES) {
        yield compress();
      }
    }
  }
  yield compress();
  yield LAST_BLOCK;
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, sum, true);
  trailer.setUint32(4, sizeBytes % 2 ** 32, true);
  yield new Uint8Array(trailer.buffer);
}
