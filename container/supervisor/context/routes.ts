// Contexts over HTTP. Requests come from the session object, which has checked them by the contract. Runs come the way of
// executions, see ../process/routes.ts.
import type { ContextDeleted, ContextInterrupted } from "../../../src/contract/contexts.ts";
import type { ContextCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import type { Contexts } from "./contexts.ts";

const ROUTE = /^\/contexts(?:\/(ctx_[0-9a-z]{20})(\/interrupt)?)?$/;

/** Null when the path is none of these. Rejects with SupervisorError for an expected failure. */
export function handleContexts(contexts: Contexts, request: Request, url: URL): Promise<Response> | null {
  const match = ROUTE.exec(url.pathname);
  return match === null ? null : answer(contexts, request, { id: match[1], interrupt: match[2] !== undefined });
}

async function answer(
  contexts: Contexts,
  request: Request,
  { id, interrupt }: { readonly id: string | undefined; readonly interrupt: boolean },
): Promise<Response> {
  const { method } = request;
  if (id === undefined && method === "GET") return Response.json(contexts.list());
  if (id === undefined && method === "POST") {
    // SAFETY: the session's own message.
    return Response.json(await contexts.create((await request.json()) as ContextCommand));
  }
  if (id !== undefined && interrupt && method === "POST") {
    return Response.json({ interrupted: await contexts.interrupt(id) } satisfies ContextInterrupted);
  }
  if (id !== undefined && !interrupt && method === "GET") return Response.json(contexts.get(id));
  if (id !== undefined && !interrupt && method === "DELETE") {
    await contexts.delete(id);
    return Response.json({ deleted: true, contextId: id } satisfies ContextDeleted);
  }
  throw new SupervisorError("method_not_allowed", `${method} is not possible on ${new URL(request.url).pathname}`);
}
