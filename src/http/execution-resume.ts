// An execute that was sent before and whose answer was lost: finds out what became of it, so that it is not run twice.
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { sessionOf } from "../session/rpc.ts";
import { replayEvents, seenBefore } from "./event-replay.ts";
import type { Call, Reserved } from "./call.ts";
import type { ExecutionCall } from "./execution-call.ts";

/** How far the clocks of two objects may be apart. */
const CLOCKS_APART_MS = 5000;

/** The answer; or the problem that stood in the way of one: `execution_not_found` and `session_not_found` mean not yet. */
export async function resumeExecution(
  call: Call,
  reserved: Reserved,
  { encoding, timeout, stream }: Pick<ExecutionCall, "encoding" | "timeout" | "stream">,
): Promise<Response | Problem> {
  const session = sessionOf(call.env, reserved.sessionId);
  const known = await session.resume(call.principal.accountId, reserved.executionId, {
    encoding,
    timeoutSeconds: timeout ?? null,
  });
  if (!known.ok) {
    const { error } = known;
    if (error.code === "execution_not_found" && (await lostSince(call, reserved))) {
      return problemResponse(unknownOutcome(reserved.executionId));
    }
    return error.code === "execution_not_found" || error.code === "session_not_found" ? error : problemResponse(error);
  }
  if (!stream) {
    return Response.json(known.value);
  }
  const body = new TextEncoder().encode(JSON.stringify(known.value));
  return replayEvents(call, reserved, {
    answer: { status: 200, body, seq: Number.MAX_SAFE_INTEGER },
    encoding,
    after: seenBefore(call.request),
  });
}

/** Whether the session's files are not those of the time of the first call: then the record may have been among them. */
async function lostSince({ env, principal }: Call, { sessionId, startedAt }: Reserved): Promise<boolean> {
  const info = await sessionOf(env, sessionId).info(principal.accountId);
  const changes = info.ok ? [info.value.lastLoss?.at, info.value.lastRestore?.at] : [];
  return changes.some((at) => at !== undefined && Date.parse(at) >= startedAt - CLOCKS_APART_MS);
}

function unknownOutcome(executionId: string): Problem {
  return {
    code: "container_unavailable",
    message:
      `The container was lost after execution ${executionId} was asked for, and whether it ran is unknown. ` +
      "Send the call with a new Idempotency-Key if it may run twice.",
    details: { executionId, outcome: "unknown" },
  };
}
