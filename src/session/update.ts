// What a client changes of a session: entered in its account first, which may refuse the name, then stored and carried out.
import { accountOf } from "../account/rpc.ts";
import type { UpdateSession } from "../contract/session.ts";
import type { Env } from "../env.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { forgetName, rememberName } from "../storage/directory.ts";
import type { Activity } from "./activity.ts";
import { completeFork } from "./fork.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { OnDemand } from "./on-demand.ts";
import { hasInternet, recordAfter } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import type { Runtime } from "./runtime.ts";
import { putServices } from "./services.ts";
import { visibleState } from "./state.ts";
import type { SessionStore } from "./store.ts";

export interface UpdateParts {
  readonly lifecycle: Lifecycle;
  readonly activity: Activity;
  readonly runtime: Runtime;
  readonly store: SessionStore;
  readonly onDemand: OnDemand;
}

export async function updateSession(
  env: Env,
  { lifecycle, activity, runtime, store, onDemand }: UpdateParts,
  accountId: string,
  changes: UpdateSession,
): Promise<Result<SessionRecord>> {
  const session = lifecycle.find(accountId);
  if (!session.ok) {
    return session;
  }
  const before = session.value.record;
  const record = recordAfter(before, changes, Date.now());
  const account = accountOf(env, record.accountId);
  const forked = await completeFork(env, store, before);
  const entered = forked.ok ? await account.enter(record, visibleState(session.value.state)) : forked;
  if (!entered.ok) {
    return entered;
  }
  const still = lifecycle.find(accountId);
  if (!still.ok) {
    // It was deleted meanwhile, perhaps before it was entered anew.
    await account.release(record.id);
    return still;
  }
  lifecycle.change(record);
  await lifecycle.apply({ type: "extend", expiresAt: record.expiresAt });
  await lifecycle.apply({ type: "retime", lastActive: activity.lastAt });
  if (before.name !== null && before.name !== record.name) {
    lifecycle.inBackground("directory_failed", forgetName(env.DIRECTORY, accountId, before.name));
  }
  if (record.name !== before.name || record.expiresAt !== before.expiresAt) {
    publishName(env, lifecycle, record);
  }
  if (changes.budget !== undefined || changes.ttl !== undefined) {
    await lifecycle.reviewBudget();
  }
  // A container keeps to what it was started with. Of one that starts from now on, the record says what.
  if (changes.internet !== undefined && (store.loadRun()?.internet ?? hasInternet(record)) !== hasInternet(record)) {
    const slept = await onDemand.sleep(accountId);
    if (!slept.ok) {
      return slept;
    }
  }
  const run = runtime.live;
  if (changes.services !== undefined && run !== null && (await lifecycle.rouse(accountId)).ok) {
    await putServices(runtime, run, record);
  }
  return ok(record);
}

/** Into the directory at the edge, where a name is looked up first. */
export function publishName(env: Env, lifecycle: Lifecycle, { id, accountId, name, expiresAt }: SessionRecord): void {
  if (name !== null) {
    const entry = { accountId, name, sessionId: id, expiresAt };
    lifecycle.inBackground("directory_failed", rememberName(env.DIRECTORY, entry, Date.now()));
  }
}
