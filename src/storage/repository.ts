// A repository's Durable Object: its methods are those of rpc.ts. What may come to be is decided in admission.ts, what
// stays in retention.ts, what may be deleted in collection.ts, when to wake in agenda.ts. Asking about what does not
// exist writes nothing; a repository without snapshots and uploads erases itself.
import { DurableObject } from "cloudflare:workers";
import type { Digest } from "../contract/manifest.ts";
import { orphanAfterMs } from "../env.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { Admission } from "./admission.ts";
import { GRACE_MS, nextAlarm, SWEEP_EVERY_MS } from "./agenda.ts";
import { unavailable } from "./bucket-call.ts";
import { Catalogue } from "./catalogue.ts";
import type { CopyTarget, Sequence } from "./catalogue.ts";
import { Collection } from "./collection.ts";
import { RepositoryStore } from "./repository-store.ts";
import { surplusOf } from "./retention.ts";
import type { RepositoryRpc, SnapshotRecord, SnapshotState, StoredObject } from "./rpc.ts";
import { Verifier } from "./verifier.ts";

/** Within an alarm the next one is set to this, in case the object is lost during it. */
const BACKSTOP_MS = 300_000;
/** How long it is remembered that a session was removed: longer than any call to this object can be on its way. */
const REMOVED_KEPT_MS = 86_400_000;

export class Repository extends DurableObject<Env> implements RepositoryRpc {
  readonly #store: RepositoryStore;
  readonly #catalogue: Catalogue;
  readonly #collection: Collection;
  readonly #verifier: Verifier;
  readonly #admission: Admission;
  readonly #id: string;
  #sequence: Sequence;
  /** Null: not known. An alarm that comes too early does no harm. */
  #alarmAt: number | null = null;
  #failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RepositoryStore(ctx.storage);
    const id = this.#store.id() ?? ctx.id.name;
    if (id === undefined) {
      throw new Error("a repository is addressed by its name");
    }
    this.#id = id;
    this.#catalogue = new Catalogue(this.#store);
    this.#collection = new Collection(this.#store, this.#catalogue, {
      bucket: env.SNAPSHOTS,
      repositoryId: id,
      orphanAfterMs: orphanAfterMs(env),
    });
    this.#verifier = new Verifier(this.#catalogue, this.#collection, env.SNAPSHOTS, id);
    this.#admission = new Admission(this.#store, this.#catalogue, this.#collection, this.#verifier);
    this.#sequence = this.#catalogue.lastSequence();
  }

  async begin(sessionId: string): Promise<void> {
    await this.#store.erased();
    if (this.#store.isRemoved(sessionId)) {
      // Its commit will be told.
      return;
    }
    const now = Date.now();
    this.#store.create(this.#id, now + SWEEP_EVERY_MS);
    if (this.#store.unpin(sessionId, now)) {
      this.#store.sweepBy(now + GRACE_MS);
    }
    this.#store.pin(sessionId, now);
    await this.#schedule();
    // What is being deleted could be put anew by this upload: it is over before that begins.
    await this.#collection.deleteDoomed().catch((error: unknown) => this.#logFailure(error));
  }

  async giveUp(sessionId: string): Promise<void> {
    const now = Date.now();
    if (this.#store.unpin(sessionId, now)) {
      this.#store.sweepBy(now + GRACE_MS);
      await this.#collect();
    }
  }

  async commit(snapshot: SnapshotRecord, objects: readonly StoredObject[]): Promise<Result<SnapshotState>> {
    const sequence = ++this.#sequence;
    const beganBy = Date.now();
    const distinct = [...new Map(objects.map((object) => [object.digest, object])).values()];
    const release = this.#collection.hold(distinct.map((object) => object.digest));
    try {
      const earlier = this.#admission.refusal(snapshot) ?? (await this.#admission.unusable(snapshot, distinct));
      // A while has passed: the session may be gone, or the same commit may have come twice.
      const answer = earlier ?? this.#admission.refusal(snapshot);
      if (answer !== null) {
        return answer;
      }
      const state = this.#store.transaction(() => {
        this.#catalogue.insert(sequence, snapshot, distinct, Date.now());
        this.#store.unpin(snapshot.sessionId, beganBy);
        return this.#settle(snapshot);
      });
      return ok(state);
    } catch (error) {
      return unavailable(error);
    } finally {
      release();
      this.ctx.waitUntil(this.#collect());
    }
  }

  async copy(
    source: { readonly sessionId: string; readonly snapshotId: string },
    target: CopyTarget,
  ): Promise<Result<SnapshotState>> {
    const original = this.#find(source.sessionId, source.snapshotId);
    const refusal = this.#admission.answered(target) ?? this.#admission.noRoom(target);
    if (!original.ok || refusal !== null) {
      return refusal ?? original;
    }
    if (original.value.damaged !== null) {
      return damagedSnapshot(original.value);
    }
    const state = this.#store.transaction(() => {
      this.#catalogue.copy(++this.#sequence, original.value, target);
      return this.#settle(target);
    });
    this.ctx.waitUntil(this.#collect());
    return ok(state);
  }

  async list(
    sessionId: string,
    paging: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly snapshots: readonly SnapshotState[]; readonly total: number }> {
    return { snapshots: this.#catalogue.list(sessionId, paging), total: this.#catalogue.count(sessionId) };
  }

  async get(sessionId: string, snapshotId: string): Promise<Result<SnapshotState>> {
    return this.#find(sessionId, snapshotId);
  }

  async newest(
    sessionId: string,
  ): Promise<{ readonly snapshot: SnapshotState | null; readonly passedOver: readonly string[] }> {
    const snapshots = this.#catalogue.retained(sessionId);
    const good = snapshots.findIndex((snapshot) => !snapshot.damaged);
    const newer = good === -1 ? snapshots : snapshots.slice(0, good);
    const found = snapshots[good];
    return {
      snapshot: found === undefined ? null : this.#catalogue.find(found.id),
      passedOver: newer.map((snapshot) => snapshot.id),
    };
  }

  async damagedSnapshots(sessionId: string): Promise<readonly string[]> {
    return this.#catalogue.retained(sessionId).flatMap(({ id, damaged }) => (damaged ? [id] : []));
  }

  async remove(sessionId: string, snapshotId: string): Promise<Result<null>> {
    const sequence = this.#catalogue.sequenceOf(sessionId, snapshotId);
    if (sequence === null) {
      return noSnapshot(snapshotId);
    }
    this.#catalogue.remove([sequence], Date.now());
    await this.#collect();
    return ok(null);
  }

  async removeSession(sessionId: string): Promise<void> {
    const now = Date.now();
    this.#store.transaction(() => {
      const sequences = this.#catalogue.retained(sessionId).map((snapshot) => snapshot.sequence);
      this.#catalogue.remove(sequences, now);
      if (this.#store.unpin(sessionId, now)) {
        this.#store.sweepBy(now + GRACE_MS);
      }
      this.#store.markRemoved(sessionId, now);
    });
    await this.#collect();
  }

  async verify(sessionId: string, snapshotId: string): Promise<Result<SnapshotState>> {
    try {
      if (this.#find(sessionId, snapshotId).ok) {
        await this.#verifier.check(this.#catalogue.unverified(snapshotId));
      }
    } catch (error) {
      return unavailable(error);
    }
    const snapshot = this.#find(sessionId, snapshotId);
    return snapshot.ok && snapshot.value.damaged !== null ? damagedSnapshot(snapshot.value) : snapshot;
  }

  async reportDamage(digest: Digest): Promise<void> {
    try {
      await this.#verifier.check(this.#catalogue.known([digest]));
    } catch (error) {
      // Not known to be damaged, then; the alarm looks again.
      this.#logFailure(error);
      this.#catalogue.checkSoon(digest, Date.now());
      await this.#schedule();
    }
  }

  async damagedObjects(): Promise<readonly Digest[]> {
    return this.#catalogue.damaged().map((object) => object.digest);
  }

  async sweep(): Promise<void> {
    try {
      await this.#collection.sweep(Date.now());
    } catch (error) {
      this.#logFailure(error);
    }
    await this.#schedule();
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    if (this.#store.exists) {
      await this.ctx.storage.setAlarm(now + BACKSTOP_MS);
    }
    this.#alarmAt = null;
    if (this.#store.expirePins(now - GRACE_MS)) {
      this.#store.sweepBy(now + GRACE_MS);
    }
    this.#store.forgetRemoved(now - REMOVED_KEPT_MS);
    try {
      await this.#tidy();
      if ((this.#store.sweepAt() ?? Infinity) <= now) {
        await this.#collection.sweep(now);
        this.#store.setSweepAt(now + SWEEP_EVERY_MS);
      }
      await this.#verifier.checkSome(now);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#logFailure(error);
    }
    await this.#schedule();
  }

  #find(sessionId: string, snapshotId: string): Result<SnapshotState> {
    const snapshot = this.#catalogue.find(snapshotId);
    return snapshot?.sessionId === sessionId ? ok(snapshot) : noSnapshot(snapshotId);
  }

  /** After a snapshot came to be: applies retention. Gives the snapshot. */
  #settle({ id, sessionId }: Pick<SnapshotRecord, "id" | "sessionId">): SnapshotState {
    const state = this.#catalogue.find(id);
    if (state === null) {
      throw new Error(`snapshot ${id} was not stored`);
    }
    this.#catalogue.remove(surplusOf(this.#catalogue.retained(sessionId)), Date.now());
    return state;
  }

  /** @throws StorageUnavailable */
  async #tidy(): Promise<void> {
    if (this.#store.exists && this.#collection.isEmpty(Date.now())) {
      await this.#collection.erase(Date.now);
    } else {
      await this.#collection.collect(Date.now());
    }
  }

  /** What fails is logged and left to the alarm. */
  async #collect(): Promise<void> {
    try {
      await this.#tidy();
    } catch (error) {
      this.#failures += 1;
      this.#logFailure(error);
    }
    await this.#schedule();
  }

  async #schedule(): Promise<void> {
    if (!this.#store.exists) {
      this.#alarmAt = null;
      return;
    }
    const now = Date.now();
    const agenda = {
      removable: this.#collection.hasWork(now),
      oldestPin: this.#store.oldestPin(0),
      nextCheckAt: this.#catalogue.nextCheckAt(),
      sweepAt: this.#store.sweepAt(),
      failures: this.#failures,
    };
    const at = nextAlarm(agenda, now);
    if (at !== null && (this.#alarmAt === null || at < this.#alarmAt)) {
      this.#alarmAt = at;
      await this.ctx.storage.setAlarm(at);
    }
  }

  #logFailure(error: unknown): void {
    logError("repository_work_failed", { repositoryId: this.#id, reason: describe(error) });
  }
}

function noSnapshot(snapshotId: string): Result<never> {
  return fail("snapshot_not_found", `There is no snapshot ${snapshotId} of this session. List its snapshots.`);
}

function damagedSnapshot({ id, damaged }: SnapshotState): Result<never> {
  return fail("conflict", `Snapshot ${id} is damaged and cannot be used. ${damaged} Use another one.`, { damaged });
}
