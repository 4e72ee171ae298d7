// Bodies out of generators, made only as fast as they are read. The first chunk is made before there is a body at all, so
// that what fails at once is an error answer.

type Chunks = AsyncGenerator<Uint8Array, void>;

/** `onError` is told why a body broke. */
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
