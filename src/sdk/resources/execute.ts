// Execute: run code or a command, and have its answer at the end or its output as it comes.
import { fileInput } from "../bytes.ts";
import type { FileToWrite } from "../bytes.ts";
import type { ExecuteAnswer, ExecuteRequest } from "../contract.ts";
import { outputOf } from "../execution-source.ts";
import { ExecutionStream } from "../execution-stream.ts";
import type { OutputEvent, StreamOptions } from "../execution-stream.ts";
import { newKey } from "../key.ts";
import type { RequestOptions, Transport } from "../transport.ts";

/** One of `code` and `command`. Without `sessionId` it gets a session of its own, which is destroyed afterwards. */
export type ExecuteInput = Omit<ExecuteRequest, "stream" | "cancelOnDisconnect" | "files"> & {
  /** Written before anything runs. */
  readonly files?: readonly FileToWrite[] | undefined;
};

export type StreamInput = ExecuteInput & Pick<ExecuteRequest, "cancelOnDisconnect">;
export type ExecuteResult = ExecuteAnswer;

export interface Execute<I, T> {
  /**
   * Runs it and waits for its answer. A program that fails is an answer, with its `exitCode`; so is one that took longer
   * than `timeout`, with `timedOut`.
   */
  (input: I, options?: RequestOptions): Promise<ExecuteResult>;
  /** Begins at once; the output is there to iterate over, or for the callbacks. */
  stream(input: T, options?: StreamOptions): ExecutionStream;
}

/** Seconds that the longest execution takes. */
const LONGEST_S = 300;

/** `own`: the handle's session. */
export function executeOn<I extends ExecuteInput, T extends StreamInput>(
  transport: Transport,
  own: string | null,
): Execute<I, T> {
  const bodyOf = async (input: StreamInput): Promise<object> => ({
    ...input,
    ...(own === null ? {} : { sessionId: own }),
    ...(input.files === undefined ? {} : { files: await Promise.all(input.files.map(fileInput)) }),
  });
  const timeoutOf = ({ timeout }: StreamInput): number => (timeout ?? LONGEST_S) * 1000 + transport.timeout;

  const execute = async (input: I, options?: RequestOptions): Promise<ExecuteResult> =>
    transport.json<ExecuteResult>({
      method: "POST",
      path: "/execute",
      json: await bodyOf(input),
      key: newKey(),
      timeout: timeoutOf(input),
      options,
    });
  const stream = (input: T, options: StreamOptions = {}): ExecutionStream =>
    new ExecutionStream(transport, {
      path: "/execute",
      body: bodyOf(input).then((body) => ({ ...body, stream: true })),
      sessionId: own ?? input.sessionId ?? null,
      pieceOf: (event) => outputOf(event, input.encoding),
      tell: tellerOf(options),
      timeout: timeoutOf(input),
      options,
    });
  return Object.assign(execute, { stream });
}

/** Null: nobody wants to be told of what is printed. */
export function tellerOf({
  onStdout,
  onStderr,
}: StreamOptions): ((output: OutputEvent) => void | Promise<void>) | null {
  return onStdout === undefined && onStderr === undefined
    ? null
    : ({ type, data }) => (type === "stdout" ? onStdout : onStderr)?.(data);
}
