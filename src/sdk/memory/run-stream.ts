// What a run prints and shows, as it comes.
import type { RunAnswer, RunResult } from "../contract.ts";
import { BuntimeError } from "../error.ts";
import { outputOf } from "../execution-source.ts";
import type { ExecutionStream, OutputEvent, StreamCall, StreamOptions } from "../execution-stream.ts";
import { tellerOf } from "../resources/execute.ts";

/** What a run shows, in its place among what it prints. */
export interface ResultEvent {
  readonly type: "result";
  readonly data: RunResult;
  readonly seq: number;
}

export type RunEvent = OutputEvent | ResultEvent;
export type RunStream = ExecutionStream<RunAnswer, RunEvent>;

export interface RunStreamOptions extends StreamOptions {
  readonly onResult?: ((result: RunResult) => void | Promise<void>) | undefined;
}

/** How its events are read, and who is told of them. */
export function readingOf(
  encoding: RunAnswer["encoding"] | undefined,
  options: RunStreamOptions,
): Pick<StreamCall<RunEvent>, "pieceOf" | "tell" | "options"> {
  const { onResult } = options;
  const tellOutput = tellerOf(options);
  return {
    options,
    pieceOf: (event) => (event.event === "result" ? resultOf(event.data) : outputOf(event, encoding)),
    tell:
      tellOutput === null && onResult === undefined
        ? null
        : (piece) => (piece.type === "result" ? onResult?.(piece.data) : tellOutput?.(piece)),
  };
}

function resultOf(json: string): ResultEvent {
  try {
    // SAFETY: the platform sends what the contract says.
    const { seq, result } = JSON.parse(json) as { seq: number; result: RunResult };
    return { type: "result", seq, data: result };
  } catch (cause) {
    throw new BuntimeError(`The platform sent an event that is not understood: ${json.slice(0, 200)}`, {
      code: "invalid_response",
      status: 200,
      cause,
    });
  }
}
