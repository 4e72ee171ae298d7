// What clients do with a session's snapshots: make, list, delete, compare, restore, fork.
import { newId } from "../contract/ids.ts";
import type { RestoreAnswer, Snapshot, SnapshotDiff, SnapshotList, SnapshotReason } from "../contract/snapshot.ts";
import type { Env } from "../env.ts";
import { toByteString } from "../lib/manifest.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { RepositoryRpc, SnapshotState } from "../storage/rpc.ts";
import { diffTrees } from "./asleep/diff.ts";
import { DamagedObject } from "./bundle.ts";
import type { Effects } from "./effects.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { visibleState } from "./state.ts";
import type { SessionRecord } from "./record.ts";
import type { Restoring } from "./restoring.ts";
import type { DiffOptions, ForkSource } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";
import type { Saving } from "./saving.ts";
import { savedWorkspace } from "./saved-workspace.ts";
import { snapshotView } from "./snapshot-view.ts";
import type { SessionStore, StoredSession } from "./store.ts";
import type { SupervisorClient } from "./supervisor-client.ts";

export interface SnapshotParts {
  readonly lifecycle: Lifecycle;
  readonly effects: Effects;
  readonly runtime: Runtime;
  readonly supervisor: SupervisorClient;
  readonly saving: Saving;
  readonly restoring: Restoring;
  readonly store: SessionStore;
}

/** How long `GET /sessions/{id}` waits for what is damaged. */
const DAMAGED_MS = 2000;

export class Snapshots {
  readonly #env: Env;
  readonly #parts: SnapshotParts;
  /** Under way. A restore lets them come to their end before it takes their container away. */
  readonly #takes = new Set<Promise<unknown>>();

  constructor(env: Env, parts: SnapshotParts) {
    this.#env = env;
    this.#parts = parts;
  }

  async create(accountId: string, label: string | null): Promise<Result<Snapshot>> {
    const session = await this.#parts.lifecycle.findFree(accountId);
    if (!session.ok) {
      return session;
    }
    const taken = await this.#noted(this.#take(session.value, "requested", label));
    return taken.ok ? ok(snapshotView(taken.value)) : taken;
  }

  async list(accountId: string, paging: { limit: number; offset: number }): Promise<Result<SnapshotList>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const { snapshots, total } = await this.#repository(record).list(record.id, paging);
    return ok({ snapshots: snapshots.map(snapshotView), total });
  }

  async get(accountId: string, snapshotId: string): Promise<Result<Snapshot>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const snapshot = await this.#repository(record).get(record.id, snapshotId);
    return snapshot.ok ? ok(snapshotView(snapshot.value)) : snapshot;
  }

  /** Those that are known to be damaged; none where that cannot be asked in time. */
  async damaged(record: SessionRecord): Promise<readonly string[]> {
    if (this.#parts.store.loadFact("saved") === null) {
      return [];
    }
    return within(this.#repository(record).damagedSnapshots(record.id), DAMAGED_MS).catch(() => []);
  }

  /** The newest one holds the session's files: what it holds is kept under another id, unless it is damaged. */
  async remove(accountId: string, snapshotId: string): Promise<Result<{ deleted: true; snapshotId: string }>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const repository = this.#repository(record);
    const snapshot = await repository.get(record.id, snapshotId);
    if (!snapshot.ok) {
      return snapshot;
    }
    const { store } = this.#parts;
    const isNewest = store.loadFact("saved")?.snapshotId === snapshotId;
    if (isNewest && snapshot.value.damaged === null) {
      const copy = await this.#copy(record, snapshotId, "save", null);
      if (!copy.ok) {
        return copy;
      }
    }
    const removed = await repository.remove(record.id, snapshotId);
    if (removed.ok && isNewest && snapshot.value.damaged !== null) {
      const { snapshot: newest } = await repository.newest(record.id);
      if (newest === null) {
        store.removeFact("saved");
      } else {
        store.saveFact("saved", savedWorkspace(newest, newest.createdAt));
      }
    }
    return removed.ok ? ok({ deleted: true, snapshotId }) : removed;
  }

  async diff(accountId: string, snapshotId: string, options: DiffOptions): Promise<Result<SnapshotDiff>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const to = options.to ?? this.#parts.store.loadFact("saved")?.snapshotId ?? snapshotId;
    const repository = this.#repository(record);
    const [older, newer] = await Promise.all([repository.get(record.id, snapshotId), repository.get(record.id, to)]);
    if (!older.ok) {
      return older;
    }
    if (!newer.ok) {
      return newer;
    }
    const place = { bucket: this.#env.SNAPSHOTS, repositoryId: record.repositoryId };
    try {
      const { changes, total } = await diffTrees(place, older.value.root, newer.value.root, options);
      return ok({ from: snapshotId, to, changes: [...changes], total });
    } catch (error) {
      if (!(error instanceof DamagedObject)) {
        throw error;
      }
      await repository.reportDamage(error.digest);
      return fail("conflict", `A snapshot is damaged and cannot be compared: ${error.message}.`);
    }
  }

  async forkSource(accountId: string, snapshotId: string | null): Promise<Result<ForkSource>> {
    const session = await this.#parts.lifecycle.findFree(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const snapshot =
      snapshotId === null
        ? await this.#noted(this.#current(session.value, "fork"))
        : await this.#repository(record).get(record.id, snapshotId);
    if (!snapshot.ok) {
      return snapshot;
    }
    return snapshot.value.damaged === null
      ? ok({ record, snapshotId: snapshot.value.id })
      : damagedProblem(snapshot.value.id);
  }

  /** `path` is relative to the workspace. */
  async restore(accountId: string, snapshotId: string, path: string | null): Promise<Result<RestoreAnswer>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    const target = await this.#repository(record).get(record.id, snapshotId);
    if (!target.ok) {
      return target;
    }
    if (target.value.damaged !== null) {
      return damagedProblem(snapshotId);
    }
    const previous =
      path === null
        ? await this.#parts.lifecycle.exclusively(() => this.#replace(accountId, snapshotId))
        : await this.#restorePath(accountId, target.value, path);
    return previous.ok ? ok({ snapshotId, path, previousSnapshotId: previous.value }) : previous;
  }

  /** The whole workspace: its container is released, and the next one is filled with what the snapshot holds. */
  async #replace(accountId: string, snapshotId: string): Promise<Result<string>> {
    const { lifecycle, runtime, effects, store } = this.#parts;
    const session = lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const { record } = session.value;
    if (runtime.state !== "stopped") {
      const frozen = await effects.endAll(record);
      if (!frozen.ok) {
        return frozen;
      }
    }
    const previous = await this.#current(session.value, "before-restore");
    if (!previous.ok) {
      await effects.thaw(record);
      return previous;
    }
    if (runtime.state !== "stopped") {
      await effects.noteProcesses("restore");
      await Promise.allSettled(this.#takes);
      await lifecycle.apply({ type: "replace" });
      if (lifecycle.state.phase !== "asleep") {
        return fail("container_unavailable", "The session's container could not be released. Try again.");
      }
    }
    const copy = await this.#copy(record, snapshotId, "restore", null);
    if (!copy.ok) {
      return copy;
    }
    store.saveFact("lastRestore", { at: Date.now(), snapshotId, passedOver: [] });
    lifecycle.inBackground("wake_after_restore_failed", this.#wake(record));
    return ok(previous.value.id);
  }

  /** Waits for the restore to be over, as every call does. */
  async #wake(record: SessionRecord): Promise<void> {
    const roused = await this.#parts.lifecycle.rouse(record.accountId);
    if (roused.ok) {
      await this.#parts.runtime.ready(record.resourceLimits);
    }
  }

  async #restorePath(accountId: string, snapshot: SnapshotState, path: string): Promise<Result<string>> {
    const { lifecycle, runtime, restoring } = this.#parts;
    const roused = await lifecycle.rouse(accountId);
    if (!roused.ok) {
      return roused;
    }
    const previous = await this.#current(roused.value, "before-restore");
    if (!previous.ok) {
      return previous;
    }
    const run = await runtime.ready(roused.value.record.resourceLimits);
    if (!run.ok) {
      return run;
    }
    try {
      const restored = await restoring.restorePath(run.value, snapshot, toByteString(path));
      lifecycle.changed();
      return restored.ok ? ok(previous.value.id) : restored;
    } catch (error) {
      if (!(error instanceof DamagedObject)) {
        throw error;
      }
      await this.#repository(roused.value.record).reportDamage(error.digest);
      return damagedProblem(snapshot.id);
    }
  }

  #noted<T>(take: Promise<T>): Promise<T> {
    const noted = take.finally(() => this.#takes.delete(noted));
    this.#takes.add(noted);
    return noted;
  }

  /** A new snapshot, with what is there now. */
  async #take(session: StoredSession, reason: SnapshotReason, label: string | null): Promise<Result<SnapshotState>> {
    const { saving } = this.#parts;
    const asleep = this.#isAsleep(session);
    const saved = asleep ? ok(null) : await this.#save(session, () => saving.save(reason, label));
    if (!saved.ok || saved.value !== null) {
      return saved.ok && saved.value !== null ? ok(saved.value) : (saved as Result<never>);
    }
    return this.#ofNewest((newest) => this.#copy(session.record, newest, reason, label));
  }

  /** A snapshot of what is there now, be it new or the newest. */
  async #current(session: StoredSession, reason: SnapshotReason): Promise<Result<SnapshotState>> {
    const { saving } = this.#parts;
    if (!this.#isAsleep(session)) {
      const saved = await this.#save(session, () => saving.save(reason));
      if (!saved.ok) {
        return saved;
      }
      if (saved.value !== null) {
        return ok(saved.value);
      }
    }
    return this.#ofNewest((newest) => this.#repository(session.record).get(session.record.id, newest));
  }

  /** The newest may fall out of those that are kept meanwhile; then there is a newer one. */
  async #ofNewest(use: (snapshotId: string) => Promise<Result<SnapshotState>>): Promise<Result<SnapshotState>> {
    for (let tried: string | null = null; ;) {
      const newest = this.#parts.store.loadFact("saved")?.snapshotId ?? null;
      if (newest === null) {
        return fail("snapshot_not_found", "There is nothing saved of this session yet. Use it first.");
      }
      const used = await use(newest);
      if (used.ok || used.error.code !== "snapshot_not_found" || newest === tried) {
        return used;
      }
      tried = newest;
    }
  }

  /** Starts the container where there is nothing else that knows the files. */
  async #save<T>({ record }: StoredSession, save: () => Promise<Result<T>>): Promise<Result<T>> {
    const { runtime, lifecycle } = this.#parts;
    const refused = runtime.state === "stopped" ? lifecycle.refusal() : null;
    if (refused !== null) {
      return { ok: false, error: refused };
    }
    const run = await runtime.ready(record.resourceLimits);
    return run.ok ? save() : run;
  }

  #isAsleep({ state }: StoredSession): boolean {
    return visibleState(state) === "deep-sleep" && this.#parts.store.loadFact("saved") !== null;
  }

  /** The newest snapshot from now on. */
  async #copy(
    record: SessionRecord,
    snapshotId: string,
    reason: SnapshotReason,
    label: string | null,
  ): Promise<Result<SnapshotState>> {
    const target = { id: newId("snp"), sessionId: record.id, label, reason, createdAt: Date.now() };
    const source = { sessionId: record.id, snapshotId };
    const ask = (): Promise<Result<SnapshotState>> => this.#repository(record).copy(source, target);
    // The same id twice is one snapshot, so an answer that was lost is asked for again.
    const copy = await ask().catch(ask);
    if (copy.ok) {
      const { createdAt } = copy.value;
      const before = this.#parts.store.loadFact("saved");
      const at = reason === "save" && before !== null ? before.at : createdAt;
      this.#parts.store.saveFact("saved", savedWorkspace(copy.value, at));
    }
    return copy;
  }

  #repository(record: SessionRecord): RepositoryRpc {
    return repositoryOf(this.#env, record.repositoryId);
  }
}

function damagedProblem(snapshotId: string): Result<never> {
  return fail("conflict", `Snapshot ${snapshotId} is damaged and cannot be used. Choose another.`, { snapshotId });
}
