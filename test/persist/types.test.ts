// What TypeScript makes of the drivers beside the package that they are for, and the databases that they take.
import type { DatabaseSync } from "node:sqlite";
import type BetterSqlite3 from "better-sqlite3";
import type { Client, Pool, PoolClient } from "pg";
import type * as theirs from "sandbox-agent";
import { describe, expectTypeOf, test } from "vitest";
import type * as ours from "../../src/sdk/persist/index.ts";

describe("the types of the drivers", () => {
  test("are those that the client takes, each of them", () => {
    expectTypeOf<ours.SessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.InMemorySessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.IndexedDbSessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.SQLiteSessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.PostgresSessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.RivetSessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<ours.BuntimeSessionPersistDriver>().toExtend<theirs.SessionPersistDriver>();
    expectTypeOf<theirs.SessionPersistDriver>().toExtend<ours.SessionPersistDriver>();
  });

  test("have the fields of its records and events, all of them and no other", () => {
    expectTypeOf<keyof ours.SessionRecord>().toEqualTypeOf<keyof theirs.SessionRecord>();
    expectTypeOf<keyof ours.SessionEvent>().toEqualTypeOf<keyof theirs.SessionEvent>();
    expectTypeOf<ours.SessionRecord>().toExtend<theirs.SessionRecord>();
    expectTypeOf<theirs.SessionRecord>().toExtend<ours.SessionRecord>();
    expectTypeOf<ours.SessionEvent>().toExtend<theirs.SessionEvent>();
    expectTypeOf<theirs.SessionEvent>().toExtend<ours.SessionEvent>();
  });

  test("take the databases of libraries, and of pg what queries", () => {
    expectTypeOf<DatabaseSync>().toExtend<ours.SqliteDatabase>();
    expectTypeOf<BetterSqlite3.Database>().toExtend<ours.SqliteDatabase>();
    expectTypeOf<Pool>().toExtend<ours.PostgresPool>();
    expectTypeOf<Client>().toExtend<ours.PostgresPool>();
    expectTypeOf<PoolClient>().toExtend<ours.PostgresPool>();
  });
});
