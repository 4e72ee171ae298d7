// Expected failures inside the supervisor: thrown anywhere below a handler, turned into an error body in server.ts.
import type { ErrorCode, Problem } from "../../src/contract/errors.ts";

export class SupervisorError extends Error {
  readonly problem: Problem;

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = "SupervisorError";
    this.problem = details === undefined ? { code, message } : { code, message, details };
  }
}
