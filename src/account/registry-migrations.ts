// The schema of the registry's database, one step per entry: never change one that was released, add another.

export const REGISTRY_MIGRATIONS: readonly string[] = [
  // `told`: the account's own object knows of the latest change.
  `CREATE TABLE account (
     id TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     status TEXT NOT NULL,
     told INTEGER NOT NULL DEFAULT 0,
     settings TEXT NOT NULL
   ) STRICT;
   CREATE INDEX account_by_age ON account (created_at DESC, id DESC);
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     at INTEGER NOT NULL,
     account_id TEXT,
     action TEXT NOT NULL,
     actor TEXT,
     details TEXT NOT NULL
   ) STRICT;
   CREATE INDEX audit_by_account ON audit (account_id, seq DESC);
   CREATE INDEX audit_by_age ON audit (at);`,
];
