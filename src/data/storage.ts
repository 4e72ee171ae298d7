// What the rest of the Worker may ask of an account's storage, and of one of its SQL databases.
import type { Result } from "../lib/result.ts";

/** What is stored under a key, with its bytes: JSON values, and objects. */
type EntryKind = "kv" | "r2";
export type Kind = EntryKind | "d1";

/** A namespace is another one for each kind. */
export interface Place {
  readonly kind: EntryKind;
  readonly namespace: string;
  readonly key: string;
}

export interface EntryInfo {
  readonly key: string;
  /** Of the bytes alone. */
  readonly size: number;
  /** JSON. */
  readonly metadata: string;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

export interface Entry extends EntryInfo {
  readonly bytes: Uint8Array;
}

/** By key, in the order of its UTF-8. */
export interface EntryPage {
  readonly entries: readonly EntryInfo[];
  /** There are more behind the last of them. */
  readonly more: boolean;
}

export interface Resource {
  readonly type: Kind;
  readonly namespace: string;
  /** Null: a database. */
  readonly key: string | null;
  readonly size: number;
  /** JSON. */
  readonly metadata: string;
  readonly writtenAt: number;
}

export interface NamespaceStats {
  readonly type: Kind;
  readonly namespace: string;
  /** A database is one, whatever is in it. */
  readonly resources: number;
  /** With keys and metadata, in bytes. */
  readonly size: number;
}

type SqlParameter = string | number | boolean | null;

export interface SqlQuery {
  readonly sql: string;
  readonly params: readonly SqlParameter[];
}

export type SqlRow = Readonly<Record<string, string | number | null | readonly number[]>>;

export interface SqlAnswer {
  readonly rows: readonly SqlRow[];
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** Rows that were inserted, changed or deleted. */
  readonly changes: number;
  readonly lastRowId: number;
  /** Of the database afterwards, in bytes. */
  readonly size: number;
}

export interface StorageRpc {
  /** Whole or not at all. `disk_full` where the account has no room for it, `conflict` where it has too many namespaces. */
  put(place: Place, content: { readonly bytes: Uint8Array; readonly metadata: string }): Promise<Result<EntryInfo>>;
  /** Null: there is none. */
  get(place: Place): Promise<Entry | null>;
  /** False: there was none. */
  remove(place: Place): Promise<boolean>;
  list(
    place: Pick<Place, "kind" | "namespace">,
    page: { readonly prefix: string; readonly after: string | null; readonly limit: number },
  ): Promise<EntryPage>;
  /** All statements or none, in order. Gives the rows of the last one. */
  query(namespace: string, query: SqlQuery): Promise<Result<SqlAnswer>>;
  /** False: there was none. */
  dropDatabase(namespace: string): Promise<boolean>;
  resources(query: {
    readonly type?: Kind | undefined;
    readonly namespace?: string | undefined;
    readonly prefix: string;
    readonly limit: number;
    readonly offset: number;
  }): Promise<{ readonly resources: readonly Resource[]; readonly total: number }>;
  stats(): Promise<readonly NamespaceStats[]>;
  /** All of it, with the account. Fine when there is nothing. */
  erase(): Promise<void>;
}

export interface SqlDatabaseRpc {
  /** `maxBytes`: what it may grow to. */
  run(query: SqlQuery, options: { readonly maxBytes: number }): Promise<Result<SqlAnswer>>;
  erase(): Promise<void>;
}

/** An account's storage, for a caller that may use it. */
export interface StorageAccess {
  readonly storage: StorageRpc;
  /** For a run of so many seconds. Null: the account is closed. */
  lendToRun(sessionId: string | null, seconds: number): Promise<string | null>;
}
