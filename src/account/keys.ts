// Keys of an account: make, list, replace, revoke. The text of a key leaves in the answer that made it and is nowhere
// afterwards: not in storage, not in a log, not in an error.
import type { CreateKey, Key, KeyList, NewKey } from "../contract/account.ts";
import { parseDuration } from "../contract/duration.ts";
import { newApiKey, newId } from "../contract/ids.ts";
import { API_KEY_LIFE_MAX_MS, API_KEYS, KEY_USE_STORED_MS } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { sha256 } from "../lib/sha256.ts";
import type { KeyStore, StoredKey } from "./keys-store.ts";

export class Keys {
  readonly #store: KeyStore;
  readonly #accountId: string;
  /** When the use of a key was stored last, by its id. */
  readonly #useStored = new Map<string, number>();

  constructor(store: KeyStore, accountId: string) {
    this.#store = store;
    this.#accountId = accountId;
  }

  /** `sessionId`: of the only session that it opens, which the account has. */
  async create(asked: CreateKey, sessionId: string | null, now: number): Promise<Result<NewKey>> {
    const expiresAt = expiryOf(asked, now);
    if (expiresAt !== null && (expiresAt <= now || expiresAt > now + API_KEY_LIFE_MAX_MS)) {
      return fail("invalid_request", "A key expires in the future, and within ten years. Absent: never.", {
        issues: [{ path: asked.expiresIn === undefined ? "expiresAt" : "expiresIn", message: "is out of range" }],
      });
    }
    const text = newApiKey(this.#accountId);
    const digest = await sha256(text);
    for (const key of this.#store.all()) {
      if (key.expiresAt !== null && key.expiresAt <= now) {
        this.#remove(key.id);
      }
    }
    if (this.#store.size >= API_KEYS) {
      return fail("conflict", `This account has ${API_KEYS} keys, and that is all it may have. Revoke one first.`, {
        max: API_KEYS,
      });
    }
    const key: StoredKey = {
      id: newId("key"),
      digest,
      name: asked.name ?? null,
      scopes: asked.scopes,
      sessionId,
      createdAt: now,
      expiresAt,
      lastUsedAt: null,
    };
    this.#store.save(key);
    return ok({ ...viewOf(key), key: text });
  }

  list({ limit, offset }: { readonly limit: number; readonly offset: number }): KeyList {
    const all = this.#store.all().toReversed();
    return { keys: all.slice(offset, offset + limit).map(viewOf), total: all.length };
  }

  async rotate(keyId: string): Promise<Result<NewKey>> {
    const text = newApiKey(this.#accountId);
    const digest = await sha256(text);
    const key = this.#store.get(keyId);
    if (key === undefined) {
      return unknown(keyId);
    }
    const rotated = { ...key, digest, lastUsedAt: null };
    this.#store.save(rotated);
    return ok({ ...viewOf(rotated), key: text });
  }

  revoke(keyId: string): Result<{ deleted: true; id: string }> {
    if (this.#store.get(keyId) === undefined) {
      return unknown(keyId);
    }
    this.#remove(keyId);
    return ok({ deleted: true, id: keyId });
  }

  /** Those that opened nothing but this session open nothing any more. */
  forgetSession(sessionId: string): void {
    for (const key of this.#store.all()) {
      if (key.sessionId === sessionId) {
        this.#remove(key.id);
      }
    }
  }

  noteUse(key: StoredKey, now: number): void {
    const storedAt = this.#useStored.get(key.id) ?? key.lastUsedAt;
    const isDue = storedAt === null || now - storedAt >= KEY_USE_STORED_MS;
    this.#useStored.set(key.id, isDue ? now : storedAt);
    if (isDue) {
      this.#store.save({ ...key, lastUsedAt: now });
    } else {
      this.#store.noteUse(key, now);
    }
  }

  #remove(keyId: string): void {
    this.#store.remove(keyId);
    this.#useStored.delete(keyId);
  }
}

function expiryOf({ expiresIn, expiresAt }: CreateKey, now: number): number | null {
  if (expiresAt !== undefined) {
    return Date.parse(expiresAt);
  }
  return expiresIn === undefined ? null : now + (parseDuration(expiresIn) ?? 0);
}

function viewOf(key: StoredKey): Key {
  return {
    id: key.id,
    name: key.name,
    scopes: [...key.scopes],
    sessionId: key.sessionId,
    createdAt: new Date(key.createdAt).toISOString(),
    expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
    lastUsedAt: key.lastUsedAt === null ? null : new Date(key.lastUsedAt).toISOString(),
  };
}

function unknown(keyId: string): Result<never> {
  return fail("not_found", `This account has no key ${keyId}. List its keys.`, { keyId });
}
