// Output as server-sent events. Pulled by the client: what it does not read stays in the record, so a slow one costs no
// memory and holds nothing up.
import type { ErrorBody } from "../../../src/contract/errors.ts";
import { HEARTBEAT_MS } from "../../../src/contract/limits.ts";
import { COMMENT, EVENT_STREAM_HEADERS, eventText, outputEvent, resultEvent } from "../../../src/lib/output-events.ts";
import { SupervisorError } from "../problem.ts";
import type { Followed } from "./execution.ts";
import type { OutputSource } from "./executions.ts";
import { toOutputChunk } from "./output-file.ts";
import type { Chunk } from "./output-file.ts";
import type { OutputLog } from "./output-log.ts";

const PIECE_BYTES = 256 * 1024;
/** What a program prints line by line, faster than this, is gathered: an event for each line costs more than the line. */
const GATHER_MS = 5;

/** The output of an execution as it comes, then one `exit` with its answer, or `error`. */
export function executionStream(execution: Followed, signal: AbortSignal): Response {
  return eventStream(executionEvents(execution, signal));
}

export interface OutputOptions {
  readonly after: number;
  /** Ends with the output, or as soon as there is an answer. */
  readonly until: "end" | "answer";
}

/** What was printed after `after`, then `exit` with the record. */
export function outputStream(source: OutputSource, options: OutputOptions, signal: AbortSignal): Response {
  return eventStream(outputEvents(source, options, signal));
}

async function* executionEvents(execution: Followed, signal: AbortSignal): AsyncGenerator<string> {
  const { encoding } = execution.command;
  const render = encoding === "base64" ? renderBase64 : renderText;
  const { log } = execution;
  const ended = (): boolean => execution.answered;
  const seq = yield* follow({ log, read: (after) => log.read(after, PIECE_BYTES), after: 0, ended, render, signal });
  try {
    yield eventText("exit", await execution.answer, seq);
  } catch (error) {
    if (!(error instanceof SupervisorError)) throw error;
    const body: ErrorBody = { error: error.problem };
    yield eventText("error", body, seq);
  }
}

async function* outputEvents(
  source: OutputSource,
  { after, until }: OutputOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { log } = source;
  const ended = (): boolean => log === null || log.closed || (until === "answer" && source.answered);
  const read = (from: number): Chunk[] => source.read(from, PIECE_BYTES);
  const seq = yield* follow({ log, read, after, ended, render: renderEither, signal });
  yield eventText("exit", source.record, seq);
}

interface Follow {
  readonly log: OutputLog | null;
  readonly read: (after: number) => Chunk[];
  readonly after: number;
  /** Nothing more is wanted once what there is has been read. */
  readonly ended: () => boolean;
  readonly render: (chunk: Chunk) => string;
  readonly signal: AbortSignal;
}

/** Returns the seq of the last piece: where a reader goes on that has seen all of this. */
async function* follow({ log, read, after, ended, render, signal }: Follow): AsyncGenerator<string, number> {
  // At once, so that the client has the head of the answer.
  yield COMMENT;
  signal.addEventListener("abort", () => log?.wake());
  let seq = after;
  let sentAt = -Infinity;
  while (!signal.aborted) {
    const last = ended();
    const chunks = read(seq);
    seq = chunks.at(-1)?.seq ?? seq;
    if (chunks.length > 0) {
      yield chunks.map(render).join("");
      const now = performance.now();
      if (now - sentAt < GATHER_MS) await Bun.sleep(GATHER_MS);
      sentAt = now;
    } else if (last || log === null) return seq;
    else if (!(await log.changed(HEARTBEAT_MS))) yield COMMENT;
  }
  return seq;
}

function eventStream(events: AsyncGenerator<string>): Response {
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await events.next();
        if (done === true) controller.close();
        else controller.enqueue(Buffer.from(value));
      },
      async cancel() {
        await events.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

function renderText({ seq, stream, bytes }: Chunk): string {
  if (stream === "result") return resultEvent(seq, Buffer.from(bytes).toString("utf8"));
  return eventText(stream, { seq, data: Buffer.from(bytes).toString("utf8") }, seq);
}

function renderBase64(chunk: Chunk): string {
  const { seq, stream, bytes } = chunk;
  if (stream === "result") return renderText(chunk);
  return eventText(stream, { seq, data: Buffer.from(bytes).toString("base64"), encoding: "base64" }, seq);
}

function renderEither(chunk: Chunk): string {
  return outputEvent(toOutputChunk(chunk));
}
