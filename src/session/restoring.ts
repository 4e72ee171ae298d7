// Brings a saved workspace into a container: the manifest first, then the packs that the supervisor asks for, as streams.
// A pack that turns out to be damaged is reported, and the newest snapshot that is good is used instead, never in silence.
import type { Problem } from "../contract/errors.ts";
import { SNAPSHOT_MS } from "../contract/limits.ts";
import type { RestoreDone, RestorePlan } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { DamagedManifest } from "../lib/manifest.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { getObject } from "../storage/objects.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { SnapshotState } from "../storage/rpc.ts";
import { DamagedObject, loadBundle } from "./bundle.ts";
import { completeFork } from "./fork.ts";
import type { SessionRecord } from "./record.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import { savedWorkspace } from "./saved-workspace.ts";
import type { SessionStore } from "./store.ts";
import { readResult } from "./supervisor-client.ts";

/** Packs that are on their way at the same time. */
const PUSHES = 3;
/** For one pack from R2 into the container. It is some MiB, and may be thousands of times as much on the disk. */
const PUSH_MS = 120_000;
/** Snapshots that are tried before a wake fails. */
const CANDIDATES = 8;

/** The supervisor's own reason. */
class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

interface Candidate {
  readonly snapshot: SnapshotState;
  readonly passedOver: readonly string[];
  readonly bundle: Uint8Array;
}

export class Restoring {
  readonly #env: Env;
  readonly #runtime: Runtime;
  readonly #store: SessionStore;
  readonly #record: () => SessionRecord;
  #usedInstead: string | null = null;

  constructor(
    env: Env,
    own: { readonly runtime: Runtime; readonly store: SessionStore; readonly record: () => SessionRecord },
  ) {
    this.#env = env;
    this.#runtime = own.runtime;
    this.#store = own.store;
    this.#record = own.record;
  }

  /** Finds the snapshot and reads its manifest while the container starts; what it returns does the rest. */
  prepare(): (run: Run) => Promise<void> {
    if (this.#store.loadFact("saved") === null && this.#record().forkOf === undefined) {
      return async () => {};
    }
    const first = this.#first();
    // Whoever waits for it sees the failure.
    first.catch(() => {});
    return (run) => within(this.#wake(run, first), SNAPSHOT_MS);
  }

  /** Once after a wake: the snapshot that was used because newer ones are damaged. */
  takeUsedInstead(): string | null {
    const snapshotId = this.#usedInstead;
    this.#usedInstead = null;
    return snapshotId;
  }

  /** One path of a snapshot, into a workspace in use. `path` is a byte string. @throws DamagedObject */
  async restorePath(run: Run, snapshot: SnapshotState, path: string): Promise<Result<null>> {
    try {
      const bundle = await this.#bundleOf(snapshot);
      await within(this.#restore(run, bundle, path), SNAPSHOT_MS);
      return ok(null);
    } catch (error) {
      if (error instanceof DamagedObject) {
        throw error;
      }
      if (error instanceof Refused) {
        return { ok: false, error: error.problem };
      }
      const reason = describe(error);
      logError("restore_failed", { sessionId: this.#record().id, reason });
      return fail("storage_unavailable", `It could not be restored: ${reason}. Try again.`, { reason });
    }
  }

  async #wake(run: Run, first: Promise<Candidate>): Promise<void> {
    const damaged: string[] = [];
    for (let tried = 1, candidate = await first; ; tried++, candidate = await this.#candidate()) {
      const { snapshot, bundle } = candidate;
      try {
        await this.#restore(run, bundle, null);
        const { id: snapshotId, createdAt } = snapshot;
        const before = this.#store.loadFact("saved");
        const at = before?.snapshotId === snapshotId ? before.at : createdAt;
        this.#store.saveFact("saved", savedWorkspace(snapshot, at));
        const passedOver = [...new Set([...damaged, ...candidate.passedOver])];
        this.#store.saveFact("lastRestore", { at: Date.now(), snapshotId, passedOver });
        this.#usedInstead = passedOver.length > 0 ? snapshotId : null;
        return;
      } catch (error) {
        if (!(error instanceof DamagedObject) || tried === CANDIDATES) {
          throw error;
        }
        await this.#repository().reportDamage(error.digest);
        damaged.push(snapshot.id);
      }
    }
  }

  /** A fork that was interrupted before it had its snapshot gets it now: it never begins with nothing. */
  async #first(): Promise<Candidate> {
    const forked = await completeFork(this.#env, this.#store, this.#record());
    if (!forked.ok) {
      throw new Error(forked.error.message);
    }
    return this.#candidate();
  }

  /** The newest good snapshot, with its manifest. */
  async #candidate(): Promise<Candidate> {
    for (let tried = 1; ; tried++) {
      const { snapshot, passedOver } = await this.#repository().newest(this.#record().id);
      if (snapshot === null) {
        throw new Error(`no snapshot of this session is good: ${passedOver.join(", ") || "none is there"}`);
      }
      try {
        return { snapshot, passedOver, bundle: await this.#bundleOf(snapshot) };
      } catch (error) {
        if (!(error instanceof DamagedObject) || tried === CANDIDATES) {
          throw error;
        }
        await this.#repository().reportDamage(error.digest);
      }
    }
  }

  async #bundleOf({ root }: SnapshotState): Promise<Uint8Array> {
    try {
      return await loadBundle(this.#env.SNAPSHOTS, this.#record().repositoryId, root);
    } catch (error) {
      throw error instanceof DamagedManifest ? new DamagedObject(root, error.message) : error;
    }
  }

  async #restore(run: Run, bundle: Uint8Array, path: string | null): Promise<RestoreDone> {
    const query = path === null ? "" : `?${new URLSearchParams({ path }).toString()}`;
    const plan = await this.#call<RestorePlan>(run, "POST", `/restore${query}`, { body: bundle });
    const packs = [...plan.packs];
    const push = async (): Promise<void> => {
      for (let pack = packs.pop(); pack !== undefined; pack = packs.pop()) {
        const object = await getObject(this.#env.SNAPSHOTS, this.#record().repositoryId, pack);
        if (object === null) {
          throw new DamagedObject(pack, "a pack of a snapshot is missing");
        }
        await this.#call(run, "PUT", `/restore/${pack}`, { body: object.body, timeoutMs: PUSH_MS });
      }
    };
    await Promise.all(Array.from({ length: PUSHES }, push));
    return this.#call(run, "POST", "/restore/finish");
  }

  async #call<T>(
    run: Run,
    method: string,
    path: string,
    { body = null, timeoutMs = SNAPSHOT_MS }: { readonly body?: BodyInit | null; readonly timeoutMs?: number } = {},
  ): Promise<T> {
    const answer = await this.#runtime.send(run, { method, path, body, timeoutMs }, readResult<T>);
    if (answer.ok) {
      return answer.value;
    }
    const pack: unknown = answer.error.details?.["pack"];
    throw typeof pack === "string" ? new DamagedObject(pack, answer.error.message) : new Refused(answer.error);
  }

  #repository(): ReturnType<typeof repositoryOf> {
    return repositoryOf(this.#env, this.#record().repositoryId);
  }
}
