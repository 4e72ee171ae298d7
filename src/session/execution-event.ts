// What an execution's answer says of how it went, for the event that tells it. Pure. An outcome is never made up.
import type { ErrorBody, Problem } from "../contract/errors.ts";
import type { ExecuteAnswer, ExecutionRecord } from "../contract/execute.ts";

export interface Completion {
  readonly executionId: string;
  /** `running`: the call has answered, and the process goes on in the background. */
  readonly outcome: ExecutionRecord["outcome"];
  readonly exitCode: number | null;
  /** As far as is known. */
  readonly filesWritten: readonly string[];
}

type Answered = Pick<ExecuteAnswer, "executionId" | "exitCode" | "signal" | "timedOut" | "background" | "filesWritten">;

export function completionOfAnswer({ executionId, filesWritten, ...end }: Answered): Completion {
  if (end.background) {
    return { executionId, outcome: "running", exitCode: null, filesWritten };
  }
  const outcome = end.timedOut ? "timed_out" : end.signal === null ? "exited" : "killed";
  return { executionId, outcome, exitCode: end.exitCode, filesWritten };
}

/** Null: nothing was executed. */
export function completionOfProblem({ code, details }: Problem): Completion | null {
  const executionId = details?.["executionId"];
  if (typeof executionId !== "string") {
    return null;
  }
  if (code === "memory_limit_exceeded" || code === "disk_full") {
    return { executionId, outcome: "killed", exitCode: null, filesWritten: [] };
  }
  return code === "execution_timeout" || details?.["outcome"] === "unknown"
    ? { executionId, outcome: "unknown", exitCode: null, filesWritten: [] }
    : null;
}

/** `json`: the body of an answer, as the client gets it. */
export function completionOfJson(json: string): Completion | null {
  // SAFETY: the supervisor wrote it, as the contract says.
  const body = JSON.parse(json) as Answered | ErrorBody;
  // That of a run in a context has an `error` of its own.
  return "executionId" in body ? completionOfAnswer(body) : completionOfProblem(body.error);
}

/** The same for every teller of it, so that it is told once. */
export function completionEventId(executionId: string): string {
  return executionId.replace(/^exe_/, "evt_");
}
