// Executions: run, kill, list, look at.
import { newId } from "../../contract/ids.ts";
import { DEFAULT_RESOURCES } from "../../contract/limits.ts";
import { fail } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { ExecuteQuery, SessionRpc } from "../../session/rpc.ts";
import type { Call, Handlers } from "../bind.ts";
import { checkFiles } from "../file-limits.ts";
import { forward } from "../forward.ts";
import { encodePath } from "../path.ts";
import { findSession } from "../session-ref.ts";

/** A session made for one execution removes itself when that has answered; this is for one that never does. */
const ONE_SHOT_TTL_MS = 600_000;

export const executeHandlers = {
  async execute(call, { body }) {
    const { sessionId, timeout, cancelOnDisconnect, stream, ...command } = body;
    const files = checkFiles(body.files, call.principal.plan);
    if (!files.ok) {
      return files;
    }
    const timeoutMax = call.principal.plan.timeoutSeconds.max;
    if (timeout !== undefined && timeout > timeoutMax) {
      return fail("invalid_request", `\`timeout\` is above your plan's limit of ${timeoutMax} s.`, { max: timeoutMax });
    }
    if (sessionId === undefined && body.background === true) {
      return fail(
        "invalid_request",
        "`background` needs a `sessionId`: a session of its own is destroyed as soon as the call has answered.",
      );
    }
    const session = sessionId === undefined ? await createOneShot(call) : await findSession(call, sessionId);
    if (!session.ok) {
      return session;
    }
    const query: ExecuteQuery = {
      ...(timeout === undefined ? {} : { timeout: String(timeout) }),
      ...(stream ? { stream: "true" } : {}),
      ...(cancelOnDisconnect ? { cancelOnDisconnect: "true" } : {}),
    };
    return forward(call, session.value, {
      path: `/execute?${new URLSearchParams({ ...query }).toString()}`,
      json: JSON.stringify({ stream, cancelOnDisconnect, ...command }),
    });
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
      const path = `/executions/${encodePath(params.executionId)}/output?after=${query.after}`;
      return forward(call, session.value, { path });
    }
    return session.value.output(call.principal.accountId, params.executionId, query.after);
  },
} satisfies Partial<Handlers>;

async function createOneShot({ env, principal }: Call): Promise<Result<SessionRpc>> {
  const id = newId("ses");
  const session = sessionOf(env, id);
  const createdAt = Date.now();
  const created = await session.create({
    id,
    accountId: principal.accountId,
    name: null,
    image: "bun",
    createdAt,
    expiresAt: createdAt + ONE_SHOT_TTL_MS,
    resourceLimits: DEFAULT_RESOURCES,
    metadata: {},
    oneShot: true,
  });
  return created.ok ? { ok: true, value: session } : created;
}
