// Contexts: create, list, look at, run in, interrupt, delete. All of it goes to the session as a request, see
// session/door.ts; a run goes the way of an execution.
import { newId } from "../../contract/ids.ts";
import type { ContextCommand } from "../../contract/supervisor.ts";
import { ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { sessionOf } from "../../session/rpc.ts";
import type { SessionRpc } from "../../session/rpc.ts";
import type { Handlers } from "../bind.ts";
import type { Call } from "../call.ts";
import { checkTimeout, execute } from "../execution-call.ts";
import { forward } from "../forward.ts";
import type { Forwarded } from "../forward.ts";
import { findSession } from "../session-ref.ts";

export const contextHandlers = {
  async createContext(call, { params, body: { name = null, ...body } }) {
    const { reserved } = call;
    // The same for a call that is sent again, which then makes no second one.
    const id = reserved?.executionId.replace(/^exe_/, "ctx_") ?? newId("ctx");
    const command: ContextCommand = { id, name, ...body };
    const answer = await toSession(call, params.id, { path: "/contexts", json: JSON.stringify(command) });
    return answer instanceof Response && answer.ok
      ? new Response(answer.body, { status: 201, headers: answer.headers })
      : answer;
  },

  listContexts(call, { params }) {
    return toSession(call, params.id, { path: "/contexts" });
  },

  getContext(call, { params }) {
    return toSession(call, params.id, { path: `/contexts/${params.contextId}` });
  },

  async runInContext(call, { params, body }) {
    const { timeout, stream, encoding, code, env } = body;
    const inTime = checkTimeout(timeout, call.principal.plan);
    if (!inTime.ok) {
      return inTime;
    }
    const command = { context: params.contextId, code, env, files: [], workingDir: "/workspace" };
    return execute(call, { timeout, stream, encoding, cancelOnDisconnect: false, command }, () =>
      sessionFor(call, params.id),
    );
  },

  interruptContext(call, { params }) {
    return toSession(call, params.id, { path: `/contexts/${params.contextId}/interrupt`, json: "{}" });
  },

  deleteContext(call, { params }) {
    return toSession(call, params.id, { path: `/contexts/${params.contextId}` });
  },
} satisfies Partial<Handlers>;

async function toSession(call: Call, ref: string, target: Forwarded): Promise<Result<never> | Response> {
  const session = await sessionFor(call, ref);
  return session.ok ? forward(call, session.value, target) : session;
}

/** A name was looked up when the ids were reserved. */
async function sessionFor(call: Call, ref: string): Promise<Result<SessionRpc>> {
  return call.reserved === null ? findSession(call, ref) : ok(sessionOf(call.env, call.reserved.sessionId));
}
