// A program in a session as if it ran here: its output comes out byte by byte, Ctrl-C ends it over there, and this process
// ends as it does.
import { constants } from "node:os";
import type { ExecuteAnswer, ExecuteRequest } from "../sdk/contract.ts";
import type { ExecutionStream } from "../sdk/index.ts";
import type { Connection } from "./client.ts";
import { EXIT, hasCode } from "./failure.ts";
import { note, printJson, writeBytes } from "./output.ts";
import { PatientExecution } from "./patient-execution.ts";

/** As of `timeout` of coreutils. */
const TIMED_OUT = 124;
/** A program that was sent Ctrl-C and goes on for so long is ended. */
const PATIENCE_MS = 3000;
const LOCAL_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
type LocalSignal = (typeof LOCAL_SIGNALS)[number];

export type AttachedRequest = Omit<ExecuteRequest, "stream" | "encoding" | "background" | "cancelOnDisconnect"> & {
  readonly sessionId: string;
};

/** With JSON it prints the answer as one value in place of the output. @returns what this process has to end with */
export async function runAttached({ settings, json }: Connection, request: AttachedRequest): Promise<number> {
  // To its end, also if it listens on a port: like any program in the foreground.
  const execution = await PatientExecution.start(settings, { ...request, background: false, encoding: "base64" });
  const { stream } = execution;
  const ending = new RemoteEnding(stream);
  ending.listen();
  // Told by the write that fails.
  process.stdout.on("error", ignore);
  try {
    const lost = await copyOutput(stream, json);
    const answer = await stream.result;
    if (lost) {
      note(
        "Some output was lost: it came faster than it could be read, and 16 MB of it are kept for those who are late.",
      );
    }
    if (json) printJson(readable(answer));
    else if (answer.timedOut) note(`It took longer than its time-out and was ended. --timeout gives it more.`);
    return ending.exitCode ?? exitCodeOf(answer);
  } catch (error) {
    if (hasCode(error, "EPIPE")) {
      // Who reads it has gone, as in `buntime exec … | head`.
      await stream.kill({ signal: "SIGTERM" });
      return EXIT.brokenPipe;
    }
    if (ending.exitCode !== null) return ending.exitCode;
    throw execution.failureOf(error);
  } finally {
    ending.unlisten();
    process.stdout.off("error", ignore);
  }
}

const ignore = (): void => {};

/** @returns whether pieces are missing */
async function copyOutput(
  stream: AsyncIterable<{ type: "stdout" | "stderr"; data: string | Uint8Array; seq: number }>,
  discard: boolean,
): Promise<boolean> {
  let last = 0;
  let lost = false;
  for await (const { type, data, seq } of stream) {
    lost ||= seq > last + 1;
    last = seq;
    if (discard) continue;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    await writeBytes(type === "stdout" ? process.stdout : process.stderr, bytes);
  }
  return lost;
}

function exitCodeOf({ exitCode, signal, timedOut }: ExecuteAnswer): number {
  if (timedOut) return TIMED_OUT;
  if (exitCode !== null) return exitCode;
  return signal === null ? EXIT.failure : signalExit(signal);
}

function signalExit(signal: string): number {
  // SAFETY: a name that this system does not know has no number, which is looked for below.
  const number: number | undefined = constants.signals[signal as NodeJS.Signals];
  return number === undefined ? EXIT.failure : 128 + number;
}

/** The answer with its streams as text where they are text. */
function readable(answer: ExecuteAnswer): ExecuteAnswer {
  const decode = (base64: string): string =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  if (answer.encoding !== "base64") return answer;
  try {
    return { ...answer, stdout: decode(answer.stdout), stderr: decode(answer.stderr), encoding: "utf-8" };
  } catch {
    return answer;
  }
}

/** Signals to this process, passed on. The program has a moment to end by itself; a second Ctrl-C does not wait for it. */
class RemoteEnding {
  readonly #stream: ExecutionStream;
  #signalled: LocalSignal | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(stream: ExecutionStream) {
    this.#stream = stream;
  }

  /** What this process ends with if it was signalled. */
  get exitCode(): number | null {
    return this.#signalled === null ? null : signalExit(this.#signalled);
  }

  listen(): void {
    for (const signal of LOCAL_SIGNALS) process.on(signal, this.#onSignal);
  }

  unlisten(): void {
    for (const signal of LOCAL_SIGNALS) process.off(signal, this.#onSignal);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  readonly #onSignal = (signal: LocalSignal): void => {
    if (this.#signalled === null) {
      this.#signalled = signal;
      this.#timer = setTimeout(() => this.#insist(), PATIENCE_MS);
      this.#kill(signal);
    } else if (this.#timer === null) {
      // The third time is for those who cannot wait: the program was told, and ends on its own.
      process.exit(this.exitCode ?? EXIT.interrupted);
    } else {
      this.#insist();
    }
  };

  /** TERM, and KILL for what is left two seconds later. */
  #insist(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#kill();
  }

  #kill(signal?: LocalSignal): void {
    this.#stream.kill(signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (hasCode(error, "process_not_found")) return;
      note(`It may run on: ${error instanceof Error ? error.message : String(error)}`);
      process.exit(this.exitCode ?? EXIT.interrupted);
    });
  }
}
