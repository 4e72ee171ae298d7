// Calls with an idempotency key: one of them works, the others wait and get its answer. Who works is known in memory
// only: when this object or that Worker is lost, the next call takes over with the ids that were reserved.
import { RpcTarget } from "cloudflare:workers";
import { newId, SESSION_ID } from "../contract/ids.ts";
import { IDEMPOTENCY_BYTES, IDEMPOTENCY_KEYS, IDEMPOTENCY_LEASE_MS } from "../contract/limits.ts";
import type { Problem } from "../contract/errors.ts";
import { within } from "../lib/within.ts";
import { stepOf } from "./idempotency-step.ts";
import type { AccountAlarm } from "./alarm.ts";
import type { IdempotencyStore } from "./idempotency-store.ts";
import type { Begun, CallLease, KeptAnswer, KeyedCall } from "./rpc.ts";

/** Between two alarms at the least: what is past its time is not replayed, whether it was removed or not. */
const EXPIRY_PAUSE_MS = 60 * 60 * 1000;

export class Idempotency {
  readonly #store: IdempotencyStore;
  readonly #alarm: AccountAlarm;
  readonly #findSession: (name: string) => string | null;
  readonly #held = new Map<string, Lease>();

  constructor(
    store: IdempotencyStore,
    parts: { readonly alarm: AccountAlarm; readonly findSession: (name: string) => string | null },
  ) {
    this.#store = store;
    this.#alarm = parts.alarm;
    this.#findSession = parts.findSession;
  }

  /** See AccountRpc. */
  async begin(call: KeyedCall): Promise<Begun> {
    for (;;) {
      const now = Date.now();
      const known = this.#store.find(call.key);
      const held = this.#held.get(call.key);
      switch (stepOf(known, held?.until ?? null, call.fingerprint, now)) {
        case "first":
          return this.#first(call, now);
        case "conflict":
          return { kind: "refused", problem: conflict(call.key) };
        case "replay":
          if (known !== null) {
            return { kind: "replay", ids: known.ids, answer: this.#store.answer(call.key) };
          }
          break;
        case "again":
          if (known !== null) {
            const { ids, startedAt } = known;
            return { kind: "run", ids, startedAt, again: true, lease: this.#lease(call.key, now) };
          }
          break;
        case "wait":
          // Given up when the lease ends: then it counts as lost.
          await (held === undefined ? null : within(held.ended, held.until - now).catch(() => {}));
          break;
      }
    }
  }

  /** Removes what was kept long enough; gives when to come again, or null. */
  expire(now: number): number | null {
    const next = this.#store.expire(now);
    return next === null ? null : Math.max(next, now + EXPIRY_PAUSE_MS);
  }

  async #first(call: KeyedCall, startedAt: number): Promise<Begun> {
    this.#store.forget(call.key);
    const full = this.#full(startedAt);
    if (full !== null) {
      return { kind: "refused", problem: full };
    }
    const ids = { sessionId: this.#sessionId(call.session), executionId: newId("exe") };
    this.#store.reserve(call.key, { fingerprint: call.fingerprint, startedAt, ids });
    const lease = this.#lease(call.key, startedAt);
    await this.#alarm.by(this.#store.nextExpiry() ?? startedAt);
    return { kind: "run", ids, startedAt, again: false, lease };
  }

  /** A name is looked up now: were it given to another session later, the call would still belong to this one. */
  #sessionId(session: string | null): string {
    if (session === null) {
      return newId("ses");
    }
    return SESSION_ID.test(session) ? session : (this.#findSession(session) ?? newId("ses"));
  }

  #full(now: number): Problem | null {
    const { keys, bytes } = this.#store.totals();
    if (keys < IDEMPOTENCY_KEYS && bytes < IDEMPOTENCY_BYTES) {
      return null;
    }
    const retryAfterSeconds = Math.max(1, Math.ceil(((this.#store.nextExpiry() ?? now) - now) / 1000));
    return {
      code: "rate_limit_exceeded",
      message:
        `This account has used ${keys} idempotency keys within 24 hours, whose answers take ${bytes} bytes, and that is ` +
        `all that is kept. Send the call without a key, or in ${retryAfterSeconds} s.`,
      details: { keysMax: IDEMPOTENCY_KEYS, bytesMax: IDEMPOTENCY_BYTES, retryAfterSeconds },
    };
  }

  #lease(key: string, now: number): CallLease {
    const lease = new Lease(now + IDEMPOTENCY_LEASE_MS, {
      isHeld: () => this.#held.get(key) === lease,
      keep: (answer) => this.#store.keep(key, answer),
      forget: () => this.#store.forget(key),
      ended: () => this.#held.delete(key),
    });
    this.#held.set(key, lease);
    return lease;
  }
}

interface LeaseParts {
  /** False when another call has taken the key over: what this one says then does not count. */
  readonly isHeld: () => boolean;
  readonly keep: (answer: KeptAnswer) => void;
  readonly forget: () => void;
  readonly ended: () => void;
}

/** Its dispose is called by the platform, too, when the Worker that holds it is gone. */
class Lease extends RpcTarget implements CallLease {
  readonly until: number;
  /** Resolves when nobody holds it any longer. */
  readonly ended: Promise<void>;
  readonly #parts: LeaseParts;
  readonly #end: () => void;

  constructor(until: number, parts: LeaseParts) {
    super();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.until = until;
    this.ended = promise;
    this.#end = resolve;
    this.#parts = parts;
  }

  keep(answer: KeptAnswer): Promise<void> {
    this.#settle(() => this.#parts.keep(answer));
    return Promise.resolve();
  }

  forget(): Promise<void> {
    this.#settle(() => this.#parts.forget());
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.#settle(() => {});
  }

  #settle(write: () => void): void {
    if (this.#parts.isHeld()) {
      write();
      this.#parts.ended();
      this.#end();
    }
  }
}

function conflict(key: string): Problem {
  return {
    code: "conflict",
    message: `The Idempotency-Key ${key} was used for another call within 24 hours. Give every call a key of its own.`,
    details: { idempotencyKey: key },
  };
}
