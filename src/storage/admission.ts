// Whether a snapshot may come to be: its session is there and has room for it, and each of its objects is stored well.
import { SNAPSHOTS_KEPT } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { GRACE_MS } from "./agenda.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Collection } from "./collection.ts";
import type { RepositoryStore } from "./repository-store.ts";
import { hasRoomForLabel } from "./retention.ts";
import type { SnapshotRecord, SnapshotState, StoredObject } from "./rpc.ts";
import type { Verifier } from "./verifier.ts";

/** As many ids as an error names. */
const NAMED_OBJECTS = 100;

export class Admission {
  readonly #store: RepositoryStore;
  readonly #catalogue: Catalogue;
  readonly #collection: Collection;
  readonly #verifier: Verifier;

  constructor(store: RepositoryStore, catalogue: Catalogue, collection: Collection, verifier: Verifier) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#collection = collection;
    this.#verifier = verifier;
  }

  /** An answer that needs no look at the bucket: that it was done already, or why it cannot be. */
  refusal(snapshot: SnapshotRecord): Result<SnapshotState> | null {
    const { sessionId } = snapshot;
    const known = this.answered(snapshot) ?? this.noRoom(snapshot);
    return known !== null || this.#store.isPinned(sessionId, Date.now() - GRACE_MS)
      ? known
      : fail("conflict", `No upload of session ${sessionId} is under way, or it took too long. Begin it again.`);
  }

  answered({ id, sessionId }: Pick<SnapshotRecord, "id" | "sessionId">): Result<SnapshotState> | null {
    const earlier = this.#catalogue.find(id);
    if (earlier === null) {
      return null;
    }
    return earlier.sessionId === sessionId
      ? ok(earlier)
      : fail("conflict", `Snapshot ${id} is another session's. Choose another id.`);
  }

  noRoom({ sessionId, label }: Pick<SnapshotRecord, "sessionId" | "label">): Result<never> | null {
    if (this.#store.isRemoved(sessionId)) {
      return fail("conflict", `Session ${sessionId} was removed; nothing more is kept of it.`);
    }
    if (label !== null && !hasRoomForLabel(this.#catalogue.retained(sessionId))) {
      const most = SNAPSHOTS_KEPT.labelled;
      return fail("conflict", `The session has ${most} labelled snapshots, the most it can have. Delete one first.`, {
        limit: "labelledSnapshots",
        max: most,
      });
    }
    return null;
  }

  /** Why a snapshot cannot rely on its objects; null where it can. `objects` are held. */
  async unusable(snapshot: SnapshotRecord, objects: readonly StoredObject[]): Promise<Result<never> | null> {
    if (!objects.some((object) => object.digest === snapshot.root)) {
      return fail("conflict", `The root of snapshot ${snapshot.id} is not among its objects. Name it with them.`);
    }
    const digests = objects.map((object) => object.digest);
    const before = new Map(this.#catalogue.known(digests).map((object) => [object.digest, object]));
    // Put anew, a damaged one may be good again.
    await this.#verifier.check([...before.values()].filter((object) => object.damaged !== null));
    const damaged = new Set(this.#catalogue.damaged().map((object) => object.digest));
    const bad = objects.filter((object) => {
      const known = before.get(object.digest);
      return known === undefined
        ? this.#collection.isDoomed(object.digest)
        : known.sizeBytes !== object.sizeBytes || damaged.has(object.digest);
    });
    const unknown = objects.filter((object) => !before.has(object.digest) && !bad.includes(object));
    const missing = [...bad, ...(await this.#verifier.findAbsent(unknown))];
    return missing.length === 0
      ? null
      : fail("conflict", `${missing.length} of the snapshot's objects are not stored, or not well. Send them again.`, {
          count: missing.length,
          missing: missing.slice(0, NAMED_OBJECTS).map((object) => object.digest),
        });
  }
}
