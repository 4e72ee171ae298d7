// What a stream was opened with, where that may end before the stream does: then the stream ends, too.

export interface Right {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Aborted when it is taken back. */
  readonly revoked: AbortSignal;
}

/** No stream lasts longer, and a timer can be set for it. */
const EXPIRY_WATCHED_MS = 24 * 60 * 60 * 1000;

/** The keys that streams of the API were opened with, by their ids. In memory: streams are gone with this object as well. */
export class KeyRights {
  readonly #revocations = new Map<string, AbortController>();

  /** `key`: as `keyHeader` writes it. */
  of(key: string): Right {
    const [keyId = "", expiry] = key.split(" ");
    const revocation = this.#revocations.get(keyId) ?? new AbortController();
    this.#revocations.set(keyId, revocation);
    const expiresAt = expiry === undefined ? Number.POSITIVE_INFINITY : Number(expiry);
    const leftMs = Math.max(0, expiresAt - Date.now());
    return leftMs > EXPIRY_WATCHED_MS
      ? { expiresAt, revoked: revocation.signal }
      : { expiresAt, revoked: AbortSignal.any([revocation.signal, AbortSignal.timeout(leftMs)]) };
  }

  revoke(keyId: string): void {
    this.#revocations.get(keyId)?.abort();
    this.#revocations.delete(keyId);
  }
}
