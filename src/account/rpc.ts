// What the rest of the Worker may ask of an account's object.
import type { Problem } from "../contract/errors.ts";
import type { Session } from "../contract/session.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import type { RateDecision } from "./rate-limit.ts";

export interface SessionQuery {
  readonly limit: number;
  readonly offset: number;
  readonly state?: Session["state"] | undefined;
  /** Top-level keys of `metadata` and the text of their values. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SessionPage {
  readonly sessions: readonly { readonly record: SessionRecord; readonly state: Session["state"] }[];
  readonly total: number;
}

/** Made before anything runs, and the same however often the call is sent. */
export interface ReservedIds {
  /** Of the session that the call names, or of the one that it may create. */
  readonly sessionId: string;
  readonly executionId: string;
}

export interface KeyedCall {
  /** The `Idempotency-Key`. */
  readonly key: string;
  /** Operation and input, as a digest: the same key with another one is a conflict. */
  readonly fingerprint: string;
  /** Id or name of the session that the call runs in; null where it has none. */
  readonly session: string | null;
}

export interface KeptAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: Uint8Array;
  /** It was streamed, `body` is the data of the last event, and this is the number of the output before it. */
  readonly lastSeq: number | null;
}

/**
 * Held by the one call that works on a key; others with the key wait for it. Dropped with the Worker that holds it, or
 * by dispose: without an answer, the next call has to find out what became of this one.
 */
export interface CallLease {
  /** Keeps the answer for later calls. */
  keep(answer: KeptAnswer): Promise<void>;
  /** Nothing has happened: the key is as if it had never been used. */
  forget(): Promise<void>;
  [Symbol.dispose](): void;
}

export type Begun =
  | {
      readonly kind: "run";
      readonly ids: ReservedIds;
      readonly lease: CallLease;
      /** Of the first call with this key, in milliseconds since the epoch. */
      readonly startedAt: number;
      /** Such a call was made before, and its answer is not known. */
      readonly again: boolean;
    }
  | { readonly kind: "replay"; readonly ids: ReservedIds; readonly answer: KeptAnswer }
  | { readonly kind: "refused"; readonly problem: Problem };

export interface AccountRpc {
  /** Enters a session or changes its entry. `conflict` when another one has the name. */
  enter(record: SessionRecord): Promise<Result<null>>;
  /** Notes the state of a session that was entered. */
  note(sessionId: string, state: Session["state"]): Promise<void>;
  /** Takes a session out and frees its name. One that is not there is fine. */
  release(sessionId: string): Promise<void>;
  /** The id of the session that has a name. */
  find(name: string): Promise<string | null>;
  /** Newest first. */
  list(query: SessionQuery): Promise<SessionPage>;
  /** Counts a request of a key, against what its plan allows. */
  countRequest(keyId: string, limit: number): Promise<RateDecision>;
  /** To be asked before a call with an `Idempotency-Key` runs. Waits for one with the same key that is running. */
  begin(call: KeyedCall): Promise<Begun>;
}

export function accountOf(env: Env, accountId: string): AccountRpc {
  const stub: unknown = env.ACCOUNT.getByName(accountId);
  // SAFETY: account/object.ts has these methods. The generated RPC types give up on what metadata may hold.
  return stub as AccountRpc;
}
