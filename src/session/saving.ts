// Saves the workspace: the supervisor packs what has changed, its objects go to R2 as streams, and the repository makes
// the snapshot exist. One at a time. Whatever fails on the way leaves the snapshot before as the newest; objects that were
// put in vain are swept.
import { newId } from "../contract/ids.ts";
import { SNAPSHOT_MS, SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { Digest, Root } from "../contract/manifest.ts";
import type { SnapshotReason } from "../contract/snapshot.ts";
import { OBJECT_HEADER, ROOT_HEADER } from "../contract/supervisor.ts";
import type { SnapshotBegun, SnapshotCommand } from "../contract/supervisor.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { decodeRoot } from "../lib/manifest.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import { putObject } from "../storage/objects.ts";
import { repositoryOf } from "../storage/rpc.ts";
import type { RepositoryRpc, SnapshotState } from "../storage/rpc.ts";
import { loadBundle } from "./bundle.ts";
import type { SessionRecord } from "./record.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import { savedWorkspace } from "./saved-workspace.ts";
import type { SessionStore } from "./store.ts";
import { readResult } from "./supervisor-client.ts";

interface Upload {
  readonly run: Run;
  readonly repository: RepositoryRpc;
  readonly reason: SnapshotReason;
  readonly label: string | null;
}

/** Objects that are on their way at the same time. */
const PULLS = 2;

export class Saving {
  readonly #env: Env;
  readonly #runtime: Runtime;
  readonly #store: SessionStore;
  readonly #record: () => SessionRecord;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    env: Env,
    own: { readonly runtime: Runtime; readonly store: SessionStore; readonly record: () => SessionRecord },
  ) {
    this.#env = env;
    this.#runtime = own.runtime;
    this.#store = own.store;
    this.#record = own.record;
  }

  /** The snapshot, or null where nothing had changed since the newest one. A container that does not run has nothing to save. */
  save(reason: SnapshotReason, label: string | null = null): Promise<Result<SnapshotState | null>> {
    // It may be gone when there is something to log.
    const { id: sessionId } = this.#record();
    const save = this.#last.then(() => within(this.#save(reason, label), SNAPSHOT_MS));
    this.#last = save.catch(() => {});
    return save.catch((error: unknown) => {
      const why = describe(error);
      logError("save_failed", { sessionId, reason: why });
      return fail("storage_unavailable", `The workspace could not be saved: ${why}. Try again.`, { reason: why });
    });
  }

  async #save(reason: SnapshotReason, label: string | null): Promise<Result<SnapshotState | null>> {
    const { id: sessionId, resourceLimits, repositoryId } = this.#record();
    if (this.#runtime.state === "stopped") {
      return ok(null);
    }
    const run = await this.#runtime.ready(resourceLimits);
    if (!run.ok) {
      return run;
    }
    const repository = repositoryOf(this.#env, repositoryId);
    await repository.begin(sessionId);
    const upload = { run: run.value, repository, reason, label };
    try {
      const avoid = await repository.damagedObjects();
      const first = await this.#upload(upload, { base: this.#store.loadFact("saved")?.root ?? null, avoid });
      if (first.ok || !Array.isArray(first.error.details?.["missing"])) {
        return settled(first);
      }
      // What the supervisor took to be stored is not: everything is compared anew, and what is missing sent again.
      const missing = first.error.details["missing"].filter((digest) => typeof digest === "string");
      return settled(await this.#upload(upload, { base: null, avoid: [...avoid, ...missing] }));
    } catch (error) {
      await this.#call(run.value, "DELETE", "/snapshot").catch(() => {});
      throw error;
    } finally {
      // Nothing happens where it was committed. Where it fails, what was begun ends with its grace time.
      await repository.giveUp(sessionId).catch((error: unknown) => {
        logError("upload_not_given_up", { sessionId, reason: describe(error) });
      });
    }
  }

  /** Null: nothing has changed. */
  async #upload(
    { run, repository, reason, label }: Upload,
    command: SnapshotCommand,
  ): Promise<Result<SnapshotState | null>> {
    const { id: sessionId, repositoryId } = this.#record();
    const createdAt = Date.now();
    await this.#begin(run, repositoryId, command);
    const { digest, bytes } = await this.#pull(run, repositoryId);
    const before = this.#store.loadFact("saved");
    if (before?.root === digest && !command.avoid.includes(digest)) {
      // First: a container that was told to end may do so as soon as it knows that it is saved.
      this.#store.saveFact("saved", { ...before, at: createdAt });
      await this.#tellCommitted(run, { sessionId, root: digest });
      return ok(null);
    }
    await putObject(this.#env.SNAPSHOTS, repositoryId, { digest, body: bytes });
    const root = decodeRoot(bytes);
    const snapshot = { id: newId("snp"), sessionId, label, reason, createdAt, root: digest, ...figuresOf(root) };
    const packs = root.packs.map(({ id, sizeBytes }) => ({ digest: id, sizeBytes }));
    const committed = await repository.commit(snapshot, [...packs, { digest, sizeBytes: bytes.length }]);
    if (committed.ok) {
      this.#store.saveFact("saved", savedWorkspace(committed.value, createdAt));
      await this.#tellCommitted(run, { sessionId, root: digest });
    }
    return committed;
  }

  /** What is stored is saved, also where the supervisor does not hear of it: the next save tells it against what. */
  async #tellCommitted(
    run: Run,
    { sessionId, root }: { readonly sessionId: string; readonly root: Digest },
  ): Promise<void> {
    try {
      await this.#call(run, "POST", "/snapshot/commit", JSON.stringify({ root }));
    } catch (error) {
      logError("snapshot_commit_not_told", { sessionId, reason: describe(error) });
      await this.#call(run, "DELETE", "/snapshot").catch(() => {});
    }
  }

  /** Has the supervisor begin, against the newest snapshot where that can be read. */
  async #begin(run: Run, repositoryId: string, command: SnapshotCommand): Promise<void> {
    const { base } = command;
    const begun = await this.#call<SnapshotBegun>(run, "POST", "/snapshot", JSON.stringify(command));
    if (!begun.needsBase || base === null) {
      return;
    }
    try {
      await this.#call(run, "PUT", "/snapshot/base", await loadBundle(this.#env.SNAPSHOTS, repositoryId, base));
    } catch (error) {
      logError("snapshot_base_failed", { repositoryId, base, reason: describe(error) });
      await this.#call(run, "POST", "/snapshot", JSON.stringify({ ...command, base: null }));
    }
  }

  /** Stores every pack; resolves with the root. */
  async #pull(run: Run, repositoryId: string): Promise<{ readonly digest: Digest; readonly bytes: Uint8Array }> {
    let root: { readonly digest: Digest; readonly bytes: Uint8Array } | null = null;
    const pull = async (): Promise<void> => {
      while (root === null) {
        const request = { method: "POST", path: "/snapshot/next", timeoutMs: SNAPSHOT_MS };
        root = (await this.#runtime.send(run, request, (response) => this.#take(response, repositoryId))) ?? root;
      }
    };
    await Promise.all(Array.from({ length: PULLS }, pull));
    if (root === null) {
      throw new Error("the supervisor gave no root");
    }
    return root;
  }

  /** Null: it was a pack, or the root was given to another pull. */
  async #take(
    response: Response,
    repositoryId: string,
  ): Promise<{ readonly digest: Digest; readonly bytes: Uint8Array } | null> {
    if (!response.ok) {
      const problem = await readResult<never>(response);
      throw new Error(problem.ok ? `it answered ${response.status}` : problem.error.message);
    }
    const digest = response.headers.get(OBJECT_HEADER);
    if (digest === null || response.body === null) {
      // Read and not let go: the next call may go out on the same connection.
      await response.arrayBuffer();
      return null;
    }
    if (response.headers.has(ROOT_HEADER)) {
      return { digest, bytes: new Uint8Array(await response.arrayBuffer()) };
    }
    await putObject(this.#env.SNAPSHOTS, repositoryId, { digest, body: response.body });
    return null;
  }

  async #call<T>(run: Run, method: string, path: string, body: BodyInit | null = null): Promise<T> {
    const request = { method, path, body, timeoutMs: path === "/snapshot/base" ? SNAPSHOT_MS : SUPERVISOR_CALL_MS };
    const answer = await this.#runtime.send(run, request, readResult<T>);
    if (!answer.ok) {
      throw new Error(answer.error.message);
    }
    return answer.value;
  }
}

/** A limit that the client ran into is told as it is; everything else throws. */
function settled<T>(uploaded: Result<T>): Result<T> {
  if (!uploaded.ok && uploaded.error.details?.["limit"] === undefined) {
    throw new Error(uploaded.error.message);
  }
  return uploaded;
}

function figuresOf({
  treeHash,
  files,
  sizeBytes,
  skipped,
  skippedCount,
}: Root): Pick<SnapshotState, "treeHash" | "files" | "sizeBytes" | "skipped" | "skippedCount"> {
  return { treeHash, files, sizeBytes, skipped: [...skipped], skippedCount };
}
