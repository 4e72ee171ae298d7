// Names of sessions in KV, so that a name is resolved at the edge. Only a hint: it may be late or stale, so the session
// object confirms its name, and the account's object knows the truth. Entries expire with their session.

/** KV takes no shorter life than this. */
const TTL_SECONDS_MIN = 60;

const keyOf = (accountId: string, name: string): string => `name/${accountId}/${name}`;

export function findName(directory: KVNamespace, accountId: string, name: string): Promise<string | null> {
  return directory.get(keyOf(accountId, name));
}

/** `expiresAt` in milliseconds since the epoch. */
export async function rememberName(
  directory: KVNamespace,
  entry: { readonly accountId: string; readonly name: string; readonly sessionId: string; readonly expiresAt: number },
  now: number,
): Promise<void> {
  const expirationTtl = Math.max(TTL_SECONDS_MIN, Math.ceil((entry.expiresAt - now) / 1000));
  await directory.put(keyOf(entry.accountId, entry.name), entry.sessionId, { expirationTtl });
}

export async function forgetName(directory: KVNamespace, accountId: string, name: string): Promise<void> {
  await directory.delete(keyOf(accountId, name));
}
