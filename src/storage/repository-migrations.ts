// The schema of a repository's own database, one step per entry: never change one that was released, add another.

export const MIGRATIONS: readonly string[] = [
  // repository: which one it is, and when its part of the bucket is swept next.
  // snapshot: `sequence` is the order in which they were asked for, whatever the clocks say.
  // object: what snapshots need, and for a while what they no longer do (`unneeded_at`). `checked_at`: last read back
  //   and found right; `check_at`: to be read next.
  // doomed: keys below the repository's prefix whose deletion is decided and not yet confirmed.
  // pin: an upload that is under way. removed: sessions that must not come back.
  `CREATE TABLE repository (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     id TEXT NOT NULL,
     sweep_at INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE snapshot (
     sequence INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     label TEXT,
     reason TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     root TEXT NOT NULL,
     tree_hash TEXT NOT NULL,
     files INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     stored_bytes INTEGER NOT NULL,
     skipped TEXT NOT NULL,
     skipped_count INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX snapshot_by_session ON snapshot (session_id, sequence);
   CREATE TABLE object (
     digest TEXT PRIMARY KEY,
     size_bytes INTEGER NOT NULL,
     unneeded_at INTEGER,
     checked_at INTEGER,
     check_at INTEGER NOT NULL,
     damaged TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX object_unneeded ON object (unneeded_at) WHERE unneeded_at IS NOT NULL;
   CREATE INDEX object_to_check ON object (check_at) WHERE unneeded_at IS NULL;
   CREATE INDEX object_damaged ON object (digest) WHERE damaged IS NOT NULL;
   CREATE TABLE need (
     sequence INTEGER NOT NULL,
     digest TEXT NOT NULL,
     PRIMARY KEY (sequence, digest)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX need_by_digest ON need (digest);
   CREATE TABLE doomed (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
   CREATE TABLE pin (session_id TEXT PRIMARY KEY, began_at INTEGER NOT NULL) STRICT;
   CREATE TABLE removed (session_id TEXT PRIMARY KEY, removed_at INTEGER NOT NULL) STRICT;`,
];
