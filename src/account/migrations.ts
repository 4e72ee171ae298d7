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
  `ALTER TABLE session ADD COLUMN one_shot INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE settings (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     value TEXT NOT NULL
   ) STRICT;
   CREATE TABLE api_key (
     id TEXT PRIMARY KEY,
     digest BLOB NOT NULL UNIQUE,
     name TEXT,
     scopes TEXT NOT NULL,
     session_id TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     last_used_at INTEGER
   ) STRICT;`,
  // `types`: null for all. A delivery's `body` is the event's, which may be forgotten before the delivery is.
  `CREATE TABLE event (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     type TEXT NOT NULL,
     at INTEGER NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE TABLE webhook (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     types TEXT,
     secret TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     failing_since INTEGER,
     failures INTEGER NOT NULL DEFAULT 0,
     disabled_reason TEXT
   ) STRICT;
   CREATE TABLE delivery (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     webhook_id TEXT NOT NULL,
     event_id TEXT NOT NULL,
     type TEXT NOT NULL,
     body TEXT NOT NULL,
     status TEXT NOT NULL,
     round INTEGER NOT NULL DEFAULT 0,
     attempts INTEGER NOT NULL DEFAULT 0,
     tries INTEGER NOT NULL DEFAULT 0,
     response_status INTEGER,
     duration_ms INTEGER,
     error TEXT,
     created_at INTEGER NOT NULL,
     last_attempt_at INTEGER,
     next_attempt_at INTEGER,
     UNIQUE (event_id, webhook_id)
   ) STRICT;
   CREATE INDEX delivery_of_webhook ON delivery (webhook_id, seq DESC);
   CREATE INDEX delivery_due ON delivery (next_attempt_at) WHERE status = 'pending';`,
  // `current` null: the session is deleted.
  `CREATE TABLE usage_session (
     id TEXT PRIMARY KEY,
     one_shot INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     current TEXT,
     until INTEGER NOT NULL,
     active_ms REAL NOT NULL,
     executions INTEGER NOT NULL,
     pending INTEGER NOT NULL,
     reported_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX usage_session_live ON usage_session (id) WHERE current IS NOT NULL;
   CREATE INDEX usage_session_pending ON usage_session (pending) WHERE pending > 0;
   CREATE TABLE usage_day (
     day TEXT NOT NULL,
     session_id TEXT NOT NULL,
     one_shot INTEGER NOT NULL,
     active_ms REAL NOT NULL,
     idle_ms REAL NOT NULL,
     asleep_ms REAL NOT NULL,
     vcpu_ms REAL NOT NULL,
     gib_ms REAL NOT NULL,
     stored_gib_ms REAL NOT NULL,
     egress_bytes REAL NOT NULL,
     executions REAL NOT NULL,
     PRIMARY KEY (day, session_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE usage_account (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     active_ms REAL NOT NULL,
     executions INTEGER NOT NULL,
     budget TEXT,
     told INTEGER NOT NULL
   ) STRICT;
   INSERT INTO usage_account (id, active_ms, executions, told) VALUES (1, 0, 0, 0);`,
  // What a search looks at, in lower case. Those that were there had nothing but names, which are ASCII.
  `ALTER TABLE session ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
   UPDATE session SET search_text = lower(coalesce(name, ''));`,
  // What tokens of runs are signed with.
  `CREATE TABLE run_secret (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     value BLOB NOT NULL
   ) STRICT;`,
];
