// An expected failure on its way up inside one process: thrown anywhere below a handler, which turns it into an error
// body. It must not cross Durable Object RPC, where it would lose its class (see result.ts).
import type { ErrorCode, Problem } from "../contract/errors.ts";
import type { Result } from "./result.ts";

export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = "ProblemError";
    this.problem = details === undefined ? { code, message } : { code, message, details };
  }
}

/** @throws ProblemError where the result is a failure */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) {
    throw problemError(result.error);
  }
  return result.value;
}

export function problemError({ code, message, details }: Problem): ProblemError {
  return new ProblemError(code, message, details);
}
