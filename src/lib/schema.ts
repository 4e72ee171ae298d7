// Brings a SQLite database to the newest schema. The version is a row: Durable Objects refuse PRAGMA user_version.

/** Whether any schema was ever applied. Writes nothing, so that asking about an id that does not exist costs nothing. */
export function hasSchema(storage: DurableObjectStorage): boolean {
  return (
    storage.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").toArray().length >
    0
  );
}

/** Applies the migrations that are missing, all or none. */
export function migrate(storage: DurableObjectStorage, migrations: readonly string[]): void {
  storage.transactionSync(() => {
    const { sql } = storage;
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
    const row = sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray()[0];
    const version = row?.version ?? 0;
    for (const migration of migrations.slice(version)) {
      sql.exec(migration);
    }
    if (version !== migrations.length) {
      sql.exec("DELETE FROM schema_version");
      sql.exec("INSERT INTO schema_version (version) VALUES (?)", migrations.length);
    }
  });
}
