// Finds the session that a path or a body means. Names are looked up at the edge first; since that may be stale, the
// session confirms its name, and the account's object decides.
import { accountOf } from "../account/rpc.ts";
import { SESSION_ID } from "../contract/ids.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { sessionOf } from "../session/rpc.ts";
import type { SessionRpc } from "../session/rpc.ts";
import { findName } from "../storage/directory.ts";
import type { Call } from "./call.ts";

/** The object behind an id or a name. An id is not checked here: the object knows whether it lives. */
export async function findSession({ env, principal }: Call, ref: string): Promise<Result<SessionRpc>> {
  if (SESSION_ID.test(ref)) {
    return ok(sessionOf(env, ref));
  }
  const hint = await findName(env.DIRECTORY, principal.accountId, ref);
  if (hint !== null) {
    const session = sessionOf(env, hint);
    if (await session.isNamed(principal.accountId, ref)) {
      return ok(session);
    }
  }
  const sessionId = await accountOf(env, principal.accountId).find(ref);
  return sessionId === null
    ? fail("session_not_found", `There is no session named ${ref}. It may have expired or been deleted; create one.`)
    : ok(sessionOf(env, sessionId));
}
