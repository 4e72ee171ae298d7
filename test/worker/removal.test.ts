import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SessionList } from "../../src/contract/session.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const stubOf = (sessionId: string): DurableObjectStub => env.SESSION.getByName(sessionId);

/** What the session's object still stores: tables and alarm. */
function stored(sessionId: string): Promise<{ tables: number; alarm: number | null }> {
  return runInDurableObject(stubOf(sessionId), async (_object, { storage }) => ({
    tables: storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray().length,
    alarm: await storage.getAlarm(),
  }));
}

async function expectNothingLeft(sessionId: string, name: string): Promise<void> {
  await expectProblem(await ask("GET", `/sessions/${sessionId}`), "session_not_found");
  await expectProblem(await ask("GET", `/sessions/${name}`), "session_not_found");
  await expectProblem(await ask("POST", "/execute", { body: { sessionId, code: "1" } }), "session_not_found");
  await expectProblem(await visit(previewUrl(sessionId)), "session_not_found");
  const { sessions } = SessionList.parse(await (await ask("GET", "/sessions?limit=100")).json());
  expect(sessions.map((session) => session.id)).not.toContain(sessionId);
  expect(await env.DIRECTORY.get(`name/default/${name}`)).toBeNull();
  expect((await env.SNAPSHOTS.list({ prefix: `${sessionId}/` })).objects).toEqual([]);
  expect(await engine("GET", `/containers/${sessionId}`)).toMatchObject({ running: false });
  expect(await stored(sessionId)).toEqual({ tables: 0, alarm: null });
}

async function createUsed(name: string): Promise<string> {
  const { id } = await createSession({ name, ttl: 300 });
  await execute({ sessionId: id, command: "echo x > file; sleep 300 & echo started" });
  expect((await ask("POST", `/sessions/${id}/snapshots`, { body: { label: "kept" } })).status).toBe(201);
  return id;
}

describe("deleting", () => {
  it("answers, and leaves nothing of the session anywhere", async () => {
    const id = await createUsed("deleted");
    const answer = await ask("DELETE", "/sessions/deleted");
    expect(await answer.json()).toEqual({ deleted: true, sessionId: id });
    await expectNothingLeft(id, "deleted");
    await expectProblem(await ask("DELETE", `/sessions/${id}`), "session_not_found");
  });

  it("empties a bucket of more than one page", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    await ask("POST", `/sessions/${id}/snapshots`, { body: {} });
    // Left by uploads that were never committed.
    await Promise.all(Array.from({ length: 1100 }, (_, index) => env.SNAPSHOTS.put(`${id}/${index}`, "")));
    await ask("DELETE", `/sessions/${id}`);
    expect((await env.SNAPSHOTS.list({ prefix: `${id}/` })).objects).toEqual([]);
  });

  it("that is interrupted is finished by the alarm; until then the session is gone for everybody", async () => {
    const id = await createUsed("interrupted");
    const realFetch = globalThis.fetch;
    const failing = vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
      if (init?.method === "DELETE") {
        return Promise.reject(new Error("the engine is away"));
      }
      return realFetch(input, init);
    });
    vi.spyOn(console, "error").mockReturnValue();
    expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(200);
    await expectProblem(await ask("GET", `/sessions/${id}`), "session_not_found");
    await expectProblem(await visit(previewUrl(id)), "session_not_found");
    expect((await stored(id)).alarm).not.toBeNull();

    failing.mockRestore();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
    vi.useRealTimers();
    await expectNothingLeft(id, "interrupted");
  });
});

describe("time to live", () => {
  it("ends the session with all that it holds, by alarm", async () => {
    const id = await createUsed("expiring");
    const expiry = Date.now() + 301_000;
    expect((await stored(id)).alarm).toBeLessThanOrEqual(expiry);
    vi.useFakeTimers({ toFake: ["Date"], now: expiry });
    // Its alarm is late: it is gone all the same.
    await expectProblem(await ask("GET", `/sessions/${id}`), "session_not_found");
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
    await expectNothingLeft(id, "expiring");
  });

  it("ends a session whose object was not in memory any more", async () => {
    const id = await createUsed("forgotten");
    await loseObject(stubOf(id));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    expect(await runDurableObjectAlarm(stubOf(id))).toBe(true);
    await expectNothingLeft(id, "forgotten");
  });

  it("that was extended ends it only then", async () => {
    const { id } = await createSession({ ttl: 300 });
    await ask("PATCH", `/sessions/${id}`, { body: { ttl: 3600 } });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    await runDurableObjectAlarm(stubOf(id));
    expect((await ask("GET", `/sessions/${id}`)).status).toBe(200);
    expect((await stored(id)).alarm).toBeGreaterThan(Date.now());
  });
});

describe("a session made for one execution", () => {
  it("is in no list and removes itself when it has answered", async () => {
    const before = SessionList.parse(await (await ask("GET", "/sessions")).json()).total;
    const { stdout } = await execute({ command: "hostname; echo $PWD" });
    expect(stdout).toContain("/workspace");
    const after = SessionList.parse(await (await ask("GET", "/sessions")).json()).total;
    expect(after).toBe(before);
    await until("no session's object holds anything", async () => {
      const { listDurableObjectIds } = await import("cloudflare:test");
      const ids = await listDurableObjectIds(env.SESSION);
      const oneShots = await Promise.all(
        ids.map((objectId) =>
          runInDurableObject(env.SESSION.get(objectId), (_object, { storage }) =>
            storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'session'").toArray().length === 0
              ? false
              : storage.sql
                  .exec<{ record: string }>("SELECT record FROM session")
                  .one()
                  .record.includes('"oneShot":true'),
          ),
        ),
      );
      return !oneShots.includes(true);
    });
  });

  it("cannot leave anything running", async () => {
    await expectProblem(await ask("POST", "/execute", { body: { code: "1", background: true } }), "invalid_request");
  });
});
