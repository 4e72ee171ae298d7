// What became of a context's variables, in the words that the next run tells. Pure.
import type { LostContext, RunError } from "../../../src/contract/contexts.ts";
import type { KillReason } from "../../../src/contract/execute.ts";
import type { Ending } from "../process/execution.ts";
import type { KeptContext } from "./context-files.ts";
import type { InterpreterEnd } from "./interpreter.ts";

/** As a context is whose variables are gone. */
export const NEVER_SAVED = { savedAt: null, unsavedSince: null, dropped: [] } as const;

/** What a run tells that starts the interpreter anew. @param loss of the session's container, see ExecuteCommand */
export function lossBefore(kept: KeptContext, loss: LostContext | null): LostContext | null {
  if (kept.lost !== null) return kept.lost;
  if (loss !== null && Date.parse(kept.startedAt ?? kept.createdAt) < Date.parse(loss.at)) return loss;
  const { unsavedSince, savedAt } = kept;
  if (unsavedSince === null) return null;
  const left = savedAt === null ? "nothing was saved before" : `its variables are those of ${savedAt}`;
  return { at: unsavedSince, reason: `its interpreter ended before what ran since then was saved; ${left}` };
}

export function describeEnd({ signal, exitCode }: InterpreterEnd, ending: Ending | null): string {
  if (ending?.outcome === "timed_out") return "it did not stop when its time was up, and was killed";
  const mebibytes = Math.round((ending?.problem?.limitBytes ?? 0) / 1024 / 1024);
  const byItself = signal === null ? `it ended by itself, with exit code ${exitCode}` : `it was ended by ${signal}`;
  const reasons: Readonly<Partial<Record<KillReason, string>>> = {
    memory_limit_exceeded: `it was killed: the session's processes used more than ${mebibytes} MiB of memory`,
    disk_full: `it was killed: the session's files take more than ${mebibytes} MiB`,
    requested: "it was killed on request",
    shutdown: "it was ended with its container",
  };
  return (ending === null ? undefined : reasons[ending.reason]) ?? byItself;
}

export function errorOfEnd(end: InterpreterEnd, ending: Ending | null): RunError {
  const message = `The interpreter is gone, and the variables of the context with it: ${describeEnd(end, ending)}`;
  return { name: "InterpreterEnded", message, traceback: [], line: null, column: null };
}
