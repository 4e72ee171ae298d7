// The front door: every request gets an id and goes through the door that its host and path name. What was not
// expected becomes `internal_error` and is logged here, once; its text is never told to a client.
import { Hono } from "hono";
import { registryOf } from "../account/registry-rpc.ts";
import type { Principal } from "../account/rpc.ts";
import { problemResponse } from "../contract/errors.ts";
import type { ErrorBody, Problem } from "../contract/errors.ts";
import { newId } from "../contract/ids.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { Refusals } from "../lib/refusals.ts";
import { agentbaseDoor } from "./agentbase-door.ts";
import { admit, admitOperator, refusal } from "./auth.ts";
import { bind } from "./bind.ts";
import type { ApiEnv } from "./bind.ts";
import { allowAnyOrigin, preflight } from "./cors.ts";
import { eraDoor } from "./era-door.ts";
import { doorOf } from "./host.ts";
import { mainDoor } from "./main-door.ts";
import { mcpDoor } from "./mcp-door.ts";
import { openApiDocument } from "./openapi.ts";
import { preview } from "./preview.ts";
import { countedOut } from "./rate-limit.ts";
import { accountHandlers } from "./routes/account.ts";
import { adminHandlers } from "./routes/admin.ts";
import { contextHandlers } from "./routes/contexts.ts";
import { eventHandlers } from "./routes/events.ts";
import { executeHandlers } from "./routes/execute.ts";
import { fileHandlers } from "./routes/files.ts";
import { historyHandlers } from "./routes/history.ts";
import { keyHandlers } from "./routes/keys.ts";
import { previewHandlers } from "./routes/previews.ts";
import { sessionHandlers } from "./routes/sessions.ts";
import { snapshotHandlers } from "./routes/snapshots.ts";
import { terminalHandlers } from "./routes/terminals.ts";
import { usageHandlers } from "./routes/usage.ts";

export async function answer(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const requestId = newId("req");
  try {
    return await throughDoor(request, env, ctx, requestId);
  } catch (error) {
    return named(problemResponse(unexpected(error, request, requestId), { requestId }), requestId);
  }
}

async function throughDoor(request: Request, env: Env, ctx: ExecutionContext, requestId: string): Promise<Response> {
  const url = URL.parse(request.url);
  if (url === null) {
    const problem = { code: "invalid_request", message: "The Host header is not a host name." } as const;
    return named(problemResponse(problem, { requestId }), requestId);
  }
  const door = doorOf(url.host, url.pathname, env.DOMAIN);
  const sendAs = (admitted: Principal) => async (inner: Request) =>
    api.fetch(inner, { env, requestId, path: new URL(inner.url).pathname, headers: new Headers(), admitted }, ctx);
  switch (door.kind) {
    case "api": {
      const headers = new Headers();
      const response =
        request.method === "OPTIONS"
          ? preflight(request)
          : await api.fetch(request, { env, requestId, path: door.path, headers }, ctx);
      const answered = named(await withRequestId(response, requestId), requestId);
      for (const [name, value] of headers) {
        answered.headers.set(name, value);
      }
      allowAnyOrigin(answered.headers);
      return answered;
    }
    case "agentbase":
      return named(await agentbaseDoor(request, { env, path: door.path, requestId, sendAs }), requestId);
    case "era": {
      const waitUntil = (work: Promise<unknown>) => ctx.waitUntil(work);
      return named(await eraDoor(request, { env, path: door.path, requestId, sendAs, waitUntil }), requestId);
    }
    case "preview":
      return named(await preview(request, env, door, requestId), requestId);
    case "refused":
      return named(problemResponse(door.problem, { requestId }), requestId);
    case "main":
      break;
  }
  if (door.path === "/mcp") {
    return named(await mcpDoor(request, { env, requestId, sendAs }), requestId);
  }
  return named(await mainDoor(request, { env, url, path: door.path, requestId }), requestId);
}

const api = new Hono<ApiEnv>({ getPath: (_request, options) => options?.env?.path ?? "/" });
api.get("/openapi.json", (c) => c.json(openApiDocument(c.req.url.replace(/\/openapi\.json.*$/, ""))));
api.use(async (c, next) => {
  if (isOperators(c.env.path)) {
    const operator = await admitOperator(c.req.raw, c.env.env);
    if (!operator.ok) {
      c.executionCtx.waitUntil(noteRefusal(operator.error, c.env.env));
      return refusal(operator.error);
    }
    c.set("principal", operator.value);
    return next();
  }
  if (c.env.admitted !== undefined) {
    c.set("principal", c.env.admitted);
    return next();
  }
  const admission = await admit(c.req.raw, c.env.env);
  if (admission.kind === "refused") {
    return refusal(admission.problem);
  }
  c.set("principal", admission.principal);
  return countedOut(admission.rate, c.env.headers) ?? next();
});
bind(api, {
  ...sessionHandlers,
  ...executeHandlers,
  ...contextHandlers,
  ...eventHandlers,
  ...historyHandlers,
  ...terminalHandlers,
  ...fileHandlers,
  ...snapshotHandlers,
  ...previewHandlers,
  ...keyHandlers,
  ...adminHandlers,
  ...accountHandlers,
  ...usageHandlers,
});
api.notFound((c) =>
  problemResponse({
    code: "not_found",
    message: `The API has nothing at ${c.env.path.slice(0, 200)}. See /api/openapi.json.`,
  }),
);
api.onError((error, c) => problemResponse(unexpected(error, c.req.raw, c.env.requestId)));

/** A path that only looks like it meets routes whose scope the operator's key has not, and the other way round. */
function isOperators(path: string): boolean {
  return path === "/admin" || path.startsWith("/admin/");
}

/** Of this instance of the Worker. */
const refusals = new Refusals();

/** Who tries the operator's API is of no account, so nobody else tells of it. */
async function noteRefusal({ code }: Problem, env: Env): Promise<void> {
  const refused = code !== "not_found" ? refusals.note(null, "operator_key", Date.now()) : null;
  if (refused !== null) {
    const details = { reason: refused.reason, times: refused.times };
    await registryOf(env).record({ action: "access.refused", accountId: null, actor: null, details });
  }
}

function unexpected(error: unknown, request: Request, requestId: string): Problem {
  logError("unexpected", {
    requestId,
    method: request.method,
    url: request.url.slice(0, 2000),
    reason: describe(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  return { code: "internal_error", message: `Something went wrong here. Quote ${requestId} when you ask about it.` };
}

/** Puts the request's id into an error's body; problems come from many places, the id is only known here. */
async function withRequestId(response: Response, requestId: string): Promise<Response> {
  if (response.status < 400 || response.body === null) {
    return response;
  }
  const { error } = await response.json<ErrorBody>();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  return problemResponse(error, { requestId, headers });
}

/** The answer with the request's id. The body is not touched. */
function named(response: Response, requestId: string): Response {
  const answered = new Response(response.body, response);
  answered.headers.set("x-request-id", requestId);
  return answered;
}
