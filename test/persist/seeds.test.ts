// What the original's document on persisting sessions shows, with the drivers from here. The server is the package's own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Pool } from "pg";
import { SandboxAgent } from "sandbox-agent";
import type { SandboxAgentConnectOptions, Session, SessionEvent, SessionPersistDriver } from "sandbox-agent";
import { describe, test } from "vitest";
import type { TestContext } from "vitest";
import {
  EventIndexTaken,
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

  /** What clients have asked the store to write, and what it has refused. */
  function watched(persist: SessionPersistDriver): {
    readonly persist: SessionPersistDriver;
    readonly offered: string[];
    readonly refused: unknown[];
  } {
    const [offered, refused]: [string[], unknown[]] = [[], []];
    const insertEvent: SessionPersistDriver["insertEvent"] = async (sessionId, event) => {
      offered.push(event.id);
      await persist.insertEvent(sessionId, event).catch((error: unknown) => {
        refused.push(error);
        throw error;
      });
    };
    return {
      persist: {
        getSession: (id) => persist.getSession(id),
        listSessions: (request) => persist.listSessions(request),
        updateSession: (session) => persist.updateSession(session),
        listEvents: (request) => persist.listEvents(request),
        insertEvent,
      },
      offered,
      refused,
    };
  }

  /** Two clients talk in one conversation, each a few turns, and then both at once. Neither knows of the other. */
  async function losesNothing(
    context: TestContext,
    first: SessionPersistDriver,
    second: SessionPersistDriver,
  ): Promise<void> {
    const { expect } = context;
    const [one, other] = [watched(first), watched(second)];
    const started = await (
      await connected(context, { persist: one.persist })
    ).createSession({ agent: "mock", cwd: "/tmp" });
    const joined = await (await connected(context, { persist: other.persist })).resumeSession(started.id);
    const texts: string[] = [];
    const turn = async (session: Session, text: string): Promise<void> => {
      texts.push(text);
      await session.prompt([{ type: "text", text }]);
    };
    for (let round = 1; round <= 2; round++) {
      for (const [name, session] of [
        ["one", started],
        ["other", joined],
      ] as const) {
        for (const which of ["a", "b"]) await turn(session, `${name} ${round} ${which}`);
      }
    }
    await Promise.all([turn(started, "one at once"), turn(joined, "other at once")]);
    // The last answers come behind a prompt's end; what comes while it is looked at is not asked about.
    const [offered, events] = await until("all of it is in the store", async () => {
      const all = (await allEvents(first, started.id)) as SessionEvent[];
      const isHeard = texts.every((text) => JSON.stringify(all).includes(`heard: ${text}`));
      const ids = new Set([...one.offered, ...other.offered]);
      return isHeard && all.length === ids.size && ([ids, all] as const);
    });
    expect([...one.refused, ...other.refused]).toEqual([]);
    expect(offered).toEqual(new Set(events.map(({ id }) => id)));
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at + 1));
    expect(new Set(promptsOf(events).map((prompt) => prompt.at(-1)))).toEqual(new Set(texts));
  }

  test.concurrent("two clients in one conversation, in memory: nothing is lost", async (context) => {
    const persist = new InMemorySessionPersistDriver();
    await losesNothing(context, persist, persist);
  });

  test.concurrent("two clients in one conversation, in SQLite: nothing is lost", async (context) => {
    const folder = mkdtempSync(path.join(tmpdir(), "buntime-persist-"));
    context.onTestFinished(() => rmSync(folder, { recursive: true }));
    const open = (): SQLiteSessionPersistDriver => {
      const database = new DatabaseSync(path.join(folder, "sandbox-agent.db"), { timeout: 20_000 });
      context.onTestFinished(() => database.close());
      return new SQLiteSessionPersistDriver(database);
    };
    await losesNothing(context, open(), open());
  });

  test.concurrent("a driver that refuses an index as the client knows it: the client takes the next", async (context) => {
    const { expect } = context;
    const persist = new InMemorySessionPersistDriver();
    const strict: SessionPersistDriver = Object.assign(watched(persist).persist, {
      insertEvent: async (...[sessionId, event]: Parameters<SessionPersistDriver["insertEvent"]>) => {
        if (event.eventIndex === 2) throw new EventIndexTaken(sessionId, 2);
        await persist.insertEvent(sessionId, event);
      },
    });
    const session = await (await connected(context, { persist: strict })).createSession({ agent: "mock", cwd: "/tmp" });
    const events = await say(session, persist, "first");
    expect(events.map(({ eventIndex }) => eventIndex)).toEqual([1, 3, 4, 5, 6]);
  });

  test.concurrent("a client that another one has overtaken goes on after it", async (context) => {
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
