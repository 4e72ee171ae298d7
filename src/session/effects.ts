// What the machine asks for, done. Each resolves with the event that it reports, or null; none of them throws: what failed
// is logged here and tried again by the alarm that the machine has set.
import type { ContainerEnd } from "../contract/execute.ts";
import type { FreezeAnswer } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { Activity } from "./activity.ts";
import type { SessionEffect, SessionEvent } from "./machine.ts";
import type { SessionState } from "./state.ts";
import type { SessionRecord } from "./record.ts";
import { removeOutside } from "./removal.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import type { Saving } from "./saving.ts";
import type { SessionStore } from "./store.ts";
import { readResult } from "./supervisor-client.ts";
import type { SupervisorClient } from "./supervisor-client.ts";

const FREEZE_MS = 5000;
const THAW_ATTEMPTS = 2;
const NEEDS_CONTAINER: ReadonlySet<SessionEffect> = new Set(["save", "freeze", "fall-asleep"]);
/** Executions that begin while others are ended are ended, too; so often. */
const FREEZE_ATTEMPTS = 3;

export interface EffectParts {
  readonly runtime: Runtime;
  readonly supervisor: SupervisorClient;
  readonly saving: Saving;
  readonly store: SessionStore;
  readonly activity: Activity;
  /** Tells the account what the session has used. */
  readonly report: () => Promise<void>;
}

export class Effects {
  readonly #env: Env;
  readonly #parts: EffectParts;
  /** Processes may be stopped: they have to be let go on before anybody is served. */
  #frozen: boolean;
  #removal: Promise<void> | null = null;

  constructor(env: Env, parts: EffectParts, options: { readonly frozen: boolean }) {
    this.#env = env;
    this.#parts = parts;
    this.#frozen = options.frozen;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  async run(
    effect: Exclude<SessionEffect, "erase">,
    state: SessionState,
    record: SessionRecord,
  ): Promise<SessionEvent | null> {
    const { runtime } = this.#parts;
    // What was not saved is lost: nothing is to be taken for saved.
    if (NEEDS_CONTAINER.has(effect) && runtime.state === "stopped" && runtime.noticeLoss()) {
      return null;
    }
    try {
      switch (effect) {
        case "keep":
          await this.#parts.runtime.keep();
          return null;
        case "save":
          return await this.#save();
        case "freeze":
          return await this.#freeze(record);
        case "fall-asleep":
          return state.phase === "falling-asleep" ? await this.#fallAsleep(record, state.retryAt) : null;
        case "release":
          await this.#parts.runtime.release();
          this.#frozen = false;
          return { type: "released" };
        case "remove":
          break;
      }
      await this.#remove(record);
      return { type: "removed" };
    } catch (error) {
      logError(`session_${effect}_failed`, { sessionId: record.id, reason: describe(error) });
      return null;
    }
  }

  /** Lets the processes go on. Resolves when they do, or when it is known why not. */
  async thaw(record: SessionRecord): Promise<Result<null>> {
    const { runtime } = this.#parts;
    for (let attempt = 1; this.#frozen && runtime.state !== "stopped"; attempt++) {
      const run = await runtime.ready(record.resourceLimits);
      if (!run.ok) {
        return ok(null); // Whoever is served next learns why.
      }
      try {
        const request = { method: "POST", path: "/thaw", timeoutMs: FREEZE_MS };
        await runtime.send(run.value, request, readResult);
        break;
      } catch (error) {
        runtime.suspect(run.value);
        if (attempt === THAW_ATTEMPTS) {
          return fail(
            "container_unavailable",
            `The session's processes could not go on: ${describe(error)}. Try again.`,
          );
        }
      }
    }
    this.#frozen = false;
    return ok(null);
  }

  /** Has the processes stand still for what follows, whatever the state; null where that could not be asked. */
  async standStill(record: SessionRecord): Promise<FreezeAnswer | null> {
    const run = await this.#parts.runtime.ready(record.resourceLimits);
    return run.ok ? this.#standStill(run.value) : null;
  }

  /** Ends every execution, so that its caller gets an answer, and has the rest stand still. */
  async endAll(record: SessionRecord): Promise<Result<null>> {
    const { runtime, supervisor } = this.#parts;
    // Asking would start a container.
    for (let attempt = 1; runtime.state !== "stopped"; attempt++) {
      if (attempt > FREEZE_ATTEMPTS) {
        return fail("conflict", "Executions go on being started in this session. Try again when they have ended.");
      }
      const ended = await supervisor.stop();
      if (!ended.ok) {
        return ended;
      }
      try {
        const frozen = await this.standStill(record);
        if (frozen?.frozen === true) {
          return ok(null);
        }
      } catch (error) {
        return fail(
          "container_unavailable",
          `The session's processes do not stand still: ${describe(error)}. Try again.`,
        );
      }
    }
    return ok(null);
  }

  async #standStill(run: Run): Promise<FreezeAnswer | null> {
    // Before it is asked: a call that comes from now on thaws.
    this.#frozen = true;
    const request = { method: "POST", path: "/freeze", timeoutMs: FREEZE_MS };
    const answer = await this.#parts.runtime.send(run, request, readResult<FreezeAnswer>);
    if (answer.ok && answer.value.frozen) {
      return answer.value;
    }
    this.#frozen = false;
    return answer.ok ? answer.value : null;
  }

  async #save(): Promise<SessionEvent | null> {
    const { saving, supervisor, activity, runtime } = this.#parts;
    const before = activity.changes;
    const saved = await saving.save("save");
    if (!saved.ok) {
      return null;
    }
    // What runs may go on changing files without being asked to. Asking starts no container.
    const stats = runtime.live === null ? null : await supervisor.stats();
    const isQuiet = !activity.busy && (stats === null || (stats.ok && stats.value.activeProcesses === 0));
    return { type: "stored", current: isQuiet && activity.changes === before };
  }

  async #freeze(record: SessionRecord): Promise<SessionEvent | null> {
    const { runtime, saving, activity } = this.#parts;
    if (record.oneShot) {
      return null; // It is gone soon, and nothing of it is kept.
    }
    if (runtime.state === "stopped") {
      return { type: "frozen", lastActive: activity.lastAt };
    }
    const run = await runtime.ready(record.resourceLimits);
    if (!run.ok) {
      return null;
    }
    const answer = await this.#standStill(run.value);
    if (answer?.frozen !== true) {
      return null;
    }
    // What failed to be saved is saved before it sleeps, or it does not.
    await saving.save("save");
    return this.#frozen && !activity.busy ? { type: "frozen", lastActive: activity.lastAt } : null;
  }

  async #fallAsleep(record: SessionRecord, attempt: number): Promise<SessionEvent | null> {
    const { saving, store, runtime } = this.#parts;
    const saved = await saving.save("deep-sleep");
    if (!saved.ok) {
      return null;
    }
    const newest = store.loadFact("saved");
    if (newest !== null) {
      const repository = repositoryOf(this.#env, record.repositoryId);
      const verified = await repository.verify(record.id, newest.snapshotId);
      if (!verified.ok) {
        logError("snapshot_not_verified", { sessionId: record.id, reason: verified.error.message });
        return null;
      }
    }
    if (runtime.live !== null) {
      await this.noteProcesses("deep-sleep");
    }
    return { type: "saved", attempt };
  }

  /** Keeps what runs now, to be told once it is gone. */
  async noteProcesses(reason: ContainerEnd["reason"]): Promise<void> {
    const list = await this.#parts.supervisor.processes();
    const processes = (list.ok ? list.value.processes : []).map(({ pid, command, executionId }) => ({
      pid,
      command,
      executionId,
    }));
    this.#parts.store.saveFact("ended", { at: new Date().toISOString(), reason, processes });
  }

  #remove(record: SessionRecord): Promise<void> {
    this.#removal ??= removeOutside(record, this.#parts.runtime, this.#env, this.#parts.report).finally(() => {
      this.#removal = null;
    });
    return this.#removal;
  }
}
