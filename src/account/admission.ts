// Lets a request in, or not: one question per request, answered from memory. What a stranger can find out is the same
// whether the account exists or not.
import { SCOPES } from "../contract/scopes.ts";
import type { Problem } from "../contract/errors.ts";
import type { Plan } from "../contract/limits.ts";
import type { RunGrant } from "../contract/run-token.ts";
import type { KeyStore, StoredKey } from "./keys-store.ts";
import type { Keys } from "./keys.ts";
import { countRequest, isOpen } from "../lib/rate-limit.ts";
import type { RateDecision, RateWindow } from "../lib/rate-limit.ts";
import type { Admission, Credential } from "./rpc.ts";
import type { Settings } from "./settings.ts";

/** Above so many, those of keys that were quiet for a while are dropped. */
const RATE_WINDOWS = 1000;
/** Names the development account's own key, which is in no list. */
const OWN_KEY_ID = "development";

export interface AdmissionParts {
  readonly accountId: string;
  readonly settings: Settings;
  readonly keyStore: KeyStore;
  readonly keys: Keys;
  readonly refused: (keyId: string | null, reason: string) => void;
}

export class AdmissionDesk {
  readonly #parts: AdmissionParts;
  /** By key. Not stored, so that a request costs no write: an object that was evicted begins new windows. */
  readonly #rateWindows = new Map<string, RateWindow>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  admit(credential: Exclude<Credential, { kind: "run" }>, now: number): Admission {
    const { accountId, settings, keyStore, keys, refused } = this.#parts;
    if (credential.kind === "own") {
      const { plan } = credential;
      return {
        kind: "known",
        principal: { accountId, keyId: OWN_KEY_ID, plan, scopes: SCOPES, sessionId: null, expiresAt: null },
        rate: this.#count(OWN_KEY_ID, plan, now),
      };
    }
    const { plan } = settings;
    const key = keyStore.find(credential.digest);
    if (plan === null) {
      return { kind: "refused", problem: UNKNOWN_KEY };
    }
    if (key === null) {
      refused(null, "unknown_key");
      return { kind: "refused", problem: UNKNOWN_KEY };
    }
    const problem = this.#standingOf(key, now);
    if (problem !== null) {
      refused(key.id, problem.details["reason"]);
      return { kind: "refused", problem };
    }
    const rate = this.#count(key.id, plan, now);
    if (rate.allowed) {
      keys.noteUse(key, now);
    }
    const { id: keyId, scopes, sessionId, expiresAt } = key;
    return { kind: "known", principal: { accountId, keyId, plan, scopes, sessionId, expiresAt }, rate };
  }

  /** `grant`: what the account has signed; null: it has signed no such thing. `hasSession`: of those that there are now. */
  admitRun(grant: RunGrant | null, hasSession: (sessionId: string) => boolean, now: number): Admission {
    const { accountId, settings, refused } = this.#parts;
    const { plan } = settings;
    const isGood = grant !== null && (grant.sessionId === null || hasSession(grant.sessionId));
    if (plan === null || !isGood) {
      refused(null, "unknown_key");
      return { kind: "refused", problem: UNKNOWN_KEY };
    }
    const keyId = `run:${grant.sessionId ?? "one-shot"}`;
    const problem = this.#standingOf({ id: keyId, expiresAt: grant.expiresAt }, now);
    if (problem !== null) {
      return { kind: "refused", problem };
    }
    const { expiresAt } = grant;
    const principal = { accountId, keyId, plan, scopes: ["storage"], sessionId: null, expiresAt } as const;
    return { kind: "known", principal, rate: this.#count(keyId, plan, now) };
  }

  #standingOf(
    key: Pick<StoredKey, "id" | "expiresAt">,
    now: number,
  ): (Problem & { details: { reason: string } }) | null {
    if (key.expiresAt !== null && key.expiresAt <= now) {
      return {
        code: "unauthorized",
        message: `This API key expired at ${new Date(key.expiresAt).toISOString()}. Create another.`,
        details: { reason: "expired_key" },
      };
    }
    return this.#parts.settings.active ? null : CLOSED;
  }

  #count(keyId: string, { requestsPerMinute }: Plan, now: number): RateDecision {
    const { window, decision } = countRequest(this.#rateWindows.get(keyId), requestsPerMinute, now);
    this.#rateWindows.set(keyId, window);
    if (this.#rateWindows.size > RATE_WINDOWS) {
      for (const [id, other] of this.#rateWindows) {
        if (!isOpen(other, now)) {
          this.#rateWindows.delete(id);
        }
      }
    }
    return decision;
  }
}

export const CLOSED = {
  code: "forbidden",
  message: "This account is suspended, or being deleted. Ask the operator of this server.",
  details: { reason: "account_not_active" },
} as const satisfies Problem;
const UNKNOWN_KEY: Problem = { code: "unauthorized", message: "This API key is not known." };
