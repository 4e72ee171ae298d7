// Who may use an account's storage, and what a run of theirs is lent for it. It belongs to the account as a whole: a key that is
// bound to one session does not open it, nor does code that runs by such a key.
import { accountOf } from "../account/rpc.ts";
import type { Principal } from "../account/rpc.ts";
import type { Env } from "../env.ts";
import { TOKEN_GRACE_MS } from "./limits.ts";
import { storageOf } from "./rpc.ts";
import type { StorageAccess } from "./storage.ts";

/** Null where the caller may not use it. */
export function storageAccess(env: Env, { accountId, scopes, sessionId }: Principal): StorageAccess | null {
  if (!scopes.includes("storage") || sessionId !== null) {
    return null;
  }
  return {
    storage: storageOf(env, accountId),
    lendToRun(ofSession, seconds) {
      const expiresAt = Date.now() + Math.ceil(seconds * 1000) + TOKEN_GRACE_MS;
      return accountOf(env, accountId).lendToRun({ sessionId: ofSession, expiresAt });
    },
  };
}
