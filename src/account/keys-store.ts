// The keys of an account in its database, and all of them in memory: every request asks. This object is the only one that
// changes them, so memory is never behind. Of a key's text only the digest is here.
import type { Scope } from "../contract/account.ts";
import type { Database } from "./database.ts";

export interface StoredKey {
  readonly id: string;
  /** SHA-256 of its text. */
  readonly digest: Uint8Array;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  readonly sessionId: string | null;
  /** Milliseconds since the epoch, as every stored time. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

type Row = {
  id: string;
  digest: ArrayBuffer;
  name: string | null;
  scopes: string;
  session_id: string | null;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
};

export class KeyStore {
  readonly #database: Database;
  readonly #keys: Map<string, StoredKey>;

  constructor(database: Database) {
    this.#database = database;
    const rows = database.ready ? database.exec<Row>("SELECT * FROM api_key ORDER BY created_at, id") : [];
    this.#keys = new Map(rows.map((row) => [row.id, keyOf(row)]));
  }

  /** Oldest first. */
  all(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  get size(): number {
    return this.#keys.size;
  }

  get(keyId: string): StoredKey | undefined {
    return this.#keys.get(keyId);
  }

  /** The key with this digest. Looks at all of them, each in constant time. */
  find(digest: Uint8Array): StoredKey | null {
    let found: StoredKey | null = null;
    for (const key of this.#keys.values()) {
      if (key.digest.byteLength === digest.byteLength && crypto.subtle.timingSafeEqual(key.digest, digest)) {
        found = key;
      }
    }
    return found;
  }

  save(key: StoredKey): void {
    this.#database.prepare();
    this.#database.exec(
      `INSERT OR REPLACE INTO api_key (id, digest, name, scopes, session_id, created_at, expires_at, last_used_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      key.id,
      key.digest.slice().buffer,
      key.name,
      JSON.stringify(key.scopes),
      key.sessionId,
      key.createdAt,
      key.expiresAt,
      key.lastUsedAt,
    );
    this.#keys.set(key.id, key);
  }

  /** In memory alone: lost with the object, which costs nothing but an older time. */
  noteUse(key: StoredKey, lastUsedAt: number): void {
    this.#keys.set(key.id, { ...key, lastUsedAt });
  }

  remove(keyId: string): void {
    this.#database.exec("DELETE FROM api_key WHERE id = ?", keyId);
    this.#keys.delete(keyId);
  }

  /** Before the database is erased. */
  forget(): void {
    this.#keys.clear();
  }
}

function keyOf(row: Row): StoredKey {
  return {
    id: row.id,
    digest: new Uint8Array(row.digest),
    name: row.name,
    // SAFETY: `save` is the only writer.
    scopes: JSON.parse(row.scopes) as Scope[],
    sessionId: row.session_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
