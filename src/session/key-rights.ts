// What a stream was opened with, where that may end before the stream does: then the stream ends, too.

export interface Right {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Aborted when it is taken back; that of a key also when it expires. It may be so already. */
  readonly revoked: AbortSignal;
  /** What a socket is told that ends with it: 123 bytes at the most. */
  readonly farewell: string;
}

/** No stream lasts longer, and a timer can be set for it. */
const EXPIRY_WATCHED_MS = 24 * 60 * 60 * 1000;
const FAREWELL = "the API key has expired, or was revoked or rotated";

interface Held {
  readonly ended: AbortController;
  timer: ReturnType<typeof setTimeout> | null;
}

/**
 * The keys that streams of the API were opened with, by their ids. In memory: streams are gone with this object as well.
 * What a key costs is the same for one request and for ten thousand, which is how many timers an object may have.
 */
export class KeyRights {
  readonly #keys = new Map<string, Held>();

  /** `key`: as `keyHeader` writes it. */
  of(key: string): Right {
    const [keyId = "", expiry] = key.split(" ");
    const held = this.#keys.get(keyId) ?? { ended: new AbortController(), timer: null };
    this.#keys.set(keyId, held);
    const expiresAt = expiry === undefined ? Number.POSITIVE_INFINITY : Number(expiry);
    const leftMs = Math.max(0, expiresAt - Date.now());
    if (held.timer === null && leftMs <= EXPIRY_WATCHED_MS) {
      held.timer = setTimeout(() => this.revoke(keyId), leftMs);
    }
    return { expiresAt, revoked: held.ended.signal, farewell: FAREWELL };
  }

  revoke(keyId: string): void {
    const held = this.#keys.get(keyId);
    if (held !== undefined) {
      this.#keys.delete(keyId);
      clearTimeout(held.timer);
      held.ended.abort();
    }
  }
}
