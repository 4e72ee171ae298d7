// The schema of a session's own database, one step per entry: never change one that was released, add another.

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE session (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     record TEXT NOT NULL,
     state TEXT NOT NULL,
     last_active INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE run (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     id TEXT NOT NULL,
     token TEXT NOT NULL
   ) STRICT;
   CREATE TABLE lost_execution (
     id TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     record TEXT NOT NULL
   ) STRICT;`,
  `ALTER TABLE run ADD COLUMN prepared INTEGER NOT NULL DEFAULT 1;
   CREATE TABLE fact (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) STRICT;
   UPDATE session SET
     record = json_set(record, '$.repositoryId', json_extract(record, '$.id'), '$.services', json('[]')),
     state = json_set(state, '$.idleAt', 0, '$.saveAt', json('null'), '$.unsavedSince', json('null'));`,
  `CREATE TABLE preview_token (
     id TEXT PRIMARY KEY,
     hash BLOB NOT NULL,
     port INTEGER NOT NULL,
     label TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT;`,
];
