// The text of a run's token: what code of a session opens the storage of its account with while it runs. It names its
// account and says for whom and until when it is good, and its account's object has signed that. Pure.
import { accountOfPart, partOfAccount } from "./ids.ts";

/** `btr_`, 20 of the account's id, 20 of the session's, 9 for the time, 64 for the signature. */
const RUN_TOKEN = /^(btr_([0-9a-z]{20})([0-9a-z]{20})([0-9a-z]{9}))([0-9a-f]{64})$/;
const NO_SESSION = "0".repeat(20);
const TIME_CHARACTERS = 9;
const TIME_BASE = 36;

export interface RunGrant {
  /** It ends with this session; null: the run has a session of its own, that nobody else knows. */
  readonly sessionId: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface RunToken extends RunGrant {
  readonly signed: string;
  readonly signature: string;
}

/** What is to be signed: the token without its signature. */
export function unsignedRunToken(accountId: string, { sessionId, expiresAt }: RunGrant): string {
  const session = sessionId === null ? NO_SESSION : sessionId.slice("ses_".length);
  return `btr_${partOfAccount(accountId)}${session}${expiresAt.toString(TIME_BASE).padStart(TIME_CHARACTERS, "0")}`;
}

/** Null where it has not the shape of one. Nothing in it is to be believed before its signature was looked at. */
export function parseRunToken(text: string): { readonly accountId: string; readonly token: RunToken } | null {
  const [, signed, account, session, time, signature] = RUN_TOKEN.exec(text) ?? [];
  if (!signed || !account || !session || !time || !signature) {
    return null;
  }
  const sessionId = session === NO_SESSION ? null : `ses_${session}`;
  const expiresAt = Number.parseInt(time, TIME_BASE);
  return { accountId: accountOfPart(account), token: { sessionId, expiresAt, signed, signature } };
}
