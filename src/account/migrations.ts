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
  // Without a `status` nobody knows an answer yet.
  `CREATE TABLE idempotency (
     key TEXT PRIMARY KEY,
     fingerprint TEXT NOT NULL,
     started_at INTEGER NOT NULL,
     ids TEXT NOT NULL,
     status INTEGER,
     last_seq INTEGER,
     size INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX idempotency_by_age ON idempotency (started_at);
   CREATE TABLE idempotency_part (
     key TEXT NOT NULL,
     seq INTEGER NOT NULL,
     chunk BLOB NOT NULL,
     PRIMARY KEY (key, seq)
   ) STRICT;`,
  `ALTER TABLE session ADD COLUMN state TEXT NOT NULL DEFAULT 'active';`,
];
