// The objects of the storage, by their names.
import type { Env } from "../env.ts";
import type { SqlDatabaseRpc, StorageRpc } from "./storage.ts";

export function storageOf(env: Env, accountId: string): StorageRpc {
  const stub: unknown = env.STORAGE.getByName(accountId);
  // SAFETY: object.ts has these methods. The generated RPC types give up on what a row may hold.
  return stub as StorageRpc;
}

export function sqlDatabaseOf(env: Env, accountId: string, namespace: string): SqlDatabaseRpc {
  const stub: unknown = env.SQL_DATABASE.getByName(`${accountId}/${namespace}`);
  // SAFETY: sql-database.ts has these methods.
  return stub as SqlDatabaseRpc;
}
