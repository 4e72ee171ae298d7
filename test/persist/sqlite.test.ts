import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { SQLiteSessionPersistDriver } from "../../src/sdk/persist/index.ts";
import { behaves } from "./behaviour.ts";
import { startInBun } from "./bun-sqlite.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";

/** A file that is there for one test. */
function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "buntime-persist-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "agents.db");
}

function opened<T extends { close(): unknown }>(database: T): T {
  onTestFinished(() => void database.close());
  return database;
}

behaves("node:sqlite", () => {
  const file = newFile();
  const open = (): SQLiteSessionPersistDriver =>
    new SQLiteSessionPersistDriver(opened(new DatabaseSync(file, { timeout: 20_000 })));
  return { driver: open(), again: open };
});

behaves(
  "bun:sqlite",
  async () => {
    const file = newFile();
    const open = async (): Promise<ReturnType<typeof startInBun>["driver"]> => {
      const bun = startInBun(file);
      onTestFinished(() => bun.end());
      return bun.driver;
    };
    return { driver: await open(), again: open };
  },
  { runs: 5 },
);

describe("the driver's tables", () => {
  test("lie in a database beside its owner's, whose version stays", async () => {
    const database = opened(new DatabaseSync(":memory:"));
    database.exec("PRAGMA user_version = 7; CREATE TABLE sessions (id); INSERT INTO sessions VALUES ('mine')");
    await new SQLiteSessionPersistDriver(database).updateSession(aRecord("s"));
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 7 });
    expect(database.prepare("SELECT id FROM sessions").all()).toEqual([{ id: "mine" }]);
  });

  test("hold what was committed when the database is opened again", async () => {
    const file = newFile();
    const first = new DatabaseSync(file);
    const driver = new SQLiteSessionPersistDriver(first);
    const event = anEvent("s", 1);
    await driver.updateSession(aRecord("s"));
    await driver.insertEvent("s", event);
    first.close();
    const later = new SQLiteSessionPersistDriver(opened(new DatabaseSync(file)));
    expect([await allSessions(later), await allEvents(later, "s")]).toEqual([[aRecord("s")], [event]]);
  });

  test("are read alike where the database gives its whole numbers as BigInts", async () => {
    const file = newFile();
    const open = (): SQLiteSessionPersistDriver =>
      new SQLiteSessionPersistDriver(opened(new DatabaseSync(file, { readBigInts: true })));
    const [first, second, late] = [anEvent("s", 1), anEvent("s", 2 ** 52), anEvent("s", 1)];
    await open().insertEvent("s", first);
    const later = open();
    await later.updateSession(aRecord("s"));
    for (const event of [first, second, late]) await later.insertEvent("s", event);
    expect(await allSessions(later)).toEqual([aRecord("s")]);
    expect(await allEvents(later, "s", 1)).toStrictEqual([first, second, { ...late, eventIndex: 2 ** 52 + 1 }]);
  });

  test("of a later version are left alone, with an error that says so", () => {
    const database = opened(new DatabaseSync(":memory:"));
    expect(new SQLiteSessionPersistDriver(database)).toBeDefined();
    database.exec("UPDATE agent_persist SET version = 99");
    expect(() => new SQLiteSessionPersistDriver(database)).toThrow(/version 99.*Update buntime/);
    expect(database.prepare("SELECT version FROM agent_persist").all()).toEqual([{ version: 99 }]);
  });

  test("are made as a whole or not at all", () => {
    const database = opened(new DatabaseSync(":memory:"));
    database.exec("CREATE TABLE agent_events (theirs)");
    expect(() => new SQLiteSessionPersistDriver(database)).toThrow(/agent_events already exists/);
    expect(database.prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "agent_events" }]);
  });

  test("can be read and queried by their names", async () => {
    const database = opened(new DatabaseSync(":memory:"));
    const driver = new SQLiteSessionPersistDriver(database);
    await driver.insertEvent("s", anEvent("s", 1));
    await driver.insertEvent("s", anEvent("s", 2));
    const rows = database.prepare("SELECT event_index FROM agent_events WHERE sender = 'agent'").all();
    expect(rows).toEqual([{ event_index: 2 }]);
  });
});
