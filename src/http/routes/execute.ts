// Executions: run, kill, list, look at.
import type { Problem } from "../../contract/errors.ts";
import type { ExecuteRequest } from "../../contract/execute.ts";
import { newId } from "../../contract/ids.ts";
import { imageFor } from "../../contract/language.ts";
import type { ImageName } from "../../contract/language.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { SessionRpc } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import type { Call } from "../call.ts";
import { checkTimeout, execute } from "../execution-call.ts";
import { checkFiles } from "../file-limits.ts";
import { forward } from "../forward.ts";
import { encodePath } from "../../lib/route-path.ts";
import { resourceLimits } from "../plan-limits.ts";
import { findSession } from "../session-ref.ts";

/** A session made for one execution removes itself when that has answered; this is for one that never does. */
const ONE_SHOT_TTL_MS = 600_000;

export const executeHandlers = {
  async execute(call, { body }) {
    const { sessionId, internet: _, timeout, cancelOnDisconnect, stream, encoding, ...command } = body;
    const files = checkFiles(body.files, call.principal.plan);
    if (!files.ok) {
      return files;
    }
    const inTime = checkTimeout(timeout, call.principal.plan);
    if (!inTime.ok) {
      return inTime;
    }
    if (sessionId === undefined && body.background === true) {
      return fail(
        "invalid_request",
        "`background` needs a `sessionId`: a session of its own is destroyed as soon as the call has answered.",
      );
    }
    const { reserved } = call;
    if (sessionId === undefined) {
      reserved?.afterwards(() => sessionOf(call.env, reserved.sessionId).destroy(call.principal.accountId));
    }
    const asked = { timeout, stream, cancelOnDisconnect, encoding, command };
    return execute(call, asked, (earlier) => sessionFor(call, body, earlier));
  },

  async kill(call, { body: { sessionId, ...command } }) {
    const session = await findSession(call, sessionId);
    return session.ok ? session.value.kill(call.principal.accountId, command) : session;
  },

  async listProcesses(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.processes(call.principal.accountId) : session;
  },

  async listExecutions(call, { params, query }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.executions(call.principal.accountId, query) : session;
  },

  async getExecution(call, { params }) {
    const session = await findSession(call, params.id);
    return session.ok ? session.value.execution(call.principal.accountId, params.executionId) : session;
  },

  async getOutput(call, { params, query }) {
    const session = await findSession(call, params.id);
    if (!session.ok) {
      return session;
    }
    if (call.request.headers.get("accept")?.includes("text/event-stream")) {
      const { after, until } = query;
      const path = `/executions/${encodePath(params.executionId)}/output?after=${after}&until=${until}`;
      return forward(call, session.value, { path });
    }
    return session.value.output(call.principal.accountId, params.executionId, query.after);
  },
} satisfies Partial<Handlers>;

/** The session to run in. `earlier`: why nothing is known of an earlier call, if there was one. */
async function sessionFor(
  call: Call,
  { sessionId: ref, language, internet = true }: ExecuteRequest,
  earlier: Problem | null,
): Promise<Result<SessionRpc>> {
  const { env, reserved } = call;
  if (ref !== undefined) {
    // A name was looked up when the ids were reserved.
    return reserved === null ? findSession(call, ref) : ok(sessionOf(env, reserved.sessionId));
  }
  if (earlier?.code === "execution_not_found" && reserved !== null) {
    return ok(sessionOf(env, reserved.sessionId));
  }
  // Until then it would still be there, had it ever been made: it is removed when its answer is kept, or by its time.
  if (earlier !== null && reserved !== null && Date.now() >= reserved.startedAt + ONE_SHOT_TTL_MS) {
    return fail(
      "conflict",
      "The outcome of an earlier call with this Idempotency-Key was lost with the session that was made for it. " +
        "Send the call with a new key if it may run twice.",
      { executionId: reserved.executionId, outcome: "unknown" },
    );
  }
  return createOneShot(call, { image: language === undefined ? "bun" : imageFor(language), internet });
}

async function createOneShot(
  { env, principal, reserved }: Call,
  { image, internet }: { readonly image: ImageName; readonly internet: boolean },
): Promise<Result<SessionRpc>> {
  const id = reserved?.sessionId ?? newId("ses");
  const session = sessionOf(env, id);
  const limits = resourceLimits({}, principal.plan);
  if (!limits.ok) {
    return limits;
  }
  const createdAt = Date.now();
  const created = await session.create({
    id,
    accountId: principal.accountId,
    name: null,
    image,
    internet,
    createdAt,
    expiresAt: createdAt + ONE_SHOT_TTL_MS,
    resourceLimits: limits.value,
    metadata: {},
    oneShot: true,
    repositoryId: id,
    idleAfterMs: null,
    deepSleepAfterMs: null,
    services: [],
  });
  return created.ok ? ok(session) : created;
}
