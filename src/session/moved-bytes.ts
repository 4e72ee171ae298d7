// Moves a body whose length nobody knows to who reads it, and counts what he took. In pieces that grow while they are
// filled, so that a large body costs a call for each of them and not for each packet, and a small one little memory.

const PIECE_BYTES = { first: 16 * 1024, most: 256 * 1024 } as const;

/** `sent`: called with what was taken, piece by piece. Resolves at the end; rejects where either side breaks off. */
export async function moveBytes(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  { sent, signal }: { readonly sent: (bytes: number) => void; readonly signal: AbortSignal },
): Promise<void> {
  const reader = readerOf(source);
  const writer = sink.getWriter();
  const cut = (): void => {
    const reason: unknown = signal.reason;
    // Their own promises tell below.
    reader.cancel(reason).catch(() => {});
    writer.abort(reason).catch(() => {});
  };
  signal.addEventListener("abort", cut, { once: true });
  // One who has left is noticed although nothing is there to be written.
  writer.closed.catch((error: unknown) => reader.cancel(error).catch(() => {}));
  try {
    signal.throwIfAborted();
    for (let piece = await reader.read(); piece !== null; piece = await reader.read()) {
      await writer.write(piece);
      sent(piece.byteLength);
    }
    await writer.close();
  } catch (error) {
    await Promise.allSettled([reader.cancel(error), writer.abort(error)]);
    throw error;
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

interface Reader {
  /** What it gave before is no longer needed. Null: there is no more. */
  read(): Promise<Uint8Array | null>;
  cancel(reason: unknown): Promise<void>;
}

function readerOf(source: ReadableStream<Uint8Array>): Reader {
  try {
    const reader = source.getReader({ mode: "byob" });
    let buffer: ArrayBufferLike = new ArrayBuffer(PIECE_BYTES.first);
    return {
      async read() {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) {
          return null;
        }
        const isFull = value.byteLength === value.buffer.byteLength && value.byteLength < PIECE_BYTES.most;
        buffer = isFull ? new ArrayBuffer(value.byteLength * 4) : value.buffer;
        return value;
      },
      cancel: (reason) => reader.cancel(reason),
    };
  } catch {
    // One that is made here, and not by the runtime.
    const reader = source.getReader();
    return {
      read: async () => (await reader.read()).value ?? null,
      cancel: (reason) => reader.cancel(reason),
    };
  }
}
