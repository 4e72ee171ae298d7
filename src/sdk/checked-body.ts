// Bodies that are read by the caller: what breaks them reaches him as a BuntimeError, as everything else.
import { errorOfCause } from "./answer.ts";

export function checkedBody(response: Response, signal: AbortSignal | undefined): Response {
  const { body, status, statusText, headers } = response;
  if (body === null) {
    return response;
  }
  const reader = body.getReader();
  const checked = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
          } else {
            controller.enqueue(value);
          }
        } catch (error) {
          throw errorOfCause(error, signal);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(checked, { status, statusText, headers });
}
