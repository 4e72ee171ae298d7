// What the rest of the Worker may ask of a repository: the Durable Object that knows which objects in R2 which snapshots
// need. A session that was not forked has one of its own; forks share their original's, and so its contents. Objects
// themselves are put and read by sessions directly (objects.ts); a snapshot exists once it is committed here.
import type { Digest } from "../contract/manifest.ts";
import type { Snapshot, SnapshotReason } from "../contract/snapshot.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";

/** A snapshot as it is stored. */
export interface SnapshotRecord {
  readonly id: string;
  readonly sessionId: string;
  readonly label: string | null;
  readonly reason: SnapshotReason;
  /** Milliseconds since the epoch, as every stored time. */
  readonly createdAt: number;
  /** Name of its root object. */
  readonly root: Digest;
  readonly treeHash: Digest;
  readonly files: number;
  readonly sizeBytes: number;
  readonly skipped: Snapshot["skipped"];
  readonly skippedCount: number;
}

/** An object that a snapshot needs: its root, or a pack. */
export interface StoredObject {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A snapshot with what its objects say about it. */
export interface SnapshotState extends SnapshotRecord {
  /** Of its root and packs together. */
  readonly storedBytes: number;
  /** When the last of its objects was read back and matched; null while one was not yet. */
  readonly verifiedAt: number | null;
  /** Which object is missing or differs; null: none is known to. */
  readonly damaged: string | null;
}

export interface RepositoryRpc {
  /** Before the first object of a snapshot is put: what is put from now on is safe from the sweep for its grace time. */
  begin(sessionId: string): Promise<void>;
  /** Ends an upload without a commit; one that is never ended holds up deletion for an hour. Fine when none is pending. */
  giveUp(sessionId: string): Promise<void>;
  /**
   * Makes a snapshot exist, then removes automatic ones beyond those kept, and objects that no snapshot needs any more.
   * Fails with `conflict` where an object is not in the bucket, of another size, or damaged (`details.missing` names
   * them: they have to be put again), where no upload is pending, the session was removed, or has too many labels.
   * Twice with the same id is once. The upload is pending until a commit has worked.
   */
  commit(snapshot: SnapshotRecord, objects: readonly StoredObject[]): Promise<Result<SnapshotState>>;
  /** Newest first. */
  list(
    sessionId: string,
    paging: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly snapshots: readonly SnapshotState[]; readonly total: number }>;
  /** `snapshot_not_found` also where it is another session's. */
  get(sessionId: string, snapshotId: string): Promise<Result<SnapshotState>>;
  /** The newest that is not damaged, and the ids of newer ones that are. */
  newest(
    sessionId: string,
  ): Promise<{ readonly snapshot: SnapshotState | null; readonly passedOver: readonly string[] }>;
  /** A new snapshot with the contents of another, for this session or a fork of it: nothing is copied in R2. */
  copy(
    source: { readonly sessionId: string; readonly snapshotId: string },
    target: Pick<SnapshotRecord, "id" | "sessionId" | "label" | "reason" | "createdAt">,
  ): Promise<Result<SnapshotState>>;
  /** Ids of a session's snapshots that are known to be damaged, newest first. */
  damagedSnapshots(sessionId: string): Promise<readonly string[]>;
  remove(sessionId: string, snapshotId: string): Promise<Result<null>>;
  /** Everything of a session. With the last session, the repository leaves nothing behind. Fine when it is gone already. */
  removeSession(sessionId: string): Promise<void>;
  /** Reads back what was not read back yet of a snapshot. Fails with `conflict` where it is damaged. */
  verify(sessionId: string, snapshotId: string): Promise<Result<SnapshotState>>;
  /** Somebody found an object missing or different: its snapshots are damaged from now on, unless it reads back well. */
  reportDamage(digest: Digest): Promise<void>;
  /** Packs that are known to be damaged: a new snapshot must not rely on them. */
  damagedObjects(): Promise<readonly Digest[]>;
  /** Deletes what no snapshot needs from its part of the bucket. Writes nothing where there is no repository. */
  sweep(): Promise<void>;
}

export function repositoryOf(env: Env, repositoryId: string): RepositoryRpc {
  const stub: unknown = env.REPOSITORY.getByName(repositoryId);
  // SAFETY: repository.ts has these methods.
  return stub as RepositoryRpc;
}
