// How a run ended, in ERA's words. Pure. The documents have two spellings for some of it, and answers have both.
import type * as z from "zod";
import type { RunAnswer } from "../contract/context-run.ts";
import type { ExecuteAnswer } from "../contract/execute.ts";
import { DATA_FILE, isOwn } from "./places.ts";

type ContextPart = Pick<z.infer<typeof RunAnswer>, "error" | "dropped" | "lost">;
/** Of a program, or of a run in a context. */
export type Answer = ExecuteAnswer & Partial<ContextPart>;

/** What coreutils' `timeout` gives, which ERA's documents look for. */
const TIMED_OUT = 124;
/** https://man7.org/linux/man-pages/man7/signal.7.html; shells add 128. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

export function outcome(answer: Answer): Record<string, unknown> {
  const { stdout, executionTime, filesWritten, truncated, background, pid, dropped = [], lost = null } = answer;
  return {
    exit_code: exitCode(answer),
    stdout,
    stderr: answer.stderr + tracebackOf(answer),
    duration: duration(executionTime),
    execution_time_ms: Math.round(executionTime),
    files_modified: filesWritten.filter(isUsers).length,
    ...(truncated ? { truncated } : {}),
    ...(background ? { background, pid } : {}),
    ...(dropped.length > 0 ? { dropped_variables: dropped } : {}),
    ...(lost === null ? {} : { lost_variables: lost }),
  };
}

/** Null while it goes on in the background. */
function exitCode({ exitCode: code, timedOut, signal, background }: Answer): number | null {
  if (timedOut) {
    return TIMED_OUT;
  }
  if (code !== null || background) {
    return code;
  }
  return signal === null ? 1 : 128 + (SIGNALS[signal] ?? 0);
}

/** What an interpreter would have printed before it ended; a context goes on instead, and tells the error apart. */
export function tracebackOf({ error = null, exitCode: code, timedOut, stderr }: Answer): string {
  const wasInterrupted = timedOut && code !== null;
  if (error === null || wasInterrupted) {
    return "";
  }
  const told = `${error.name}: ${error.message}`;
  const traceback = error.traceback.join("\n").trimEnd();
  // Python has the message in its last line, JavaScript has places alone.
  const text = traceback.includes(told) ? traceback : `${told}\n${traceback}`.trimEnd();
  return stderr.includes(told) ? "" : `${text}\n`;
}

/** As Go writes one: `0.12s`. */
export function duration(ms: number): string {
  return `${(ms / 1000).toFixed(3)}s`;
}

function isUsers(path: string): boolean {
  return path !== DATA_FILE && !isOwn(path);
}
