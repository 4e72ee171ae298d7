// What the rest of the Worker may ask of an account's object.
import type {
  AccountStatus,
  CreateKey,
  KeyList,
  NewKey,
  OwnAccount,
  OwnLimits,
  PlanName,
  Scope,
} from "../contract/account.ts";
import type { Problem } from "../contract/errors.ts";
import type { Plan } from "../contract/limits.ts";
import type { RunGrant, RunToken } from "../contract/run-token.ts";
import type { Session } from "../contract/session.ts";
import type { Budget, UsageReport } from "../contract/usage.ts";
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";
import type { EventsRpc } from "./events-rpc.ts";
import type { RateDecision } from "../lib/rate-limit.ts";
import type { AccountBudget, MeterReport, UsageRange } from "./usage-rpc.ts";

export type { AccountBudget, MeterReport, UsageRange } from "./usage-rpc.ts";

export interface SessionQuery {
  readonly limit: number;
  readonly offset: number;
  readonly state?: Session["state"] | undefined;
  /** Top-level keys of `metadata` and the text of their values. */
  readonly metadata: Readonly<Record<string, string>>;
  /** It has all of them. */
  readonly tags: readonly string[];
  /** Each of its words is in the name, the description or a tag, in whatever case. */
  readonly q: string;
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

/** What a request shows of itself. */
export type Credential =
  /** SHA-256 of the text of a key: that itself goes no further than the front door. */
  | { readonly kind: "key"; readonly digest: Uint8Array }
  /** The development account's own key, which the front door has compared. `plan`: as the operator has set it. */
  | { readonly kind: "own"; readonly plan: Plan }
  /** What a run of code was lent, for the account's storage and nothing else. */
  | { readonly kind: "run"; readonly token: RunToken };

/** Who is asking, as far as one request goes: it is asked for anew with every request. */
export interface Principal {
  readonly accountId: string;
  /** Names the key within the account, without telling it. */
  readonly keyId: string;
  readonly plan: Plan;
  readonly scopes: readonly (Scope | "operator")[];
  /** The only session that the key opens; null: all of the account. */
  readonly sessionId: string | null;
  /** Milliseconds since the epoch. Null: it does not expire. */
  readonly expiresAt: number | null;
}

export type Admission =
  /** `rate.allowed` false: the key is good, and has asked too often. */
  | { readonly kind: "known"; readonly principal: Principal; readonly rate: RateDecision }
  | { readonly kind: "refused"; readonly problem: Problem };

/** What an account is, apart from what it owns. */
export interface AccountSettings {
  readonly id: string;
  readonly name: string;
  readonly plan: PlanName;
  /** Of an enterprise account; empty otherwise. */
  readonly limits: OwnLimits;
  readonly status: AccountStatus;
  /** Of all its sessions together. */
  readonly budget: Budget | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** `actor`: `operator`, or the id of the key that asks. */
export interface By {
  readonly actor: string;
}

export interface PreviewPolicy {
  readonly perMinute: number;
  /** The account is active. */
  readonly open: boolean;
}

export interface AccountRpc extends EventsRpc {
  /** Checks a key and counts the request. A wrong key and an account that does not exist are refused alike. */
  admit(credential: Credential): Promise<Admission>;
  /** Tells the audit log that a good key was refused, `reason` being why. Not for every single time. */
  noteRefusal(keyId: string, reason: string): Promise<void>;
  /** A token for a run of code, good for the account's storage alone, as long as the grant says. Null: the account is closed. */
  lendToRun(grant: RunGrant): Promise<string | null>;
  /** What its owner sees of it. `not_found`: it was deleted just now. */
  describe(): Promise<Result<OwnAccount>>;
  /** What previews of this account's sessions may do. */
  previewPolicy(): Promise<PreviewPolicy>;
  /** Makes the account, or changes what it is. Idempotent. */
  configure(settings: AccountSettings): Promise<void>;
  /** `conflict` where the account has all the keys that it may have. `sessionId` is an id here. */
  createKey(key: CreateKey, by: By): Promise<Result<NewKey>>;
  keys(paging: { readonly limit: number; readonly offset: number }): Promise<KeyList>;
  revokeKey(keyId: string, by: By): Promise<Result<{ deleted: true; id: string }>>;
  rotateKey(keyId: string, by: By): Promise<Result<NewKey>>;
  /** Removes a portion of what the account owns; true once nothing is left of it. To be asked until then. */
  erase(): Promise<boolean>;
  /**
   * Enters a session or changes its entry. `conflict` when another one has the name, `session_limit_exceeded` when the
   * account has as many as its plan allows. `state` is of one that is new; of others it is noted.
   */
  enter(record: SessionRecord, state: Session["state"]): Promise<Result<null>>;
  /** Notes the state of a session that was entered. */
  note(sessionId: string, state: Session["state"]): Promise<void>;
  /** Takes a session out and frees its name. One that is not there is fine. */
  release(sessionId: string): Promise<void>;
  /** The id of the session that has a name. */
  find(name: string): Promise<string | null>;
  /** Newest first. */
  list(query: SessionQuery): Promise<SessionPage>;
  /** To be asked before a call with an `Idempotency-Key` runs. Waits for one with the same key that is running. */
  begin(call: KeyedCall): Promise<Begun>;
  /**
   * Takes what a session has used. With `reserve`, the last of its pending executions begins only if `refused` is null.
   * Null: the account has no budget.
   */
  meter(report: MeterReport, options: { readonly reserve: boolean }): Promise<AccountBudget | null>;
  usage(range: UsageRange): Promise<UsageReport>;
}

export function accountOf(env: Env, accountId: string): AccountRpc {
  const stub: unknown = env.ACCOUNT.getByName(accountId);
  // SAFETY: account/object.ts has these methods. The generated RPC types give up on what metadata may hold.
  return stub as AccountRpc;
}
