// Sends an execution to its session: one that has an idempotency key is started once, however often it is sent.
import { ERRORS } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import type { ExecuteCommand } from "../contract/supervisor.ts";
import type { Plan } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { ExecuteQuery, SessionRpc } from "../session/rpc.ts";
import type { Call, Reserved } from "./call.ts";
import { resumeExecution } from "./execution-resume.ts";
import { forward } from "./forward.ts";

/** What the session does not have to know at once; the rest is the command. */
export interface ExecutionCall {
  /** Seconds. Absent: the session's default. */
  readonly timeout?: number | undefined;
  readonly stream: boolean;
  readonly cancelOnDisconnect: boolean;
  readonly encoding: ExecuteCommand["encoding"];
  readonly command: Omit<
    ExecuteCommand,
    "executionId" | "timeoutMs" | "stream" | "cancelOnDisconnect" | "encoding" | "loss"
  >;
}

export function checkTimeout(timeout: number | undefined, plan: Plan): Result<null> {
  const { max } = plan.timeoutSeconds;
  return timeout !== undefined && timeout > max
    ? fail("invalid_request", `\`timeout\` is above your plan's limit of ${max} s.`, { max })
    : ok(null);
}

/** `sessionFor` gives the session to run in; it is told why nothing is known of an earlier call, if there was one. */
export async function execute(
  call: Call,
  asked: ExecutionCall,
  sessionFor: (earlier: Problem | null) => Promise<Result<SessionRpc>>,
): Promise<Result<never> | Response> {
  const { reserved } = call;
  const earlier = reserved?.again === true ? await resumeExecution(call, reserved, asked) : null;
  if (earlier instanceof Response) {
    return earlier;
  }
  const session = await sessionFor(earlier);
  if (!session.ok) {
    return session;
  }
  const { timeout, stream, cancelOnDisconnect, encoding, command } = asked;
  const query: ExecuteQuery = {
    ...(timeout === undefined ? {} : { timeout: String(timeout) }),
    ...(stream ? { stream: "true" } : {}),
    ...(cancelOnDisconnect ? { cancelOnDisconnect: "true" } : {}),
    ...(command.context === undefined ? {} : { context: command.context }),
    ...(reserved === null ? {} : { executionId: reserved.executionId, keep: "true" }),
  };
  const response = await forward(call, session.value, {
    path: `/execute?${new URLSearchParams({ ...query }).toString()}`,
    json: JSON.stringify({ stream, cancelOnDisconnect, encoding, ...command }),
  });
  if (reserved?.again === true && response.status === ERRORS.conflict.status) {
    // The earlier call was on its way still, and has started it in the meantime.
    const started = await resumeExecution(call, reserved, asked);
    return started instanceof Response ? started : response;
  }
  return stream && reserved !== null ? withIds(response, reserved) : response;
}

/** What a client whose stream breaks before its end picks it up by. */
function withIds(response: Response, { sessionId, executionId }: Reserved): Response {
  const told = new Response(response.body, response);
  told.headers.set("buntime-session-id", sessionId);
  told.headers.set("buntime-execution-id", executionId);
  return told;
}
