// What the rest of the Worker may ask of an account's object.
import type { Env } from "../env.ts";
import type { Result } from "../lib/result.ts";
import type { SessionRecord } from "../session/record.ts";

export interface SessionQuery {
  readonly limit: number;
  readonly offset: number;
  readonly state?: string | undefined;
  /** Top-level keys of `metadata` and the text of their values. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SessionPage {
  readonly records: readonly SessionRecord[];
  readonly total: number;
}

export interface AccountRpc {
  /** Enters a session or changes its entry. `conflict` when another one has the name. */
  enter(record: SessionRecord): Promise<Result<null>>;
  /** Takes a session out and frees its name. One that is not there is fine. */
  release(sessionId: string): Promise<void>;
  /** The id of the session that has a name. */
  find(name: string): Promise<string | null>;
  /** Newest first. */
  list(query: SessionQuery): Promise<SessionPage>;
}

export function accountOf(env: Env, accountId: string): AccountRpc {
  const stub: unknown = env.ACCOUNT.getByName(accountId);
  // SAFETY: account/object.ts has these methods. The generated RPC types give up on what metadata may hold.
  return stub as AccountRpc;
}
