// Sleep and wake when a client asks for them, and what is told of a session without touching it.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { ExecutionList } from "../../src/contract/execute.ts";
import { Session, SessionInfo } from "../../src/contract/session.ts";
import { SnapshotList } from "../../src/contract/snapshot.ts";
import { sessionOf } from "../../src/session/rpc.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

async function change(id: string, to: "sleep" | "wake"): Promise<Session> {
  const response = await ask("POST", `/sessions/${id}/${to}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return Session.parse(JSON.parse(text));
}

async function infoOf(id: string): Promise<SessionInfo> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
}

async function isRunning(id: string): Promise<boolean> {
  return JSON.stringify(await engine("GET", `/containers/${id}`)).includes('"running":true');
}

describe("a session that is put to sleep", () => {
  it("has its files saved and verified and its container released by the time of the answer, and wakes with them", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    expect(await change(id, "sleep")).toMatchObject({ id, state: "deep-sleep" });
    expect(await isRunning(id)).toBe(false);
    const { snapshots } = SnapshotList.parse(await (await ask("GET", `/sessions/${id}/snapshots`)).json());
    expect(snapshots).toEqual([expect.objectContaining({ reason: "deep-sleep", damaged: null })]);
    expect(snapshots[0]?.verifiedAt).not.toBeNull();
    expect(await infoOf(id)).toMatchObject({ state: "deep-sleep", lastLoss: null, memoryUsed: 0, activeProcesses: 0 });

    expect(await change(id, "wake")).toMatchObject({ id, state: "active" });
    expect(await isRunning(id)).toBe(true);
    expect((await infoOf(id)).lastRestore).not.toBeNull();
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("kept\n");
  });

  it("twice, or by many at once, sleeps once; and so with waking", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    const slept = await Promise.all(Array.from({ length: 5 }, () => change(id, "sleep")));
    expect(slept.map(({ state }) => state)).toEqual(Array(5).fill("deep-sleep"));
    expect(await change(id, "sleep")).toMatchObject({ state: "deep-sleep" });
    const list = SnapshotList.parse(await (await ask("GET", `/sessions/${id}/snapshots`)).json());
    expect(list.total).toBe(1);
    const woken = await Promise.all(Array.from({ length: 5 }, () => change(id, "wake")));
    expect(woken.map(({ state }) => state)).toEqual(Array(5).fill("active"));
    expect(await change(id, "wake")).toMatchObject({ state: "active" });
  });

  it("before it was ever used, or while its container starts, sleeps as well", async () => {
    const { id } = await createSession();
    expect(await change(id, "sleep")).toMatchObject({ state: "deep-sleep" });
    expect(await isRunning(id)).toBe(false);
    expect((await execute({ sessionId: id, command: "echo on" })).stdout).toBe("on\n");
  });

  it("answers who waited for an execution, and records how it ended", async () => {
    const { id } = await createSession();
    const running = ask("POST", "/execute", {
      body: { sessionId: id, command: "echo begun; sleep 600", timeout: 300 },
    });
    const executions = async (): Promise<ExecutionList["executions"]> =>
      ExecutionList.parse(await (await ask("GET", `/sessions/${id}/executions`)).json()).executions;
    await until("it runs", async () => (await executions())[0]?.outcome === "running");
    expect(await change(id, "sleep")).toMatchObject({ state: "deep-sleep" });
    const answer = await running;
    expect(await answer.json()).toMatchObject({ stdout: "begun\n", exitCode: null, signal: "SIGTERM" });
    expect(await executions()).toEqual([expect.objectContaining({ outcome: "killed", reason: "requested" })]);
    expect(await infoOf(id)).toMatchObject({ state: "deep-sleep", lastLoss: null });
  });

  it("with a server in the background tells what ended with its container, and starts its services when it wakes", async () => {
    const service = {
      name: "web",
      command: "bun -e 'Bun.serve({ port: 8080, fetch: () => new Response(`up`) })'",
      port: 8080,
    };
    const { id } = await createSession({ services: [service] });
    expect(await (await visit(previewUrl(id))).text()).toBe("up");
    await change(id, "sleep");
    const list = await (await ask("GET", `/sessions/${id}/processes`)).json();
    expect(list).toMatchObject({ processes: [], services: [{ status: "stopped" }], ended: { reason: "deep-sleep" } });
    await change(id, "wake");
    expect(await (await visit(previewUrl(id))).text()).toBe("up");
  });

  it("wakes again for calls that come while it falls asleep", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    const sleeping = change(id, "sleep");
    const run = execute({ sessionId: id, command: "cat kept" });
    await sleeping;
    expect((await run).stdout).toBe("kept\n");
  });

  it("stays frozen and unreleased where its files cannot be saved, and sleeps once they can", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo kept > kept" });
    const broken = vi.spyOn(env.SNAPSHOTS, "put").mockRejectedValue(new Error("no bucket"));
    try {
      await expectProblem(await ask("POST", `/sessions/${id}/sleep`), "storage_unavailable");
      expect([(await infoOf(id)).state, await isRunning(id)]).toEqual(["idle", true]);
    } finally {
      broken.mockRestore();
    }
    expect(await change(id, "sleep")).toMatchObject({ state: "deep-sleep" });
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("kept\n");
  });

  it("can be woken by nobody else, nor put to sleep, nor be seen", async () => {
    const { id } = await createSession();
    const theirs = sessionOf(env, id);
    for (const answer of await Promise.all([
      theirs.sleep("another"),
      theirs.wake("another"),
      theirs.previewRequests("another", { after: 0, limit: 10 }),
      theirs.executions("another", { limit: 10, offset: 0 }),
    ])) {
      expect(answer).toMatchObject({ ok: false, error: { code: "session_not_found" } });
    }
    await expectProblem(await ask("POST", "/sessions/ses_00000000000000000000/sleep"), "session_not_found");
    await expectProblem(await ask("POST", "/sessions/nobody/wake"), "session_not_found");
  });

  it("is not woken when its budget is spent", async () => {
    const { id } = await createSession({ budget: { executions: 1 } });
    await execute({ sessionId: id, command: "true" });
    await until("it sleeps", async () => (await infoOf(id)).state === "deep-sleep");
    expect(await expectProblem(await ask("POST", `/sessions/${id}/wake`), "forbidden")).toMatchObject({
      of: "session",
    });
    expect(await change(id, "sleep")).toMatchObject({ state: "deep-sleep" });
  });

  it("knows its executions still after its object is lost", async () => {
    const { id } = await createSession();
    const { executionId } = await execute({ sessionId: id, command: "echo said" });
    await change(id, "sleep");
    await loseObject(env.SESSION.getByName(id));
    const output = await ask("GET", `/sessions/${id}/executions/${executionId}/output`);
    expect(await output.json()).toMatchObject({ chunks: [{ data: "said\n" }], done: true, outcome: "exited" });
    expect([(await infoOf(id)).state, await isRunning(id)]).toEqual(["deep-sleep", false]);
  });
});

describe("the memory of a session", () => {
  it("is what its processes hold now", async () => {
    const { id } = await createSession();
    const code =
      "const held = Buffer.alloc(100 << 20, 1); Bun.serve({ port: 8080, fetch: () => new Response(`${held[0]}`) })";
    expect((await execute({ sessionId: id, code })).background).toBe(true);
    const { memoryUsed, activeProcesses } = await infoOf(id);
    expect(activeProcesses).toBeGreaterThanOrEqual(1);
    expect(memoryUsed).toBeGreaterThan(100 << 20);
    expect(memoryUsed).toBeLessThan(1024 ** 3);
    await ask("POST", "/execution/kill", { body: { sessionId: id } });
    expect(await infoOf(id)).toMatchObject({ memoryUsed: 0, activeProcesses: 0 });
  });
});
