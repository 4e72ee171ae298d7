// The tables of an account's storage: its namespaces with their sizes, and the entries of those that have any. Bytes lie in
// rows beside them, so that an entry comes and goes whole, and nothing is left behind where it ends.
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { hasSchema, migrate } from "../lib/schema.ts";
import { ACCOUNT_BYTES, ENTRY_BYTES, NAMESPACES, PART_BYTES } from "./limits.ts";
import type { Entry, EntryInfo, EntryPage, Kind, NamespaceStats, Place, Resource } from "./storage.ts";

/** One step per entry: never change one that was released, add another. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE namespace (
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     size INTEGER NOT NULL,
     written_at INTEGER NOT NULL,
     PRIMARY KEY (kind, name)
   ) STRICT;
   CREATE TABLE entry (
     id INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     namespace TEXT NOT NULL,
     key TEXT NOT NULL,
     size INTEGER NOT NULL,
     cost INTEGER NOT NULL,
     metadata TEXT NOT NULL,
     written_at INTEGER NOT NULL,
     UNIQUE (kind, namespace, key)
   ) STRICT;
   CREATE TABLE part (
     entry_id INTEGER NOT NULL,
     number INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (entry_id, number)
   ) STRICT;`,
];

type EntryRow = { id: number; key: string; size: number; cost: number; metadata: string; written_at: number };
type Namespace = Pick<Place, "namespace"> & { readonly kind: Kind };
const OF_NAMESPACE = "kind = ? AND namespace = ?";

export class StorageStore {
  readonly #storage: DurableObjectStorage;
  /** Reading without tables finds nothing. */
  #ready: boolean;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#ready = hasSchema(storage);
    if (this.#ready) {
      migrate(storage, MIGRATIONS);
    }
  }

  /** Whether there are tables. To be made before anything is written. */
  get ready(): boolean {
    return this.#ready;
  }

  prepare(): void {
    migrate(this.#storage, MIGRATIONS);
    this.#ready = true;
  }

  put(
    place: Place,
    { bytes, metadata }: { readonly bytes: Uint8Array; readonly metadata: string },
    writtenAt: number,
  ): Result<EntryInfo> {
    const { kind, namespace, key } = place;
    const size = bytes.byteLength;
    const cost = size + new TextEncoder().encode(key + metadata).byteLength + ENTRY_BYTES;
    return this.#write(() => {
      const before = this.#find(place);
      const room = this.roomFor(place, cost - (before?.cost ?? 0));
      if (!room.ok) {
        return room;
      }
      this.#drop(place, before);
      const [row] = this.#exec<{ id: number }>(
        "INSERT INTO entry (kind, namespace, key, size, cost, metadata, written_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        kind,
        namespace,
        key,
        size,
        cost,
        metadata,
        writtenAt,
      );
      for (let number = 0; number * PART_BYTES < size; number++) {
        const part = bytes.slice(number * PART_BYTES, (number + 1) * PART_BYTES);
        this.#exec("INSERT INTO part (entry_id, number, bytes) VALUES (?, ?, ?)", row?.id ?? 0, number, part.buffer);
      }
      this.#grow(place, cost, writtenAt);
      return ok({ key, size, metadata, writtenAt });
    });
  }

  get(place: Place): Entry | null {
    const row = this.#find(place);
    if (row === null) {
      return null;
    }
    const bytes = new Uint8Array(row.size);
    const parts = this.#exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM part WHERE entry_id = ? ORDER BY number",
      row.id,
    );
    for (const [number, part] of parts.entries()) {
      bytes.set(new Uint8Array(part.bytes), number * PART_BYTES);
    }
    return { ...infoOf(row), bytes };
  }

  remove(place: Place): boolean {
    return this.#storage.transactionSync(() => {
      const row = this.#find(place);
      this.#drop(place, row);
      return row !== null;
    });
  }

  list(
    { kind, namespace }: Pick<Place, "kind" | "namespace">,
    { prefix, after, limit }: { readonly prefix: string; readonly after: string | null; readonly limit: number },
  ): EntryPage {
    // Those with a prefix lie together, from the prefix on.
    const rows = this.#exec<EntryRow>(
      `SELECT * FROM entry WHERE ${OF_NAMESPACE} AND key >= ? AND key > ? ORDER BY key LIMIT ?`,
      kind,
      namespace,
      prefix,
      after ?? "",
      limit + 1,
    );
    const end = rows.findIndex(({ key }) => !key.startsWith(prefix));
    const found = end === -1 ? rows : rows.slice(0, end);
    return { entries: found.slice(0, limit).map(infoOf), more: found.length > limit };
  }

  /** Null: there is no such database. */
  databaseSize(namespace: string): number | null {
    const [row] = this.#exec<{ size: number }>("SELECT size FROM namespace WHERE kind = 'd1' AND name = ?", namespace);
    return row?.size ?? null;
  }

  noteDatabase(namespace: string, size: number, writtenAt: number): void {
    this.#write(() =>
      this.#exec(
        "INSERT OR REPLACE INTO namespace (kind, name, size, written_at) VALUES ('d1', ?, ?, ?)",
        namespace,
        size,
        writtenAt,
      ),
    );
  }

  forgetDatabase(namespace: string): void {
    this.#exec("DELETE FROM namespace WHERE kind = 'd1' AND name = ?", namespace);
  }

  databases(): readonly string[] {
    return this.#exec<{ name: string }>("SELECT name FROM namespace WHERE kind = 'd1'").map(({ name }) => name);
  }

  /** How many bytes more the account may have. Fails where `bytes` are more than that, or the namespace is one too many. */
  roomFor({ kind, namespace }: Namespace, bytes: number): Result<number> {
    const [used] = this.#exec<{ bytes: number; own: number; others: number }>(
      `SELECT coalesce(sum(size), 0) AS bytes, count(*) FILTER (WHERE kind = ?1 AND name = ?2) AS own,
         count(*) FILTER (WHERE NOT (kind = ?1 AND name = ?2)) AS others FROM namespace`,
      kind,
      namespace,
    );
    const { bytes: usedBytes, own, others } = used ?? { bytes: 0, own: 0, others: 0 };
    if (own === 0 && others >= NAMESPACES) {
      return fail(
        "conflict",
        `This account has ${NAMESPACES} namespaces, and that is all it may have. Empty one first.`,
        {
          max: NAMESPACES,
        },
      );
    }
    return bytes > 0 && usedBytes + bytes > ACCOUNT_BYTES
      ? fail("disk_full", `This account's storage is full: it may hold ${ACCOUNT_BYTES} bytes. Delete something.`, {
          limitBytes: ACCOUNT_BYTES,
          usedBytes,
        })
      : ok(Math.max(0, ACCOUNT_BYTES - usedBytes));
  }

  resources({
    type,
    namespace,
    prefix,
    limit,
    offset,
  }: {
    readonly type?: Kind | undefined;
    readonly namespace?: string | undefined;
    readonly prefix: string;
    readonly limit: number;
    readonly offset: number;
  }): { readonly resources: readonly Resource[]; readonly total: number } {
    const all = `(SELECT kind AS type, namespace, key, size, metadata, written_at AS writtenAt FROM entry
      UNION ALL SELECT kind, name, NULL, size, 'null', written_at FROM namespace WHERE kind = 'd1')
      WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR namespace = ?2) AND substr(coalesce(key, ''), 1, length(?3)) = ?3`;
    const asked = [type ?? null, namespace ?? null, prefix];
    const rows = this.#exec<Resource & Record<string, SqlStorageValue>>(
      `SELECT * FROM ${all} ORDER BY type, namespace, key LIMIT ?4 OFFSET ?5`,
      ...asked,
      limit,
      offset,
    );
    const [count] = this.#exec<{ total: number }>(`SELECT count(*) AS total FROM ${all}`, ...asked);
    return {
      resources: rows,
      total: count?.total ?? 0,
    };
  }

  stats(): readonly NamespaceStats[] {
    return this.#exec<NamespaceStats & Record<string, SqlStorageValue>>(
      `SELECT kind AS type, name AS namespace, size, CASE kind WHEN 'd1' THEN 1 ELSE
         (SELECT count(*) FROM entry WHERE entry.kind = namespace.kind AND entry.namespace = namespace.name)
         END AS resources FROM namespace`,
    );
  }

  async erase(): Promise<void> {
    this.#ready = false;
    await this.#storage.deleteAll();
  }

  /** @throws Error where there is nothing to write to: it would be taken for written */
  #write<T>(work: () => T): T {
    if (!this.#ready) {
      throw new Error("the storage was erased just now");
    }
    return this.#storage.transactionSync(work);
  }

  #find({ kind, namespace, key }: Place): EntryRow | null {
    const rows = this.#exec<EntryRow>(`SELECT * FROM entry WHERE ${OF_NAMESPACE} AND key = ?`, kind, namespace, key);
    return rows[0] ?? null;
  }

  #drop(place: Place, row: EntryRow | null): void {
    if (row === null) {
      return;
    }
    this.#exec("DELETE FROM part WHERE entry_id = ?", row.id);
    this.#exec("DELETE FROM entry WHERE id = ?", row.id);
    this.#exec(
      "UPDATE namespace SET size = size - ? WHERE kind = ? AND name = ?",
      row.cost,
      place.kind,
      place.namespace,
    );
    // Every entry has a cost, so one without any is empty.
    this.#exec("DELETE FROM namespace WHERE kind = ? AND name = ? AND size = 0", place.kind, place.namespace);
  }

  #grow({ kind, namespace }: Place, bytes: number, writtenAt: number): void {
    this.#exec(
      `INSERT INTO namespace (kind, name, size, written_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (kind, name) DO UPDATE SET size = size + excluded.size, written_at = excluded.written_at`,
      kind,
      namespace,
      bytes,
      writtenAt,
    );
  }

  #exec<T extends Record<string, SqlStorageValue>>(query: string, ...values: SqlStorageValue[]): T[] {
    return this.#ready ? this.#storage.sql.exec<T>(query, ...values).toArray() : [];
  }
}

function infoOf({ key, size, metadata, written_at: writtenAt }: EntryRow): EntryInfo {
  return { key, size, metadata, writtenAt };
}
