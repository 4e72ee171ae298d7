// Snapshots of a session's workspace.
import { pathOf } from "../address.ts";
import type { OfSession, Optional, Whose } from "../address.ts";
import type { RestoreAnswer, Snapshot, SnapshotDeleted, SnapshotDiff, SnapshotList } from "../contract.ts";
import { newKey } from "../key.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface OfSnapshot {
  readonly snapshotId: string;
}

export interface CreateSnapshotInput {
  /** A snapshot with a label stays until it is deleted; of those without the last five are kept. */
  readonly label?: string | undefined;
}

export interface RestoreInput extends OfSnapshot {
  /** Only this file or directory. Absent: the whole workspace. */
  readonly path?: string | undefined;
}

export interface DiffInput extends OfSnapshot, Paging {
  /** Absent: the newest snapshot. */
  readonly to?: string | undefined;
}

export class Snapshots<S extends Whose> {
  readonly #transport: Transport;
  readonly #own: string | null;

  constructor(transport: Transport, own: string | null) {
    this.#transport = transport;
    this.#own = own;
  }

  create(...[input, options]: Optional<S, CreateSnapshotInput, RequestOptions>): Promise<Snapshot> {
    const json = input?.label === undefined ? {} : { label: input.label };
    return this.#transport.json({
      method: "POST",
      path: this.#path(input),
      json,
      key: newKey(),
      timeout: SNAPSHOT_MS,
      options,
    });
  }

  /** Newest first. */
  list(...[input, options]: Optional<S, Paging, RequestOptions>): Promise<SnapshotList> {
    const query = { limit: input?.limit, offset: input?.offset };
    return this.#transport.json({ method: "GET", path: this.#path(input), query, options });
  }

  get(input: S & OfSnapshot, options?: RequestOptions): Promise<Snapshot> {
    return this.#transport.json({ method: "GET", path: this.#pathOfOne(input), options });
  }

  delete(input: S & OfSnapshot, options?: RequestOptions): Promise<SnapshotDeleted> {
    const gone: SnapshotDeleted = { deleted: true, snapshotId: input.snapshotId };
    return this.#transport.json({ method: "DELETE", path: this.#pathOfOne(input), gone, options });
  }

  /** Puts files back as they were. `previousSnapshotId`, taken just before, undoes it. */
  restore(input: S & RestoreInput, options?: RequestOptions): Promise<RestoreAnswer> {
    const json = input.path === undefined ? {} : { path: input.path };
    const path = `${this.#pathOfOne(input)}/restore`;
    return this.#transport.json({ method: "POST", path, json, timeout: SNAPSHOT_MS, options });
  }

  /** What differs in a later one. */
  diff(input: S & DiffInput, options?: RequestOptions): Promise<SnapshotDiff> {
    const { to, limit, offset } = input;
    const path = `${this.#pathOfOne(input)}/diff`;
    return this.#transport.json({ method: "GET", path, query: { to, limit, offset }, options });
  }

  #path(input: Partial<OfSession> | undefined): string {
    return `${pathOf(this.#own, input)}/snapshots`;
  }

  #pathOfOne(input: S & OfSnapshot): string {
    return `${this.#path(input)}/${encodeURIComponent(input.snapshotId)}`;
  }
}

/** A large workspace takes its time. */
const SNAPSHOT_MS = 660_000;
