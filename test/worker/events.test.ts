import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { accountOf } from "../../src/account/rpc.ts";
import type { EmittedEvent } from "../../src/account/events-rpc.ts";
import { EVENTS } from "../../src/contract/limits.ts";
import { newId } from "../../src/contract/ids.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, until } from "./client.ts";
import { follow } from "./event-follower.ts";

const ADMIN = { authorization: "Bearer admin_worker_tests_only" };
const account = () => accountOf(env, "default");

function event(sessionId: string): EmittedEvent {
  return { id: newId("evt"), type: "session.idle", at: Date.now(), sessionId, data: {} };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the events of an account", () => {
  it("tell in order that a session was created, has executed, and was deleted", async () => {
    const events = await follow();
    const { id } = await createSession({ name: "told" });
    const { executionId } = await execute({ sessionId: id, command: "exit 3" });
    await ask("DELETE", `/sessions/${id}`);
    expect(await events.next(id)).toMatchObject({ type: "session.created", data: {} });
    const completed = await events.next(id);
    expect(completed.type).toBe("execution.completed");
    expect(completed.data).toEqual({ executionId, outcome: "exited", exitCode: 3 });
    expect(await events.next(id)).toMatchObject({ type: "session.deleted" });
  });

  it("tell that a session became idle, slept, and was woken", async () => {
    const events = await follow("?types=session.idle,session.deep_sleep,session.woken");
    const { id } = await createSession({ idleAfter: "1s", deepSleepAfter: "2s" });
    await execute({ sessionId: id, command: "echo kept > file" });
    expect(await events.types(id, 2)).toEqual(["session.idle", "session.deep_sleep"]);
    expect(await execute({ sessionId: id, command: "cat file" })).toMatchObject({ stdout: "kept\n" });
    const woken = await events.next(id);
    expect(woken).toMatchObject({ type: "session.woken", data: { from: "deep-sleep" } });
  });

  it("tell that a session's container was lost, and that nobody knows what became of its execution", async () => {
    const events = await follow("?types=session.lost,execution.completed");
    const { id } = await createSession();
    const running = ask("POST", "/execute", { body: { sessionId: id, command: "touch begun; sleep 25" } });
    await until("it runs", async () => (await ask("HEAD", `/sessions/${id}/files/begun`)).status === 200);
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    const { executionId } = await expectProblem(await running, "container_unavailable");
    const told = [await events.next(id), await events.next(id)];
    expect(told.find(({ type }) => type === "session.lost")?.data).toMatchObject({ savedAt: null });
    expect(told.find(({ type }) => type === "execution.completed")?.data).toEqual({
      executionId,
      outcome: "unknown",
      exitCode: null,
    });
  });

  it("tell that a session has expired", async () => {
    const events = await follow("?types=session.expired,session.deleted");
    const { id } = await createSession({ ttl: 300 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    expect(await runDurableObjectAlarm(env.SESSION.getByName(id))).toBe(true);
    expect(await events.next(id)).toMatchObject({ type: "session.expired" });
  });

  it("tell what a session's object could not tell before it was lost", async () => {
    const events = await follow("?types=session.idle");
    const { id } = await createSession();
    const unsent = event(id);
    await runInDurableObject(env.SESSION.getByName(id), (_session, { storage }) => {
      const write = "INSERT INTO fact (name, value) VALUES ('unsentEvents', ?)";
      storage.sql.exec(write, JSON.stringify([unsent]));
    });
    await loseObject(env.SESSION.getByName(id));
    expect(await runDurableObjectAlarm(env.SESSION.getByName(id))).toBe(true);
    expect(await events.next(id)).toMatchObject({ id: unsent.id });
    await until("it is not kept any longer", () =>
      runInDurableObject(env.SESSION.getByName(id), (_session, { storage }) => {
        return storage.sql.exec("SELECT 1 FROM fact WHERE name = 'unsentEvents'").toArray().length === 0;
      }),
    );
  });

  it("tell of executions that time out, answer as a stream, run on, or whose client has left", async () => {
    const events = await follow("?types=execution.completed");
    const { id: sessionId } = await createSession();
    await execute({ sessionId, command: "sleep 60", timeout: 1 });
    expect(await events.next(sessionId)).toMatchObject({ data: { outcome: "timed_out" } });

    const body = { sessionId, command: "echo out; kill -9 $$", stream: true };
    await (await ask("POST", "/execute", { body })).text();
    expect(await events.next(sessionId)).toMatchObject({ data: { outcome: "killed", exitCode: null } });

    await execute({ sessionId, command: "sleep 60", background: true });
    expect(await events.next(sessionId)).toMatchObject({ data: { outcome: "running", exitCode: null } });

    const command = "echo begun; while [ ! -e go ]; do sleep 0.05; done; exit 4";
    const left = await ask("POST", "/execute", { body: { sessionId, command, stream: true } });
    const reader = left.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await execute({ sessionId, command: "touch go" });
    const codes = [await events.next(sessionId), await events.next(sessionId)].map(({ data }) => data["exitCode"]);
    expect(new Set(codes)).toEqual(new Set([0, 4]));
  });

  it("tell of an execution in a session of its own, and not of that session", async () => {
    const events = await follow();
    const { executionId } = await execute({ command: "true" });
    const told = await events.next();
    expect(told).toMatchObject({ type: "execution.completed", data: { executionId, outcome: "exited", exitCode: 0 } });
    const { id } = await createSession();
    expect(await events.next()).toMatchObject({ type: "session.created", sessionId: id });
  });

  it("go on after the one that a client has seen, by `after` or by Last-Event-ID, and none comes twice", async () => {
    const all = [1, 2, 3, 4].map(() => event("ses_resumed0000000000000"));
    await account().emit(all.slice(0, 2));
    await account().emit(all.slice(1, 3));
    const seen = all[0]?.id ?? "";
    for (const events of [await follow(`?after=${seen}`), await follow("", { "last-event-id": seen })]) {
      expect([(await events.next()).id, (await events.next()).id]).toEqual([all[1]?.id, all[2]?.id]);
      await account().emit(all);
      expect((await events.next()).id).toBe(all[3]?.id);
      await events.close();
    }
  });

  it("are still there when the account's object was lost", async () => {
    const kept = [event("ses_kept0000000000000000"), event("ses_kept0000000000000000")];
    await account().emit(kept);
    await loseObject(env.ACCOUNT.getByName("default"));
    const events = await follow(`?after=${kept[0]?.id}`);
    expect(await events.next()).toMatchObject({ id: kept[1]?.id });
  });

  it("begin with all that is kept where the one that a client has seen is not", async () => {
    const sessionId = "ses_many0000000000000000";
    const many = Array.from({ length: EVENTS.kept + 10 }, () => event(sessionId));
    await account().emit(many);
    const events = await follow(`?after=${newId("evt")}`);
    expect(await events.next()).toMatchObject({ id: many[10]?.id });
  });

  it("are refused where the question makes no sense", async () => {
    await expectProblem(await ask("GET", "/events?types=session.created,nonsense"), "invalid_request");
    await expectProblem(await ask("GET", "/events?after=yesterday"), "invalid_request");
    await expectProblem(await ask("GET", "/events", { headers: { "last-event-id": "7" } }), "invalid_request");
  });

  it("are told to nobody any longer whose key was revoked, or whose account was suspended", async () => {
    const created = await ask("POST", "/admin/accounts", { body: { name: "leaving" }, headers: ADMIN });
    const { id, key } = await created.json<{ id: string; key: string }>();
    const headers = { authorization: `Bearer ${key}` };
    const other = await (await ask("POST", "/keys", { body: {}, headers })).json<{ id: string; key: string }>();
    const revoked = await follow("", { authorization: `Bearer ${other.key}` });
    const suspended = await follow("", headers);
    await ask("DELETE", `/keys/${other.id}`, { headers });
    await expect(revoked.next()).rejects.toThrow("the stream has ended");
    await ask("PATCH", `/admin/accounts/${id}`, { body: { status: "suspended" }, headers: ADMIN });
    await expect(suspended.next()).rejects.toThrow("the stream has ended");
  });

  it("tell once that an account is at its limit, however often it runs into it", async () => {
    const body = { name: "small", plan: "enterprise", limits: { sessions: 1 } };
    const created = await ask("POST", "/admin/accounts", { body, headers: ADMIN });
    const { key } = await created.json<{ key: string }>();
    const headers = { authorization: `Bearer ${key}` };
    const events = await follow("?types=limit.exceeded,session.deleted", headers);
    const { id } = await (await ask("POST", "/sessions", { body: {}, headers })).json<{ id: string }>();
    for (const _ of [1, 2, 3]) {
      await expectProblem(await ask("POST", "/sessions", { body: {}, headers }), "session_limit_exceeded");
    }
    await ask("DELETE", `/sessions/${id}`, { headers });
    expect(await events.next()).toMatchObject({
      type: "limit.exceeded",
      sessionId: null,
      data: { code: "session_limit_exceeded", limit: 1 },
    });
    expect(await events.next()).toMatchObject({ type: "session.deleted", sessionId: id });
  });
});
