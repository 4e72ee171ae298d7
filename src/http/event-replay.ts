// Server-sent events of an execute that has an idempotency key: the last event is seen as it passes, and a later call gets
// the kept output, as far as the session still has it, and then that same event.
import type { ReservedIds } from "../account/rpc.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { OutputChunk } from "../contract/execute.ts";
import { sessionOf } from "../session/rpc.ts";
import type { Call } from "./call.ts";
import { EventTail } from "../lib/event-tail.ts";
import type { Ending } from "../lib/event-tail.ts";
import { resultEvent } from "../lib/output-events.ts";
import { problemError } from "../lib/problem-error.ts";

interface Replay {
  readonly answer: Ending;
  /** In which the call asked for its output. */
  readonly encoding: string | null;
  /** Output up to here the client has already. */
  readonly after: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Passes events on and calls `settle` with the last one before the stream ends; with null when there was none, or the
 * reader left before. `ended` never rejects.
 */
export function observeLastEvent(
  source: ReadableStream<Uint8Array>,
  settle: (last: Ending | null) => Promise<void>,
): { readonly readable: ReadableStream<Uint8Array>; readonly ended: Promise<void> } {
  const { readable, writable } = new IdentityTransformStream();
  return { readable, ended: pump(source.getReader(), writable.getWriter(), settle) };
}

async function pump(
  source: ReadableStreamDefaultReader<Uint8Array>,
  sink: WritableStreamDefaultWriter,
  settle: (last: Ending | null) => Promise<void>,
): Promise<void> {
  const tail = new EventTail();
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) {
        break;
      }
      tail.add(value);
      await sink.write(value);
    }
    await settle(tail.ending());
    await sink.close();
  } catch (error) {
    // The reader left, or the session did: either way the call is taken up by who asks next.
    await Promise.allSettled([settle(null), source.cancel(error), sink.abort(error)]);
  }
}

/** What stands in the way of the output now, and may not be there the next time. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "container_unavailable",
  "storage_unavailable",
  "execution_timeout",
  "internal_error",
]);

/** How much of the output a client has that sends its call again; 0 where it does not say. */
export function seenBefore(request: Request): number {
  const last = request.headers.get("last-event-id") ?? "";
  return /^\d{1,9}$/.test(last) ? Number(last) : 0;
}

/**
 * The kept output, then the answer as the last event. The answer alone without a session that may tell; one that fails to
 * tell now breaks the stream off, so that the call is sent again.
 */
export function replayEvents(
  call: Pick<Call, "env" | "principal">,
  { sessionId, executionId }: ReservedIds,
  { answer, encoding, after: seen, headers = {} }: Replay,
): Response {
  const session = sessionOf(call.env, sessionId);
  const encoder = new TextEncoder();
  let after = seen;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const page = after < answer.seq ? await session.output(call.principal.accountId, executionId, after) : null;
      if (page?.ok === false && PASSING.has(page.error.code)) {
        throw problemError(page.error);
      }
      const chunks = page?.ok === true ? page.value.chunks.filter(({ seq }) => seq <= answer.seq) : [];
      if (chunks.length > 0) {
        after = chunks.at(-1)?.seq ?? after;
        controller.enqueue(encoder.encode(chunks.map((chunk) => outputEvent(chunk, encoding)).join("")));
        return;
      }
      const name = answer.status < 400 ? "exit" : "error";
      controller.enqueue(encoder.encode(`event: ${name}\nid: ${after}\ndata: `));
      controller.enqueue(answer.body);
      controller.enqueue(encoder.encode("\n\n"));
      controller.close();
    },
  });
  return new Response(body, {
    headers: { ...headers, "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
  });
}

/** As the call itself would have sent it: in the encoding that it asked for. */
function outputEvent({ seq, stream, data, encoding: kept }: OutputChunk, encoding: string | null): string {
  if (stream === "result") {
    return resultEvent(seq, data);
  }
  const told =
    encoding === "base64" ? { seq, data: toBase64(data, kept), encoding } : { seq, data: toText(data, kept) };
  return `event: ${stream}\nid: ${seq}\ndata: ${JSON.stringify(told)}\n\n`;
}

function toBase64(data: string, kept: OutputChunk["encoding"]): string {
  return kept === "base64" ? data : new TextEncoder().encode(data).toBase64();
}

function toText(data: string, kept: OutputChunk["encoding"]): string {
  return kept === "base64" ? new TextDecoder().decode(Uint8Array.fromBase64(data)) : data;
}
