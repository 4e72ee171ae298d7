// Bodies out of generators, made only as fast as they are read. The first chunk is made before there is a body at all, so
// that what fails at once is an error answer.

type Chunks = AsyncGenerator<Uint8Array, void>;

/** Of exactly `sizeBytes`, which becomes the answer's length. `onError` is told why a body broke. */
export async function fixedStream(
  chunks: Chunks,
  sizeBytes: number,
  onError: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const first = await chunks.next();
  const { readable, writable } = new FixedLengthStream(sizeBytes);
  void pump(first, chunks, writable.getWriter(), onError);
  return readable;
}

async function pump(
  first: IteratorResult<Uint8Array, void>,
  chunks: Chunks,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  onError: (error: unknown) => void,
): Promise<void> {
  for (let step = first; ;) {
    if (step.done === true) {
      await writer.close().catch(() => undefined);
      return;
    }
    try {
      await writer.write(step.value);
    } catch {
      // Whoever read has gone.
      await chunks.return();
      return;
    }
    try {
      step = await chunks.next();
    } catch (error) {
      onError(error);
      await writer.abort(error).catch(() => undefined);
      return;
    }
  }
}

/** Of a length that is not known. `onError` is told why a body broke. */
export async function openStream(
  chunks: Chunks,
  onError: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  let ready: IteratorResult<Uint8Array, void> | null = await chunks.next();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const step = ready ?? (await chunks.next());
          ready = null;
          if (step.done === true) {
            controller.close();
          } else {
            controller.enqueue(step.value);
          }
        } catch (error) {
          onError(error);
          controller.error(error);
        }
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
