// A fork begins asleep, with a snapshot that shares its original's contents. The session is stored first and its snapshot
// made then, so that what was interrupted in between is completed when it is asked for again, or wakes.
import type { Env } from "../env.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { SessionRecord } from "./record.ts";
import { savedWorkspace } from "./saved-workspace.ts";
import type { SessionStore } from "./store.ts";

/** Nothing happens for a session that is no fork, or that has its snapshot. */
export async function completeFork(env: Env, store: SessionStore, record: SessionRecord): Promise<Result<null>> {
  const { forkOf, id: sessionId, createdAt } = record;
  if (forkOf === undefined || store.loadFact("saved") !== null) {
    return ok(null);
  }
  const target = { id: sessionId.replace("ses_", "snp_"), sessionId, label: null, reason: "fork", createdAt } as const;
  const copy = await repositoryOf(env, record.repositoryId).copy(forkOf, target);
  if (!copy.ok) {
    return copy;
  }
  store.saveFact("saved", savedWorkspace(copy.value, createdAt));
  return ok(null);
}
