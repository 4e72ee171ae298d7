// A run's events, as ERA has them. Each of the API's becomes one of ERA's or none; comments keep the connection alive and
// stay. What ends the stream is told last, with the session's data as it is then.
import type { Problem } from "../contract/errors.ts";
import { EventParser } from "../sdk/server-sent-events.ts";
import type { ServerEvent } from "../sdk/server-sent-events.ts";
import { outcome, tracebackOf } from "./outcome.ts";
import type { Answer } from "./outcome.ts";

interface Told {
  readonly type: "stdout" | "stderr" | "done" | "error";
  readonly [member: string]: unknown;
}

const UNKNOWN_END: Told = {
  type: "error",
  error: "The stream ended before the run did. Whether it goes on is not known.",
  message: "The stream ended before the run did. Whether it goes on is not known.",
  code: "container_unavailable",
};

/** `ending` gives what `done` tells beside the outcome. It is called once for each stream that ends as it should. */
export function asEraEvents(
  ending: () => Promise<Readonly<Record<string, unknown>>>,
): TransformStream<Uint8Array, Uint8Array> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let ended = false;
  const text = (told: Told): Uint8Array => {
    ended ||= told.type === "done" || told.type === "error";
    return encoder.encode(`event: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`);
  };
  return new TransformStream({
    async transform(chunk, controller) {
      const events = parser.push(decoder.decode(chunk, { stream: true }));
      for (const event of events) {
        for (const told of await translated(event, ending)) {
          controller.enqueue(text(told));
        }
      }
      if (ended) {
        // Nothing follows, and whoever reads need not wait for the connection's end.
        controller.terminate();
      } else if (events.length === 0) {
        controller.enqueue(encoder.encode(":\n\n"));
      }
    },
    flush(controller) {
      if (!ended) {
        controller.enqueue(text(UNKNOWN_END));
      }
    },
  });
}

async function translated({ event, data }: ServerEvent, ending: () => Promise<object>): Promise<readonly Told[]> {
  switch (event) {
    case "stdout":
    case "stderr": {
      // SAFETY: these events are made by the API itself.
      const output = JSON.parse(data) as { data: string; encoding?: "base64" };
      // What is no UTF-8 is text all the same in ERA's events.
      const content = output.encoding === undefined ? output.data : textOf(Uint8Array.fromBase64(output.data));
      return [{ type: event, content }];
    }
    case "exit": {
      const answer = JSON.parse(data) as Answer;
      const content = tracebackOf(answer);
      const { stdout: _, stderr: __, ...told } = outcome(answer);
      const done: Told = {
        type: "done",
        ...told,
        ...(answer.timedOut ? { timed_out: true } : {}),
        ...(await ending()),
      };
      return content === "" ? [done] : [{ type: "stderr", content }, done];
    }
    case "error": {
      const { error } = JSON.parse(data) as { error: Problem };
      return [{ type: "error", error: error.message, message: error.message, code: error.code }];
    }
    default:
      // Rich results, which ERA has not.
      return [];
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
