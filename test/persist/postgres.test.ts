import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { PostgresSessionPersistDriver } from "../../src/sdk/persist/index.ts";
import { behaves } from "./behaviour.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";
import { HAS_POSTGRES, startPostgres } from "./postgres-server.ts";
import type { PostgresServer } from "./postgres-server.ts";

describe.skipIf(!HAS_POSTGRES)("on a Postgres server", () => {
  let server: PostgresServer;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = poolOf("postgres");
    return async () => {
      await pool.end();
      await server.stop();
    };
  });

  const poolOf = (user: string, isolation = "read committed"): Pool => {
    const options = `-c default_transaction_isolation=${isolation.replaceAll(" ", "\\ ")}`;
    return new Pool({ host: server.host, user, database: "postgres", max: 5, options });
  };

  const newSchema = (): string => `s${randomUUID().replaceAll("-", "")}`;

  const rows = async (sql: string): Promise<unknown[]> => (await pool.query(sql)).rows;

  behaves("the driver for it", () => {
    const schema = newSchema();
    return {
      driver: new PostgresSessionPersistDriver(pool, { schema }),
      again: () => new PostgresSessionPersistDriver(pool, { schema }),
    };
  });

  test("tables are made once, by however many begin at the same time", async () => {
    const schema = newSchema();
    const drivers = Array.from({ length: 10 }, () => new PostgresSessionPersistDriver(pool, { schema }));
    await Promise.all(drivers.map((driver, at) => driver.updateSession(aRecord(`s${at}`))));
    expect(await rows(`SELECT version FROM ${schema}.agent_persist`)).toEqual([{ version: 1 }]);
    expect(await rows(`SELECT count(*)::int AS count FROM ${schema}.agent_sessions`)).toEqual([{ count: 10 }]);
  });

  test("without a schema they are in public, beside what else is there", async () => {
    await pool.query("CREATE TABLE sessions (id text); INSERT INTO sessions VALUES ('mine')");
    await new PostgresSessionPersistDriver(pool).updateSession(aRecord("s"));
    expect(await rows("SELECT id FROM sessions UNION ALL SELECT id FROM public.agent_sessions")).toEqual([
      { id: "mine" },
      { id: "s" },
    ]);
  });

  test("who may use the tables need not be able to make them", async () => {
    const schema = newSchema();
    await new PostgresSessionPersistDriver(pool, { schema }).updateSession(aRecord("s"));
    const user = newSchema();
    await pool.query(
      `CREATE ROLE ${user} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${user};
       GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ${schema} TO ${user}`,
    );
    const theirs = poolOf(user);
    onTestFinished(() => theirs.end());
    const driver = new PostgresSessionPersistDriver(theirs, { schema });
    await driver.insertEvent("s", anEvent("s", 1));
    expect(await allSessions(driver)).toEqual([aRecord("s")]);
    const elsewhere = new PostgresSessionPersistDriver(theirs, { schema: newSchema() });
    await expect(elsewhere.getSession("s")).rejects.toThrow(/permission denied/);
  });

  test("a start that failed is tried again by the next call", async () => {
    const schema = newSchema();
    let down = true;
    const driver = new PostgresSessionPersistDriver(
      { query: (text, values) => (down ? Promise.reject(new Error("it is down")) : pool.query(text, values)) },
      { schema },
    );
    await expect(driver.getSession("s")).rejects.toThrow("it is down");
    down = false;
    expect(await driver.getSession("s")).toBeUndefined();
  });

  test.each(["repeatable read", "serializable"])(
    "nothing is lost of what several begin and write at the same time where transactions are %s",
    async (isolation) => {
      const theirs = poolOf("postgres", isolation);
      onTestFinished(() => theirs.end());
      const schema = newSchema();
      const drivers = [1, 2, 3, 4].map(() => new PostgresSessionPersistDriver(theirs, { schema }));
      await Promise.all(
        drivers.map(async (driver) => {
          for (let index = 1; index <= 50; index++) await driver.insertEvent("s", anEvent("s", index));
        }),
      );
      const [driver = new PostgresSessionPersistDriver(theirs, { schema })] = drivers;
      const indices = (await allEvents(driver, "s")).map(({ eventIndex }) => eventIndex);
      expect(indices).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    },
  );

  test("a transaction of the caller's ends with the failure that Postgres asks to repeat it for", async () => {
    const schema = newSchema();
    await new PostgresSessionPersistDriver(pool, { schema }).insertEvent("s", anEvent("s", 1));
    const client = await pool.connect();
    onTestFinished(() => client.release());
    const driver = new PostgresSessionPersistDriver(client, { schema });
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    expect(await allEvents(driver, "s")).toHaveLength(1);
    await new PostgresSessionPersistDriver(pool, { schema }).insertEvent("s", anEvent("s", 2));
    await expect(driver.insertEvent("s", anEvent("s", 2))).rejects.toMatchObject({ code: "40001" });
    await client.query("ROLLBACK");
    await driver.insertEvent("s", anEvent("s", 2));
    expect(await allEvents(driver, "s")).toHaveLength(3);
  });

  test("tables that were made in a transaction are made again after it was rolled back", async () => {
    const client = await pool.connect();
    onTestFinished(() => client.release());
    const driver = new PostgresSessionPersistDriver(client, { schema: newSchema() });
    await client.query("BEGIN");
    await driver.updateSession(aRecord("s"));
    await client.query("ROLLBACK");
    expect(await driver.getSession("s")).toBeUndefined();
    await driver.updateSession(aRecord("s"));
    expect(await allSessions(driver)).toEqual([aRecord("s")]);
  });

  test("an event that the tables' owner keeps out is refused, in the words that the client knows", async () => {
    const schema = newSchema();
    const driver = new PostgresSessionPersistDriver(pool, { schema });
    await driver.updateSession(aRecord("s"));
    await pool.query(
      `CREATE FUNCTION ${schema}.none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       CREATE TRIGGER none BEFORE INSERT ON ${schema}.agent_events FOR EACH ROW EXECUTE FUNCTION ${schema}.none()`,
    );
    await expect(driver.insertEvent("s", anEvent("s", 1))).rejects.toMatchObject({
      name: "EventIndexTaken",
      // The client's own expression.
      message: expect.stringMatching(/UNIQUE constraint failed: .*session_id, .*event_index/),
    });
  });

  test("tables of a later version are left alone, with an error that says so", async () => {
    const schema = newSchema();
    await new PostgresSessionPersistDriver(pool, { schema }).updateSession(aRecord("s"));
    await pool.query(`UPDATE ${schema}.agent_persist SET version = 99`);
    const driver = new PostgresSessionPersistDriver(pool, { schema });
    await expect(driver.insertEvent("s", anEvent("s", 1))).rejects.toThrow(/version 99.*Update buntime/);
    expect(await rows(`SELECT id FROM ${schema}.agent_events`)).toEqual([]);
  });

  test.each(['a"; DROP SCHEMA public; --', "", "a.b", "$", "ä", "1a", "a".repeat(64)])(
    "a schema called %j is refused",
    (schema) => {
      expect(() => new PostgresSessionPersistDriver(pool, { schema })).toThrow(/schema is not a plain name/);
    },
  );
});
