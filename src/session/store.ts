// A session's own database. Nothing is written for a session that was never created, nor after it was erased: late
// writers, such as a container's end being noticed, find it closed.
import type { ContainerEnd, ExecutionRecord } from "../contract/execute.ts";
import type { Digest } from "../contract/manifest.ts";
import type { EmittedEvent } from "../account/events-rpc.ts";
import { hasSchema, migrate } from "../lib/schema.ts";
import type { SessionState } from "./state.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { StoredMeter } from "./meter.ts";
import type { SessionRecord } from "./record.ts";

/** One start of the container. Stored before the start, so that a later instance of the object can talk to it. */
export interface StoredRun {
  readonly id: string;
  readonly token: string;
  /** Its files were restored, or there were none: it may be used, and losing it is a loss. */
  readonly prepared: boolean;
  /** It was started with a way to the network. */
  readonly internet: boolean;
}

/** What is known beside the state, by name; each is JSON. */
export interface Facts {
  /** The newest snapshot, which the next one is made against. */
  readonly saved: SavedWorkspace;
  readonly lastLoss: { readonly at: number; readonly reason: string; readonly savedAt: number | null };
  readonly lastRestore: { readonly at: number; readonly snapshotId: string; readonly passedOver: readonly string[] };
  readonly ended: ContainerEnd;
  /** Oldest first. */
  readonly unsentEvents: readonly EmittedEvent[];
  readonly meter: StoredMeter;
}

export interface SavedWorkspace {
  readonly snapshotId: string;
  readonly root: Digest;
  /** When all that had changed was last found to be saved; not before the snapshot was made. */
  readonly at: number;
  readonly files: number;
  readonly sizeBytes: number;
  readonly storedBytes: number;
}

export interface StoredSession {
  readonly record: SessionRecord;
  readonly state: SessionState;
  readonly lastActive: number;
}

/** Kept so that an execution can be answered for when its disk is gone; the newest. */
const LOST_EXECUTIONS_KEPT = 100;

export class SessionStore {
  readonly #storage: DurableObjectStorage;
  #exists: boolean;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#exists = hasSchema(storage);
    if (this.#exists) {
      migrate(storage, MIGRATIONS);
    }
  }

  load(): StoredSession | null {
    if (!this.#exists) {
      return null;
    }
    const row = this.#storage.sql
      .exec<{ record: string; state: string; last_active: number }>("SELECT record, state, last_active FROM session")
      .toArray()[0];
    if (row === undefined) {
      return null;
    }
    // SAFETY: `save` below is the only writer.
    const record = JSON.parse(row.record) as SessionRecord;
    // SAFETY: as above.
    const state = JSON.parse(row.state) as SessionState;
    return { record, state, lastActive: row.last_active };
  }

  /** Makes the database at the first call. */
  create(session: StoredSession): void {
    migrate(this.#storage, MIGRATIONS);
    this.#exists = true;
    this.save(session);
  }

  save(session: StoredSession): void {
    if (this.#exists) {
      this.#storage.sql.exec(
        "INSERT OR REPLACE INTO session (only, record, state, last_active) VALUES (1, ?, ?, ?)",
        JSON.stringify(session.record),
        JSON.stringify(session.state),
        session.lastActive,
      );
    }
  }

  loadRun(): StoredRun | null {
    if (!this.#exists) {
      return null;
    }
    const row = this.#storage.sql
      .exec<{ id: string; token: string; prepared: number; internet: number }>(
        "SELECT id, token, prepared, internet FROM run",
      )
      .toArray()[0];
    return row === undefined
      ? null
      : { id: row.id, token: row.token, prepared: row.prepared === 1, internet: row.internet === 1 };
  }

  saveRun({ id, token, prepared, internet }: StoredRun): void {
    if (this.#exists) {
      this.#storage.sql.exec(
        "INSERT OR REPLACE INTO run (only, id, token, prepared, internet) VALUES (1, ?, ?, ?, ?)",
        id,
        token,
        prepared ? 1 : 0,
        internet ? 1 : 0,
      );
    }
  }

  /** There is no container, and that is as it should be. */
  forgetRun(): void {
    if (this.#exists) {
      this.#storage.sql.exec("DELETE FROM run");
    }
  }

  loadFact<N extends keyof Facts>(name: N): Facts[N] | null {
    if (!this.#exists) {
      return null;
    }
    const row = this.#storage.sql.exec<{ value: string }>("SELECT value FROM fact WHERE name = ?", name).toArray()[0];
    // SAFETY: `saveFact` below is the only writer.
    return row === undefined ? null : (JSON.parse(row.value) as Facts[N]);
  }

  saveFact<N extends keyof Facts>(name: N, value: Facts[N]): void {
    if (this.#exists) {
      this.#storage.sql.exec("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", name, JSON.stringify(value));
    }
  }

  removeFact(name: keyof Facts): void {
    if (this.#exists) {
      this.#storage.sql.exec("DELETE FROM fact WHERE name = ?", name);
    }
  }

  saveLostExecution(record: ExecutionRecord): void {
    if (!this.#exists) {
      return;
    }
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO lost_execution (id, started_at, record) VALUES (?, ?, ?)",
      record.executionId,
      Date.parse(record.startedAt),
      JSON.stringify(record),
    );
    this.#storage.sql.exec(
      "DELETE FROM lost_execution WHERE id NOT IN (SELECT id FROM lost_execution ORDER BY started_at DESC LIMIT ?)",
      LOST_EXECUTIONS_KEPT,
    );
  }

  /** Newest first. */
  lostExecutions(): ExecutionRecord[] {
    if (!this.#exists) {
      return [];
    }
    return (
      this.#storage.sql
        .exec<{ record: string }>("SELECT record FROM lost_execution ORDER BY started_at DESC")
        .toArray()
        // SAFETY: `saveLostExecution` is the only writer.
        .map((row) => JSON.parse(row.record) as ExecutionRecord)
    );
  }

  /** Leaves nothing behind, the alarm included. */
  async erase(): Promise<void> {
    this.#exists = false;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
  }
}
