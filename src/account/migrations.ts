// The schema of an account's database, one step per entry: never change one that was released, add another.

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY,
     name TEXT UNIQUE,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX session_by_age ON session (created_at DESC, id DESC);`,
];
