// Expected failures inside the supervisor: thrown anywhere below a handler, turned into an error body in server.ts.
export { ProblemError as SupervisorError } from "../../src/lib/problem-error.ts";
