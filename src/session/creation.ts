// How a session comes to be: stored first, then entered in its account, which may refuse it. One that was refused is
// removed again.
import { accountOf } from "../account/rpc.ts";
import type { Env } from "../env.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Budgets } from "./budgets.ts";
import { completeFork } from "./fork.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { SessionRecord } from "./record.ts";
import type { CreateOptions } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";
import { visibleState } from "./state.ts";
import type { SessionStore } from "./store.ts";
import { publishName } from "./update.ts";

export interface CreationParts {
  readonly lifecycle: Lifecycle;
  readonly store: SessionStore;
  readonly runtime: Runtime;
  readonly budgets: Budgets;
}

export async function createSession(
  env: Env,
  { lifecycle, store, runtime, budgets }: CreationParts,
  asked: SessionRecord,
  { from, onDemand = false }: CreateOptions,
): Promise<Result<SessionRecord>> {
  if (lifecycle.session !== null) {
    return fail("conflict", `Session ${asked.id} exists already. Create another.`);
  }
  const record = from === undefined ? asked : { ...asked, forkOf: from };
  const asleep = onDemand || from !== undefined;
  await lifecycle.create(record, { asleep });
  const forked = await completeFork(env, store, record);
  const [entered] = await Promise.all([
    forked.ok ? accountOf(env, record.accountId).enter(record, visibleState(lifecycle.state)) : forked,
    budgets.consult(),
  ]);
  const spent = asleep ? null : budgets.accountRefusal();
  const refused = entered.ok ? spent : entered.error;
  if (refused !== null) {
    await lifecycle.apply({ type: "delete" });
    return { ok: false, error: refused };
  }
  if (!asleep && budgets.refusal() === null) {
    // A failure is logged there, and tried again by the first call that needs the container.
    lifecycle.inBackground("container_start_failed", runtime.ready(record.resourceLimits));
  }
  publishName(env, lifecycle, record);
  return ok(record);
}
