// What a key may do, held against the route it asks for: its scopes, and the one session that it may be bound to.
import { accountOf } from "../account/rpc.ts";
import type { Principal } from "../account/rpc.ts";
import { SESSION_ID } from "../contract/ids.ts";
import type { Route } from "../contract/route.ts";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/** Before the input is looked at: who may not call the route learns nothing from how it takes the input. */
export function mayCall({ scopes, sessionId }: Principal, { scope, accountWide, ...route }: Route): Result<null> {
  if (!scopes.includes(scope)) {
    return fail("forbidden", `This key lacks the scope ${scope}. Use a key that has it.`, { scope });
  }
  const ofSession = namesSession(route) && accountWide !== true;
  return sessionId === null || ofSession ? ok(null) : elsewhere(sessionId);
}

/** A key that is bound to a session finds no other one. */
export async function maySee(principal: Principal, ref: string | null, env: Env): Promise<Result<null>> {
  const { sessionId, accountId } = principal;
  if (sessionId === null) {
    return ok(null);
  }
  if (ref === null) {
    return elsewhere(sessionId);
  }
  const id = SESSION_ID.test(ref) ? ref : await accountOf(env, accountId).find(ref);
  return id === sessionId
    ? ok(null)
    : fail("session_not_found", "There is no such session. It may have expired or been deleted; create one.");
}

/** For what a call does beside its purpose, such as a service that it has started. */
export function hasScope(principal: Principal, scope: Route["scope"], what: string): Result<null> {
  return principal.scopes.includes(scope)
    ? ok(null)
    : fail("forbidden", `This key lacks the scope ${scope}, which ${what} needs.`, { scope });
}

/** The session that a parsed request is about, by id or name. */
export function sessionRefOf(
  route: Route,
  input: { readonly params: unknown; readonly query: unknown; readonly body: unknown },
): string | null {
  return route.path.startsWith(OF_SESSION)
    ? memberOf(input.params, "id")
    : (memberOf(input.query, "sessionId") ?? memberOf(input.body, "sessionId"));
}

const OF_SESSION = "/sessions/{id}";

function namesSession({ path, query, body }: Pick<Route, "path" | "query" | "body">): boolean {
  if (path.startsWith(OF_SESSION)) {
    return true;
  }
  return [query, body].some(
    (schema) => schema !== undefined && "shape" in schema && Object.hasOwn(Object(schema.shape), "sessionId"),
  );
}

/** A member of a parsed input that is text. */
export function memberOf(value: unknown, name: string): string | null {
  const member: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return typeof member === "string" ? member : null;
}

function elsewhere(sessionId: string): Result<never> {
  return fail("forbidden", `This key opens session ${sessionId} alone, and nothing else of the account.`, {
    sessionId,
  });
}
