import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DEVELOPMENT_ACCOUNT } from "../../src/contract/ids.ts";
import { Session, SessionInfo } from "../../src/contract/session.ts";
import { UsageReport } from "../../src/contract/usage.ts";
import type { Budget } from "../../src/contract/usage.ts";
import { askAs, createAccount, operate } from "./accounts.ts";
import { ask, createSession, execute, expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

const MINUTE = 60_000;
const stubOf = (sessionId: string): DurableObjectStub => env.SESSION.getByName(sessionId);

afterEach(() => {
  vi.useRealTimers();
});

function passTime(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
}

async function info(sessionId: string): Promise<SessionInfo> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${sessionId}`)).json());
}

const sleeps = (sessionId: string): Promise<void> =>
  until("the session sleeps", async () => (await info(sessionId)).state === "deep-sleep");

function run(sessionId: string, command = "true"): Promise<Response> {
  return ask("POST", "/execute", { body: { sessionId, command } });
}

/** How often the account was told that a budget is spent, by session. */
function told(sessionId: string | null, accountId: string = DEVELOPMENT_ACCOUNT): Promise<number> {
  return runInDurableObject(
    env.ACCOUNT.getByName(accountId),
    (_object, { storage }) =>
      storage.sql
        .exec<{ body: string }>("SELECT body FROM event WHERE type = 'budget.exceeded'")
        .toArray()
        .filter(({ body }) => (JSON.parse(body) as { sessionId: string | null }).sessionId === sessionId).length,
  );
}

describe("a session's budget of executions", () => {
  it("is exact, however many come at once; then the session sleeps and its files are still read", async () => {
    const { id } = await createSession({ budget: { executions: 3 } });
    expect(await info(id)).toMatchObject({ budget: { executions: 3 }, spent: { executions: 0 } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => run(id, "echo x >> file")));
    const refused = answers.filter(({ status }) => status === 403);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(refused).toHaveLength(5);
    await sleeps(id);
    expect(await expectProblem(await run(id), "forbidden")).toEqual({
      budget: "executions",
      of: "session",
      spent: 3,
      limit: 3,
    });
    await expectProblem(await visit(previewUrl(id)), "forbidden");
    await expectProblem(await ask("PUT", `/sessions/${id}/files/new`, { body: "x" }), "forbidden");
    expect(await (await ask("GET", `/sessions/${id}/files/file`)).text()).toBe("x\nx\nx\n");
    expect(await info(id)).toMatchObject({ state: "deep-sleep", spent: { executions: 3 } });
    await until("its account was told", async () => (await told(id)) === 1);
  });

  it("that is raised or taken away makes it usable again, with its files", async () => {
    const { id } = await createSession({ budget: { executions: 1 } });
    await run(id, "echo kept > file");
    await expectProblem(await run(id), "forbidden");
    const raised = await ask("PATCH", `/sessions/${id}`, { body: { budget: { executions: 2 } } });
    expect(await raised.json()).toMatchObject({ budget: { executions: 2 } });
    expect((await execute({ sessionId: id, command: "cat file" })).stdout).toBe("kept\n");
    await expectProblem(await run(id), "forbidden");
    const taken = await ask("PATCH", `/sessions/${id}`, { body: { budget: null } });
    expect(await taken.json()).toMatchObject({ budget: null });
    expect((await execute({ sessionId: id, command: "cat file" })).stdout).toBe("kept\n");
  });

  it("does not count what was refused, and counts what a lost object had begun", async () => {
    const { id } = await createSession({ budget: { executions: 3 } });
    const absent = { sessionId: id, command: "true", workingDir: "/workspace/absent" };
    expect((await ask("POST", "/execute", { body: absent })).status).not.toBe(200);
    expect((await info(id)).spent.executions).toBe(0);
    await run(id);
    await loseObject(stubOf(id));
    expect((await info(id)).spent.executions).toBe(1);
    const begun = run(id, "sleep 30").catch(() => null);
    await until("it runs", async () =>
      (await (await ask("GET", `/sessions/${id}/processes`)).text()).includes("sleep"),
    );
    await loseObject(stubOf(id));
    await begun;
    expect((await info(id)).spent.executions).toBe(2);
    expect((await run(id)).status).toBe(200);
    await expectProblem(await run(id), "forbidden");
  });

  it("is refused where it is none", async () => {
    for (const budget of [{ executions: -1 }, { executions: 1.5 }, { seconds: 1 }, 5]) {
      await expectProblem(await ask("POST", "/sessions", { body: { budget } }), "invalid_request");
    }
  });
});

describe("a session's budget of active seconds", () => {
  it("ends with the session asleep, by alarm, and whoever waits for an execution gets an answer", async () => {
    const { id } = await createSession({ budget: { activeSeconds: 60 } });
    await execute({ sessionId: id, command: "echo kept > file" });
    const waiting = execute({ sessionId: id, command: "echo begun; sleep 60" });
    await until("it runs", async () =>
      (await (await ask("GET", `/sessions/${id}/processes`)).text()).includes("sleep"),
    );
    const alarm = await runInDurableObject(stubOf(id), (_object, { storage }) => storage.getAlarm());
    expect(alarm).toBeLessThanOrEqual(Date.now() + 60_000);
    passTime(61_000);
    await runDurableObjectAlarm(stubOf(id));
    expect(await waiting).toMatchObject({ stdout: "begun\n" });
    await sleeps(id);
    expect(await expectProblem(await run(id), "forbidden")).toMatchObject({ budget: "activeSeconds", limit: 60 });
    passTime(60 * MINUTE);
    expect((await info(id)).spent.activeSeconds).toBeLessThan(70);
    await ask("PATCH", `/sessions/${id}`, { body: { budget: { activeSeconds: 3600 } } });
    expect((await execute({ sessionId: id, command: "cat file" })).stdout).toBe("kept\n");
  });

  it("of nothing starts no container at all", async () => {
    const { id } = await createSession({ budget: { activeSeconds: 0 } });
    await expectProblem(await run(id), "forbidden");
    await expectProblem(await ask("POST", `/sessions/${id}/snapshots`, { body: {} }), "forbidden");
    expect((await info(id)).spent.activeSeconds).toBe(0);
  });

  it("that is lowered below what was used puts the session to sleep", async () => {
    const { id } = await createSession();
    await run(id);
    passTime(2 * MINUTE);
    expect((await ask("PATCH", `/sessions/${id}`, { body: { budget: { activeSeconds: 10 } } })).status).toBe(200);
    await sleeps(id);
    await expectProblem(await run(id), "forbidden");
  });
});

describe("an account's budget", () => {
  interface Owner {
    readonly id: string;
    readonly key: string;
    readonly sessions: readonly string[];
  }

  /** An account with so many sessions that are in use. */
  async function owner(count: number): Promise<Owner> {
    const { id, key } = await createAccount({ plan: "paid" });
    const sessions = await Promise.all(
      Array.from({ length: count }, async () => {
        const created = Session.parse(await (await askAs(key, "POST", "/sessions", { body: {} })).json());
        expect((await runAs(key, created.id)).status).toBe(200);
        return created.id;
      }),
    );
    return { id, key, sessions };
  }

  const runAs = (key: string, sessionId?: string): Promise<Response> =>
    askAs(key, "POST", "/execute", { body: { ...(sessionId === undefined ? {} : { sessionId }), command: "true" } });

  const asleepAs = (key: string, sessionId: string): Promise<void> =>
    until("the session sleeps", async () => {
      const answer = await askAs(key, "GET", `/sessions/${sessionId}`);
      return SessionInfo.parse(await answer.json()).state === "deep-sleep";
    });

  async function setBudget({ id }: Owner, budget: Budget | null): Promise<void> {
    const answer = await operate("PATCH", `/accounts/${id}`, { budget });
    expect(await answer.json()).toMatchObject({ budget });
  }

  it("of executions is exact across its sessions, from the moment that it is set", async () => {
    const mine = await owner(3);
    await setBudget(mine, { executions: 8 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => runAs(mine.key, mine.sessions[index % mine.sessions.length])),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      expect(await expectProblem(refused, "forbidden")).toMatchObject({ budget: "executions", of: "account" });
    }
    await Promise.all(mine.sessions.map((id) => asleepAs(mine.key, id)));
    await expectProblem(await runAs(mine.key), "forbidden");
    await expectProblem(await askAs(mine.key, "POST", "/sessions", { body: {} }), "forbidden");
    await until("it was told", async () => (await told(null, mine.id)) === 1);
    await setBudget(mine, { executions: 9 });
    expect((await runAs(mine.key, mine.sessions[0])).status).toBe(200);
    await expectProblem(await runAs(mine.key, mine.sessions[1]), "forbidden");
    const report = await (await askAs(mine.key, "GET", "/usage")).json();
    expect(report).toMatchObject({ totals: { executions: 9 }, budget: { executions: 9 }, spent: { executions: 9 } });
  });

  it("of active seconds ends for all of its sessions at once", async () => {
    const mine = await owner(2);
    await setBudget(mine, { activeSeconds: 60 });
    const alarms = await Promise.all(
      mine.sessions.map((id) => runInDurableObject(stubOf(id), (_object, { storage }) => storage.getAlarm())),
    );
    // Two sessions use it up in half the time.
    for (const alarm of alarms) {
      expect(alarm).toBeLessThanOrEqual(Date.now() + 30_000);
    }
    passTime(31_000);
    const [first = "", second = ""] = mine.sessions;
    await runDurableObjectAlarm(stubOf(first));
    await asleepAs(mine.key, first);
    await asleepAs(mine.key, second);
    expect(await expectProblem(await runAs(mine.key, second), "forbidden")).toMatchObject({ of: "account" });
    await setBudget(mine, null);
    expect((await runAs(mine.key, second)).status).toBe(200);
  });

  it("is nobody else's", async () => {
    const [mine, theirs] = [await owner(1), await owner(1)];
    await setBudget(mine, { executions: 1 });
    await expectProblem(await runAs(mine.key, mine.sessions[0]), "forbidden");
    expect((await runAs(theirs.key, theirs.sessions[0])).status).toBe(200);
    const report = UsageReport.parse(await (await askAs(theirs.key, "GET", "/usage?by=session")).json());
    expect(report.rows.map(({ sessionId }) => sessionId)).toEqual(theirs.sessions);
  });
});
