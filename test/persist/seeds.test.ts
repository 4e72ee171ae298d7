// What the original's document on persisting sessions shows, with the drivers from here. The server is the package's own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Pool } from "pg";
import { SandboxAgent } from "sandbox-agent";
import type { SandboxAgentConnectOptions, SessionPersistDriver } from "sandbox-agent";
import { describe, test } from "vitest";
import type { TestContext } from "vitest";
import {
  InMemorySessionPersistDriver,
  PostgresSessionPersistDriver,
  SQLiteSessionPersistDriver,
} from "../../src/sdk/persist/index.ts";
import { until } from "../support/until.ts";
import { anEvent, allEvents, aRecord } from "./conversations.ts";
import { HAS_POSTGRES, startPostgres } from "./postgres-server.ts";
import { methodOf, promptsOf, say, SERVER, serverOfFile } from "./sandbox-agent.ts";

describe.skipIf(SERVER === undefined)("sandbox-agent with", () => {
  const server = serverOfFile();

  async function connected(
    context: TestContext,
    options: Omit<SandboxAgentConnectOptions, "baseUrl" | "fetch">,
  ): Promise<SandboxAgent> {
    const sdk = await SandboxAgent.connect({ baseUrl: server.baseUrl, ...options });
    context.onTestFinished(() => sdk.dispose());
    return sdk;
  }

  /** A conversation, and once more after the client's process is gone, with a driver of its own on the same data. */
  async function restores(
    context: TestContext,
    persist: SessionPersistDriver,
    later: SessionPersistDriver,
  ): Promise<void> {
    const { expect } = context;
    const sdk = await connected(context, { persist });
    const session = await sdk.createSession({ agent: "mock", cwd: "/tmp" });
    const before = await say(session, persist, "remember 42");
    // What the agent says and its answer come over two connections.
    expect(before.slice(0, 3).map((event) => [event.sender, methodOf(event)])).toEqual([
      ["client", "session/new"],
      ["agent", "answer"],
      ["client", "session/prompt"],
    ]);
    expect(before.slice(3).map((event) => [event.sender, methodOf(event)])).toEqual(
      expect.arrayContaining([
        ["agent", "session/update"],
        ["agent", "answer"],
      ]),
    );
    const again = await connected(context, { persist: later });
    expect((await again.listSessions()).items.map(({ id }) => id)).toEqual([session.id]);
    const resumed = await again.resumeSession(session.id);
    expect(resumed.agentSessionId).not.toBe(session.agentSessionId);
    const events = await say(resumed, later, "what was it?");
    expect(events.slice(0, before.length)).toEqual(before);
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at + 1));
    const [replay, prompt] = promptsOf(events).at(-1) ?? [];
    expect(prompt).toBe("what was it?");
    expect(replay).toMatch(/^Previous session history is replayed below[\s\S]*heard: remember 42/);
  }

  test.concurrent("in-memory storage", async (context) => {
    const persist = new InMemorySessionPersistDriver({
      maxSessions: 1024,
      maxEventsPerSession: 500,
    });
    await restores(context, persist, persist);
  });

  test.concurrent("SQLite", async (context) => {
    const folder = mkdtempSync(path.join(tmpdir(), "buntime-persist-"));
    context.onTestFinished(() => rmSync(folder, { recursive: true }));
    const open = (): SQLiteSessionPersistDriver => {
      const database = new DatabaseSync(path.join(folder, "sandbox-agent.db"));
      context.onTestFinished(() => database.close());
      return new SQLiteSessionPersistDriver(database);
    };
    await restores(context, open(), open());
  });

  test.skipIf(!HAS_POSTGRES).concurrent("Postgres", async (context) => {
    const postgres = await startPostgres();
    const connect = (): { pool: Pool; persist: PostgresSessionPersistDriver } => {
      const pool = new Pool({ connectionString: `postgres://postgres@/postgres?host=${postgres.host}` });
      return { pool, persist: new PostgresSessionPersistDriver(pool, { schema: "public" }) };
    };
    const [one, other] = [connect(), connect()];
    context.onTestFinished(async () => {
      await Promise.all([one.pool.end(), other.pool.end()]);
      await postgres.stop();
    });
    await restores(context, one.persist, other.persist);
  });

  test.concurrent("a custom driver", async (context) => {
    class MyDriver implements SessionPersistDriver {
      readonly records = new Map<string, Awaited<ReturnType<SessionPersistDriver["getSession"]>>>();
      readonly written: Parameters<SessionPersistDriver["insertEvent"]>[1][] = [];

      async getSession(id: string) {
        return this.records.get(id);
      }
      async listSessions() {
        return { items: [...this.records.values()].flatMap((record) => record ?? []) };
      }
      async updateSession(session: Parameters<SessionPersistDriver["updateSession"]>[0]) {
        this.records.set(session.id, session);
      }
      async listEvents() {
        return { items: this.written };
      }
      async insertEvent(_sessionId: string, event: Parameters<SessionPersistDriver["insertEvent"]>[1]) {
        this.written.push(event);
      }
    }
    const persist = new MyDriver();
    await restores(context, persist, persist);
  });

  test.concurrent("replay controls: so many events, and so many characters", async (context) => {
    const { expect } = context;
    const persist = new InMemorySessionPersistDriver();
    await persist.updateSession(aRecord("s", { sessionInit: { cwd: "/tmp", mcpServers: [] } }));
    for (let index = 1; index <= 60; index++) {
      await persist.insertEvent("s", anEvent("s", index, { payload: { jsonrpc: "2.0", method: `m${index}.` } }));
    }
    const replayed = async (
      text: string,
      options: { replayMaxEvents?: number; replayMaxChars?: number },
    ): Promise<string> => {
      const sdk = await connected(context, { persist, ...options });
      const events = await say(await sdk.resumeSession("s"), persist, text);
      return promptsOf(events).at(-1)?.[0] ?? "";
    };
    const linesOf = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("{"));
    expect(linesOf(await replayed("by default", {}))).toHaveLength(50);
    expect(linesOf(await replayed("events", { replayMaxEvents: 3 }))).toHaveLength(3);
    const characters = await replayed("characters", { replayMaxChars: 600 });
    expect(characters.length).toBeLessThan(650);
    expect(characters).toContain("[history truncated]");
  });

  test.concurrent("a client that another one has overtaken takes the next index that is free", async (context) => {
    const { expect } = context;
    const persist = new InMemorySessionPersistDriver();
    const one = await connected(context, { persist });
    const session = await one.createSession({ agent: "mock", cwd: "/tmp" });
    const first = await say(session, persist, "first");
    const other = await connected(context, { persist });
    await other.resumeSession(session.id);
    await until(
      "the other's two events",
      async () => (await allEvents(persist, session.id)).length === first.length + 2,
    );
    const events = await say(session, persist, "second");
    expect(events[first.length + 2]?.connectionId).toBe(first[0]?.connectionId);
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at + 1));
  });
});
