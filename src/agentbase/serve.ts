// Agentbase's API: three calls, told apart by their paths. A session is ours, by its id or name. Nothing here starts a
// container.
import { problemResponse } from "../contract/errors.ts";
import { SessionRef } from "../contract/session.ts";
import { parseQuery } from "../lib/query-string.ts";
import { ProblemError, valueOf } from "../lib/problem-error.ts";
import { Api } from "../lib/api.ts";
import type { Send } from "../lib/api.ts";
import { clearMessages, getMessages } from "./messages.ts";
import { runAgent } from "./run-agent.ts";

const CALLS: Readonly<Record<string, (request: Request, api: Api) => Promise<Response>>> = {
  "/": runAgent,
  "/get-messages": (request, api) => getMessages(api, sessionOf(request)),
  "/clear-messages": (request, api) => clearMessages(api, sessionOf(request)),
};

/** `path` is without `/agentbase`. What fails is a problem as the API tells it. */
export async function serveAgentbase(
  request: Request,
  { path, send }: { readonly path: string; readonly send: Send },
): Promise<Response> {
  const call = Object.hasOwn(CALLS, path) ? CALLS[path] : undefined;
  if (call === undefined) {
    return problemResponse({
      code: "not_found",
      message: `Nothing is served at ${path.slice(0, 200)}. There are POST /get-messages and POST /clear-messages.`,
    });
  }
  if (request.method !== "POST") {
    return problemResponse(
      { code: "method_not_allowed", message: `${request.method} is not possible here. Possible: POST.` },
      { headers: { allow: "POST" } },
    );
  }
  try {
    return await call(request, new Api(send));
  } catch (error) {
    if (error instanceof ProblemError) {
      return problemResponse(error.problem);
    }
    throw error;
  }
}

/** @throws ProblemError */
function sessionOf(request: Request): string {
  const { session } = valueOf(parseQuery(new URL(request.url).search));
  if (session === undefined) {
    throw new ProblemError("invalid_request", "`session` is missing in the query: the id or name of a session.");
  }
  if (!SessionRef.safeParse(session).success) {
    throw new ProblemError("invalid_request", "`session` in the query is neither a session id nor a session name.");
  }
  return session;
}
