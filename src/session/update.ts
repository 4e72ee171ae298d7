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
import type { PreviewAccess } from "./preview-access.ts";
import { hasInternet, recordAfter } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import type { Runtime } from "./runtime.ts";
import { putServices } from "./services.ts";
import { visibleState } from "./state.ts";
import type { SessionStore } from "./store.ts";

interface UpdateParts {
  readonly lifecycle: Lifecycle;
  readonly activity: Activity;
  readonly runtime: Runtime;
  readonly store: SessionStore;
  readonly onDemand: OnDemand;
  readonly previews: PreviewAccess;
}

interface Stored {
  readonly before: SessionRecord;
  readonly record: SessionRecord;
}

export class Updates {
  readonly #env: Env;
  readonly #parts: UpdateParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(env: Env, parts: UpdateParts) {
    this.#env = env;
    this.#parts = parts;
  }

  async update(accountId: string, changes: UpdateSession): Promise<Result<SessionRecord>> {
    const { lifecycle, store, onDemand } = this.#parts;
    const stored = await this.#inTurn(() => this.#store(accountId, changes));
    if (!stored.ok) {
      return stored;
    }
    const { before, record } = stored.value;
    if (before.name !== null && before.name !== record.name) {
      lifecycle.inBackground("directory_failed", forgetName(this.#env.DIRECTORY, accountId, before.name));
    }
    if (record.name !== before.name || record.expiresAt !== before.expiresAt) {
      publishName(this.#env, lifecycle, record);
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
    if (changes.services !== undefined) {
      await this.#changeServices(accountId);
    }
    return ok(record);
  }

  /** In the account and here. */
  async #store(accountId: string, changes: UpdateSession): Promise<Result<Stored>> {
    const { lifecycle, activity, store, previews } = this.#parts;
    const session = lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const before = session.value.record;
    const record = recordAfter(before, changes, Date.now());
    const account = accountOf(this.#env, record.accountId);
    const forked = await completeFork(this.#env, store, before);
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
    previews.changed();
    await lifecycle.apply({ type: "extend", expiresAt: record.expiresAt });
    await lifecycle.apply({ type: "retime", lastActive: activity.lastAt });
    return ok({ before, record });
  }

  /** Has the container that is there, or begins, run what the record names by then. It is not woken for that. */
  async #changeServices(accountId: string): Promise<void> {
    const { lifecycle, runtime } = this.#parts;
    const free = await lifecycle.findFree(accountId);
    if (!free.ok || runtime.state === "stopped" || free.value.state.phase === "releasing") {
      return;
    }
    const roused = await lifecycle.rouse(accountId);
    const run = roused.ok ? await runtime.ready(roused.value.record.resourceLimits) : roused;
    const session = lifecycle.find(accountId);
    if (run.ok && session.ok) {
      await putServices(runtime, run.value, session.value.record);
    }
  }

  /** One after the other: each begins with what the one before it has stored. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Into the directory at the edge, where a name is looked up first. */
export function publishName(env: Env, lifecycle: Lifecycle, { id, accountId, name, expiresAt }: SessionRecord): void {
  if (name !== null) {
    const entry = { accountId, name, sessionId: id, expiresAt };
    lifecycle.inBackground("directory_failed", rememberName(env.DIRECTORY, entry, Date.now()));
  }
}
