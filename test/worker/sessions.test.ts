import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { Session, SessionInfo, SessionList } from "../../src/contract/session.ts";
import { sessionOf } from "../../src/session/rpc.ts";
import { ask, createSession, engine, execute, expectProblem } from "./client.ts";

const UNKNOWN = "ses_00000000000000000000";

async function list(query: string): Promise<SessionList> {
  return SessionList.parse(await (await ask("GET", `/sessions${query}`)).json());
}

describe("creating", () => {
  it("gives a session with the documented defaults, which is then there", async () => {
    const session = await createSession();
    expect(session).toMatchObject({
      sessionId: session.id,
      name: null,
      state: "active",
      image: "bun",
      metadata: {},
      resourceLimits: { memory: 1024, cpu: 0.25, timeout: 30, disk: 1024 },
      previewUrl: `http://${session.id.replace("_", "-")}.localhost:8787`,
    });
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(86_400_000);
    const info = SessionInfo.parse(await (await ask("GET", `/sessions/${session.id}`)).json());
    expect(info).toMatchObject(session);
    expect(info.lastActive).toBe(session.createdAt);
  });

  it("works without a body, and under its second path", async () => {
    expect((await ask("POST", "/sessions")).status).toBe(201);
    expect((await ask("POST", "/sessions/create", { body: {} })).status).toBe(201);
  });

  it("keeps what was asked for", async () => {
    const metadata = { team: "a", deep: { list: [1, null, "é"] }, flag: true };
    const session = await createSession({ ttl: 300, metadata, resourceLimits: { memory: 2048, cpu: 1, timeout: 60 } });
    expect(session.metadata).toEqual(metadata);
    expect(session.resourceLimits).toEqual({ memory: 2048, cpu: 1, timeout: 60, disk: 1024 });
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(300_000);
  });

  it("refuses what the plan or the contract does not allow", async () => {
    const bodies = [
      { ttl: 299 },
      { ttl: 604_801 },
      { ttl: "300" },
      { name: "ses_x" },
      { name: "has space" },
      { name: "x".repeat(65) },
      { image: "node" },
      { metadata: [] },
      { metadata: { big: "x".repeat(16 * 1024) } },
      { unknown: 1 },
      { resourceLimits: { memory: 1 } },
    ];
    for (const body of bodies) {
      await expectProblem(await ask("POST", "/sessions", { body }), "invalid_request");
    }
    const large = await ask("POST", "/sessions", { body: { resourceLimits: { memory: 8192 } } });
    expect(await expectProblem(large, "forbidden")).toEqual({ limit: "memory", max: 4096 });
  });
});

describe("a name", () => {
  it("stands for the session's id everywhere", async () => {
    const { id } = await createSession({ name: "by-name" });
    const info = SessionInfo.parse(await (await ask("GET", "/sessions/by-name")).json());
    expect(info.id).toBe(id);
    expect((await execute({ sessionId: "by-name", command: "echo hello" })).stdout).toBe("hello\n");
  });

  it("belongs to one session at a time and is free again after it", async () => {
    const first = await createSession({ name: "only-one" });
    const details = await expectProblem(await ask("POST", "/sessions", { body: { name: "only-one" } }), "conflict");
    expect(details).toMatchObject({ sessionId: first.id });
    await ask("DELETE", "/sessions/only-one");
    const second = await createSession({ name: "only-one" });
    expect(SessionInfo.parse(await (await ask("GET", "/sessions/only-one")).json()).id).toBe(second.id);
  });

  it("that moved on never reaches the session that had it", async () => {
    const first = await createSession({ name: "mover" });
    expect((await ask("PATCH", `/sessions/${first.id}`, { body: { name: "moved" } })).status).toBe(200);
    await expectProblem(await ask("GET", "/sessions/mover"), "session_not_found");
    const second = await createSession({ name: "mover" });
    // As it is where the directory is late.
    await env.DIRECTORY.put("name/default/mover", first.id);
    expect(SessionInfo.parse(await (await ask("GET", "/sessions/mover")).json()).id).toBe(second.id);
    await env.DIRECTORY.delete("name/default/mover");
    expect(SessionInfo.parse(await (await ask("GET", "/sessions/mover")).json()).id).toBe(second.id);
  });
});

describe("changing", () => {
  it("sets time to live from now, metadata and name, and leaves the rest", async () => {
    const session = await createSession({ metadata: { a: 1 }, name: "before" });
    const answer = await ask("PATCH", `/sessions/${session.id}`, { body: { ttl: 3600 } });
    const changed = Session.parse(await answer.json());
    expect(changed).toMatchObject({ metadata: { a: 1 }, name: "before", createdAt: session.createdAt });
    expect(Date.parse(changed.expiresAt)).toBeLessThan(Date.parse(session.expiresAt));
    await ask("PATCH", `/sessions/${session.id}`, { body: { metadata: { b: 2 }, name: null } });
    const info = SessionInfo.parse(await (await ask("GET", `/sessions/${session.id}`)).json());
    expect(info).toMatchObject({ metadata: { b: 2 }, name: null, expiresAt: changed.expiresAt });
    const listed = (await list("?metadata.b=2")).sessions.find((entry) => entry.id === session.id);
    expect(listed).toMatchObject({ metadata: { b: 2 }, name: null, expiresAt: changed.expiresAt });
  });

  it("to a name that is taken changes nothing", async () => {
    const name = "taken-by-another";
    await createSession({ name });
    const session = await createSession({ metadata: { a: 1 } });
    const answer = await ask("PATCH", `/sessions/${session.id}`, { body: { name, metadata: {} } });
    await expectProblem(answer, "conflict");
    const info = SessionInfo.parse(await (await ask("GET", `/sessions/${session.id}`)).json());
    expect(info).toMatchObject({ name: null, metadata: { a: 1 } });
  });
});

describe("listing", () => {
  it("is newest first, in pages, with the total", async () => {
    const group = crypto.randomUUID();
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.unshift((await createSession({ metadata: { group, index } })).id);
      await scheduler.wait(2); // Two sessions of one millisecond have no order.
    }
    const whole = await list(`?metadata.group=${group}`);
    expect(whole.total).toBe(3);
    expect(whole.sessions.map((session) => session.id)).toEqual(ids);
    const page = await list(`?metadata.group=${group}&limit=1&offset=1`);
    expect(page).toMatchObject({ total: 3, sessions: [{ id: ids[1] }] });
  });

  it("filters by metadata of any simple type, by several at once, and by state", async () => {
    const group = crypto.randomUUID();
    const { id } = await createSession({ metadata: { group, "odd.key": 'a"b', flag: true, count: 3, none: null } });
    for (const filter of [
      "metadata.odd.key=a%22b",
      "metadata.flag=true",
      "metadata.count=3",
      "metadata.none=null",
      "state=active",
    ]) {
      const { sessions } = await list(`?metadata.group=${group}&${filter}`);
      expect(
        sessions.map((session) => session.id),
        filter,
      ).toEqual([id]);
    }
    for (const filter of [
      "metadata.flag=1",
      "metadata.count=4",
      "metadata.absent=x",
      "state=idle",
      "state=deep-sleep",
    ]) {
      expect(await list(`?metadata.group=${group}&${filter}`), filter).toEqual({ sessions: [], total: 0 });
    }
  });

  it("refuses pages and states that do not exist", async () => {
    for (const query of ["?limit=0", "?limit=101", "?limit=x", "?offset=-1", "?state=asleep", "?limit=1&limit=2"]) {
      await expectProblem(await ask("GET", `/sessions${query}`), "invalid_request");
    }
  });
});

describe("a session that is not there", () => {
  it("is session_not_found for every call, and leaves no trace", async () => {
    const calls: [string, string, unknown?][] = [
      ["GET", `/sessions/${UNKNOWN}`],
      ["PATCH", `/sessions/${UNKNOWN}`, {}],
      ["DELETE", `/sessions/${UNKNOWN}`],
      ["POST", "/execute", { sessionId: UNKNOWN, code: "1" }],
      ["POST", "/execution/kill", { sessionId: UNKNOWN }],
      ["GET", `/sessions/${UNKNOWN}/processes`],
      ["GET", `/sessions/${UNKNOWN}/executions`],
      ["GET", `/sessions/${UNKNOWN}/executions/exe_00000000000000000000/output`],
      ["GET", `/files/read?sessionId=${UNKNOWN}&path=a`],
      ["PUT", `/sessions/${UNKNOWN}/files/a`, "x"],
      ["GET", `/sessions/${UNKNOWN}/archive`],
      ["GET", "/sessions/no-such-name"],
    ];
    for (const [method, path, body] of calls) {
      await expectProblem(await ask(method, path, { body }), "session_not_found");
    }
    expect(await engine("GET", `/containers/${UNKNOWN}`)).toMatchObject({ running: false });
  });

  it("is the same as one of another account", async () => {
    const { id } = await createSession({ name: "mine" });
    const theirs = await sessionOf(env, id).info("another");
    const unknown = await sessionOf(env, UNKNOWN).info("another");
    expect(theirs).toMatchObject({ ok: false, error: { code: "session_not_found" } });
    expect(theirs).toEqual(unknown);
    expect(await sessionOf(env, id).destroy("another")).toEqual(unknown);
    expect((await ask("GET", "/sessions/mine")).status).toBe(200);
  });
});
