// The tables of a repository: which snapshots there are, and which objects they need. Every change leaves them so that
// an object that a snapshot needs has its row. Nothing here touches the bucket.
import type { Digest } from "../contract/manifest.ts";
import { CHECK_AGAIN_MS, FIRST_CHECK_MS } from "./agenda.ts";
import type { RepositoryStore } from "./repository-store.ts";
import type { Retained } from "./retention.ts";
import type { SnapshotRecord, SnapshotState, StoredObject } from "./rpc.ts";

/** A snapshot's place in the order in which they were asked for. */
export type Sequence = number;
export type CopyTarget = Pick<SnapshotRecord, "id" | "sessionId" | "label" | "reason" | "createdAt">;

export interface KnownObject extends StoredObject {
  readonly damaged: string | null;
}

interface StateRow extends Record<string, SqlStorageValue> {
  id: string;
  session_id: string;
  label: string | null;
  reason: string;
  created_at: number;
  root: string;
  tree_hash: string;
  files: number;
  size_bytes: number;
  stored_bytes: number;
  skipped: string;
  skipped_count: number;
  checked_at: number | null;
  unchecked: number;
  damaged: string | null;
}

/** `snapshots` is a query of whole rows of `snapshot`. */
const statesOf = (snapshots: string): string =>
  `SELECT s.*, max(o.checked_at) AS checked_at, max(o.damaged) AS damaged,
     count(*) FILTER (WHERE o.checked_at IS NULL) AS unchecked
   FROM (${snapshots}) s LEFT JOIN need n ON n.sequence = s.sequence LEFT JOIN object o ON o.digest = n.digest
   GROUP BY s.sequence ORDER BY s.sequence DESC`;
const ALL_OF_ONE = "SELECT * FROM snapshot WHERE id = ?";
const PAGE = "SELECT * FROM snapshot WHERE session_id = ? ORDER BY sequence DESC LIMIT ? OFFSET ?";
const DAMAGED = `SELECT n.sequence FROM object o JOIN need n ON n.digest = o.digest WHERE o.damaged IS NOT NULL`;

export class Catalogue {
  readonly #store: RepositoryStore;

  constructor(store: RepositoryStore) {
    this.#store = store;
  }

  find(snapshotId: string): SnapshotState | null {
    const row = this.#store.rows<StateRow>(statesOf(ALL_OF_ONE), snapshotId)[0];
    return row === undefined ? null : toState(row);
  }

  list(sessionId: string, { limit, offset }: { limit: number; offset: number }): SnapshotState[] {
    return this.#store.rows<StateRow>(statesOf(PAGE), sessionId, limit, offset).map(toState);
  }

  count(sessionId: string): number {
    const query = "SELECT count(*) AS total FROM snapshot WHERE session_id = ?";
    return this.#store.rows<{ total: number }>(query, sessionId)[0]?.total ?? 0;
  }

  /** Of all sessions. */
  hasSnapshots(): boolean {
    return this.#store.rows("SELECT 1 FROM snapshot LIMIT 1").length > 0;
  }

  /** Ids of a session's snapshots with whether each is damaged, newest first. */
  retained(sessionId: string): (Retained & { readonly id: string })[] {
    const rows = this.#store.rows<{ sequence: number; id: string; labelled: number; damaged: number }>(
      `SELECT sequence, id, label IS NOT NULL AS labelled, sequence IN (${DAMAGED}) AS damaged
       FROM snapshot WHERE session_id = ? ORDER BY sequence DESC`,
      sessionId,
    );
    return rows.map(({ sequence, id, labelled, damaged }) => ({
      sequence,
      id,
      labelled: labelled === 1,
      damaged: damaged === 1,
    }));
  }

  sequenceOf(sessionId: string, snapshotId: string): Sequence | null {
    const query = "SELECT sequence FROM snapshot WHERE session_id = ? AND id = ?";
    return this.#store.rows<{ sequence: number }>(query, sessionId, snapshotId)[0]?.sequence ?? null;
  }

  lastSequence(): Sequence {
    return this.#store.rows<{ last: number | null }>("SELECT max(sequence) AS last FROM snapshot")[0]?.last ?? 0;
  }

  /** `objects` are each in the bucket, and not doomed. */
  insert(sequence: Sequence, snapshot: SnapshotRecord, objects: readonly StoredObject[], now: number): void {
    this.#store.transaction(() => {
      const storedBytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0);
      this.#insertRow(sequence, snapshot, storedBytes);
      const json = JSON.stringify(objects.map(({ digest, sizeBytes }) => ({ digest, sizeBytes })));
      this.#store.rows(
        `INSERT OR IGNORE INTO object (digest, size_bytes, check_at)
         SELECT value ->> 'digest', value ->> 'sizeBytes', ? FROM json_each(?)`,
        now + FIRST_CHECK_MS,
        json,
      );
      const insertNeeds = "INSERT INTO need (sequence, digest) SELECT ?, value ->> 'digest' FROM json_each(?)";
      this.#store.rows(insertNeeds, sequence, json);
      this.#claim(sequence);
    });
  }

  copy(sequence: Sequence, source: SnapshotState, target: CopyTarget): void {
    this.#store.transaction(() => {
      this.#insertRow(sequence, { ...source, ...target }, source.storedBytes);
      this.#store.rows(
        `INSERT INTO need (sequence, digest)
         SELECT ?, need.digest FROM need JOIN snapshot USING (sequence) WHERE snapshot.id = ?`,
        sequence,
        source.id,
      );
      this.#claim(sequence);
    });
  }

  #insertRow(sequence: Sequence, snapshot: SnapshotRecord, storedBytes: number): void {
    this.#store.rows(
      `INSERT INTO snapshot (sequence, id, session_id, label, reason, created_at, root, tree_hash, files, size_bytes,
         stored_bytes, skipped, skipped_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      sequence,
      snapshot.id,
      snapshot.sessionId,
      snapshot.label,
      snapshot.reason,
      snapshot.createdAt,
      snapshot.root,
      snapshot.treeHash,
      snapshot.files,
      snapshot.sizeBytes,
      storedBytes,
      JSON.stringify(snapshot.skipped),
      snapshot.skippedCount,
    );
  }

  /** What a new snapshot needs is needed again, if it was not. */
  #claim(sequence: Sequence): void {
    this.#store.rows(
      `UPDATE object SET unneeded_at = NULL
       WHERE unneeded_at IS NOT NULL AND digest IN (SELECT digest FROM need WHERE sequence = ?)`,
      sequence,
    );
  }

  /** Their objects stay, as unneeded from now on where no other snapshot needs them. */
  remove(sequences: readonly Sequence[], now: number): void {
    if (sequences.length === 0) {
      return;
    }
    const these = "(SELECT value FROM json_each(?))";
    const json = JSON.stringify(sequences);
    this.#store.transaction(() => {
      this.#store.rows(
        `UPDATE object SET unneeded_at = ?
         WHERE digest IN (SELECT digest FROM need WHERE sequence IN ${these}) AND NOT EXISTS (
           SELECT 1 FROM need WHERE need.digest = object.digest AND need.sequence NOT IN ${these})`,
        now,
        json,
        json,
      );
      this.#store.rows(`DELETE FROM need WHERE sequence IN ${these}`, json);
      this.#store.rows(`DELETE FROM snapshot WHERE sequence IN ${these}`, json);
    });
  }

  /** Those of `digests` that have a row, needed or not. */
  known(digests: readonly Digest[]): KnownObject[] {
    return this.#objects("digest IN (SELECT value FROM json_each(?))", JSON.stringify(digests));
  }

  damaged(): KnownObject[] {
    return this.#objects("damaged IS NOT NULL");
  }

  /** What a snapshot needs and was not read back yet, or not well. */
  unverified(snapshotId: string): KnownObject[] {
    return this.#objects(
      `(checked_at IS NULL OR damaged IS NOT NULL)
       AND digest IN (SELECT need.digest FROM need JOIN snapshot USING (sequence) WHERE snapshot.id = ?)`,
      snapshotId,
    );
  }

  /** Needed, and due to be read back. */
  toCheck(now: number, limit: number): KnownObject[] {
    return this.#objects("unneeded_at IS NULL AND check_at <= ? ORDER BY check_at LIMIT ?", now, limit);
  }

  /** Needed by none since before `before`; null: since whenever. */
  unneeded(before: number | null): Digest[] {
    return this.#objects("unneeded_at < ?", before ?? Number.MAX_SAFE_INTEGER).map((object) => object.digest);
  }

  #objects(where: string, ...values: readonly (string | number)[]): KnownObject[] {
    return this.#store
      .rows<{ digest: string; size: number; damaged: string | null }>(
        `SELECT digest, size_bytes AS size, damaged FROM object WHERE ${where}`,
        ...values,
      )
      .map(({ digest, size, damaged }) => ({ digest, sizeBytes: size, damaged }));
  }

  nextCheckAt(): number | null {
    const query = "SELECT min(check_at) AS at FROM object WHERE unneeded_at IS NULL";
    return this.#store.rows<{ at: number | null }>(query)[0]?.at ?? null;
  }

  /** What a reading found: null where the bytes were right. */
  markChecked(digest: Digest, damaged: string | null, now: number): void {
    this.#store.rows(
      `UPDATE object SET damaged = ?1, check_at = ?2, checked_at = iif(?1 IS NULL, ?3, checked_at) WHERE digest = ?4`,
      damaged,
      now + CHECK_AGAIN_MS,
      now,
      digest,
    );
  }

  /** To be read back with the next of them. */
  checkSoon(digest: Digest, now: number): void {
    this.#store.rows("UPDATE object SET check_at = ? WHERE digest = ?", now, digest);
  }

  /** They must be in no snapshot. */
  forget(digests: readonly Digest[]): void {
    this.#store.rows("DELETE FROM object WHERE digest IN (SELECT value FROM json_each(?))", JSON.stringify(digests));
  }
}

function toState(row: StateRow): SnapshotState {
  return {
    id: row.id,
    sessionId: row.session_id,
    label: row.label,
    // SAFETY: `#insertRow` is the only writer, of this and of `skipped`.
    reason: row.reason as SnapshotState["reason"],
    createdAt: row.created_at,
    root: row.root,
    treeHash: row.tree_hash,
    files: row.files,
    sizeBytes: row.size_bytes,
    skipped: JSON.parse(row.skipped) as SnapshotState["skipped"],
    skippedCount: row.skipped_count,
    storedBytes: row.stored_bytes,
    verifiedAt: row.unchecked > 0 || row.damaged !== null ? null : row.checked_at,
    damaged: row.damaged,
  };
}
