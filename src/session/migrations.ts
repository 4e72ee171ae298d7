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
  // Of an event, `seq` is its thread and its index there, see history/rows.ts. Words are kept without the texts they are of.
  `CREATE TABLE thread (
     key INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     last_index INTEGER NOT NULL DEFAULT 0,
     events INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX thread_by_age ON thread (created_at, id);
   CREATE TABLE thread_record (
     thread INTEGER PRIMARY KEY,
     record TEXT NOT NULL
   ) STRICT;
   CREATE TABLE event (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     type TEXT NOT NULL,
     sender TEXT NOT NULL,
     connection_id TEXT,
     created_at INTEGER NOT NULL,
     payload TEXT NOT NULL
   ) STRICT;
   CREATE INDEX event_by_type ON event (type);
   CREATE INDEX event_by_sender ON event (sender);
   CREATE VIRTUAL TABLE event_text USING fts5(text, content='', contentless_delete=1);`,
  `ALTER TABLE run ADD COLUMN internet INTEGER NOT NULL DEFAULT 1;`,
];
