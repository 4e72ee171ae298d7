// An example of every body and answer of the API, and of every error, for its reference.
import type { ErrorCode, Problem } from "./errors.ts";
import { ACCOUNT_EXAMPLES } from "./examples/account.ts";
import { CONTEXT_EXAMPLES } from "./examples/contexts.ts";
import type { Examples } from "./examples/example.ts";
import { HISTORY_EXAMPLES } from "./examples/history.ts";
import { SESSION_EXAMPLES } from "./examples/sessions.ts";
import { ID } from "./examples/values.ts";
import type { ROUTES } from "./routes.ts";

export const EXAMPLES: Examples<typeof ROUTES> = {
  ...SESSION_EXAMPLES,
  ...CONTEXT_EXAMPLES,
  ...HISTORY_EXAMPLES,
  ...ACCOUNT_EXAMPLES,
};

export const REQUEST_ID = ID.request;

type Told = Pick<Problem, "message" | "details">;

export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, Told>> = {
  invalid_request: {
    message: "`ttl` in the body: Too small: expected number to be >=300.",
    details: { in: "body", issues: [{ path: "ttl", message: "Too small: expected number to be >=300" }] },
  },
  unauthorized: { message: "No API key was given. Send `Authorization: Bearer <key>`." },
  forbidden: {
    message: "This key lacks the scope execute. Use a key that has it.",
    details: { scope: "execute" },
  },
  not_found: { message: "There is no such key. List those that there are." },
  session_not_found: {
    message: "There is no such session. It may have expired or been deleted; create one.",
  },
  file_not_found: { message: "src/index.ts does not exist" },
  process_not_found: { message: "No process 17 runs in this session.", details: { pid: 17 } },
  execution_not_found: { message: "There is no such execution in this session." },
  terminal_not_found: { message: "There is no such terminal. It may have been closed." },
  context_not_found: { message: "There is no such context in this session. List those that there are." },
  event_not_found: { message: "There is no such event in this session's history. It may have been deleted." },
  thread_not_found: { message: "There is no such thread in this session. Put a record to create it." },
  snapshot_not_found: { message: "There is no such snapshot. List those that there are." },
  method_not_allowed: { message: "PUT is not possible here. Possible: GET, POST, HEAD." },
  execution_timeout: { message: "The session did not answer in time. Try again." },
  conflict: {
    message: `The name my-agent is taken by session ${ID.session}. Choose another.`,
    details: { name: "my-agent", sessionId: ID.session },
  },
  precondition_failed: { message: "The file is not the one that If-Match names. Read it again." },
  payload_too_large: { message: "The body is larger than 75497472 bytes.", details: { limitBytes: 75_497_472 } },
  range_not_satisfiable: { message: "The file has 21 bytes; the range begins after them." },
  session_limit_exceeded: {
    message: "The account has the 100 sessions that its plan allows. Delete one.",
    details: { limit: 100 },
  },
  rate_limit_exceeded: {
    message: "This key has made the 1000 requests that it may make in a minute. Try again in 12 s.",
    details: { limit: 1000, retryAfterSeconds: 12 },
  },
  internal_error: { message: `Something went wrong here. Quote ${ID.request} when you ask about it.` },
  preview_unavailable: { message: "Nothing listens on port 8080 of this session. Start a server there." },
  container_unavailable: { message: "The session's container does not answer. Try again." },
  storage_unavailable: { message: "The storage of snapshots does not answer. Try again." },
  memory_limit_exceeded: { message: "The program needed more memory than the session has." },
  disk_full: { message: "The session's disk is full. Delete files." },
};
