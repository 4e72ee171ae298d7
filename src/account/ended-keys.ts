// Sessions hold what streams. They are told of a key that opens its account no longer, and end what it has opened.
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { inParallel } from "../lib/parallel.ts";
import { within } from "../lib/within.ts";
import { sessionOf } from "../session/rpc.ts";

const TELL_MS = 5000;
const TOLD_AT_ONCE = 20;

export async function endStreams(
  env: Env,
  sessionIds: readonly string[],
  { accountId, keyId }: { readonly accountId: string; readonly keyId: string },
): Promise<void> {
  await inParallel(sessionIds, TOLD_AT_ONCE, async (sessionId) => {
    try {
      await within(sessionOf(env, sessionId).endStreams(accountId, keyId), TELL_MS);
    } catch (error) {
      // An object that was lost has lost its streams as well.
      logError("streams_not_ended", { sessionId, keyId, reason: describe(error) });
    }
  });
}
