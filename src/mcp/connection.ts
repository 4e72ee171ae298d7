// What the requests of one client have in common. Nothing is stored: the id that a client is given names the session that
// its tools use, and can be checked against the account that it was made for.
import { randomText } from "../contract/ids.ts";

/** Who is asking, as the front door has found. */
export interface Caller {
  readonly accountId: string;
  readonly keyId: string;
  /** The only session that the key opens; null: all of the account. */
  readonly sessionId: string | null;
}

/** The session that a tool uses where its call names none. */
export interface DefaultSession {
  /** Id or name. */
  readonly ref: string;
  /** It is made when it is not there. */
  readonly made: boolean;
}

const NAME_LENGTH = 20;
const CHECK_LENGTH = 16;
const CONNECTION_ID = new RegExp(`^mcp_([0-9a-z]{${NAME_LENGTH}})_([0-9a-f]{${CHECK_LENGTH}})$`);

/** A new `Mcp-Session-Id`. */
export async function newConnectionId({ accountId }: Caller): Promise<string> {
  const name = randomText(NAME_LENGTH);
  return `mcp_${name}_${await checkOf(accountId, name)}`;
}

/** The name of the session that belongs to a connection; null where this account was never given that id. */
export async function sessionOfConnection({ accountId }: Caller, connectionId: string): Promise<string | null> {
  const [, name, check] = CONNECTION_ID.exec(connectionId) ?? [];
  return name !== undefined && check === (await checkOf(accountId, name)) ? `mcp-${name}` : null;
}

/** For clients that have no connection, as those of 2026-07-28: one for each key and program. */
export async function sessionOfClient({ keyId }: Caller, clientName: string): Promise<string> {
  return `mcp-${(await digest(`${keyId}\n${clientName}`)).slice(0, NAME_LENGTH)}`;
}

/** Keeps no secret: a foreign id would only open a session of one's own, and this way it opens none. */
async function checkOf(accountId: string, name: string): Promise<string> {
  return (await digest(`${accountId}\n${name}`)).slice(0, CHECK_LENGTH);
}

async function digest(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}
