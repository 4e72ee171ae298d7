// Sessions that have no container until something needs one: `container: "on-demand"`.
import { env, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ExecutionList, ProcessList } from "../../src/contract/execute.ts";
import { FileList, SearchAnswer } from "../../src/contract/files.ts";
import { Session, SessionInfo, SessionList } from "../../src/contract/session.ts";
import { UsageReport } from "../../src/contract/usage.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

const onDemand = (body: object = {}): Promise<Session> => createSession({ ...body, container: "on-demand" });

/** How often the engine was told to start a container for a session, from now on. */
function startsOf(): (id: string) => number {
  const fetches = vi.spyOn(globalThis, "fetch");
  onTestFinished(() => fetches.mockRestore());
  return (id) =>
    fetches.mock.calls.filter(([input]) =>
      (input instanceof Request ? input.url : String(input)).endsWith(`/containers/${id}/start`),
    ).length;
}

async function infoOf(id: string): Promise<SessionInfo> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json());
}

async function isRunning(id: string): Promise<boolean> {
  return JSON.stringify(await engine("GET", `/containers/${id}`)).includes('"running":true');
}

async function filesOf(archive: ArrayBuffer): Promise<Uint8Array> {
  const body = new Blob([archive]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(body).arrayBuffer());
}

describe("a session whose container comes on demand", () => {
  it("begins asleep, and no container is started for looking at it", async () => {
    const starts = startsOf();
    const session = await onDemand({ metadata: { of: "on-demand" } });
    const { id } = session;
    expect(session.state).toBe("deep-sleep");
    expect(await infoOf(id)).toMatchObject({
      state: "deep-sleep",
      filesCount: 0,
      diskUsed: 0,
      memoryUsed: 0,
      activeProcesses: 0,
      idleAt: null,
      deepSleepAt: null,
      savedAt: null,
      lastLoss: null,
      lastRestore: null,
    });
    await until("the list tells it", async () => {
      const { sessions } = SessionList.parse(await (await ask("GET", "/sessions?metadata.of=on-demand")).json());
      return sessions[0]?.state === "deep-sleep";
    });
    expect(FileList.parse(await (await ask("GET", `/files/list?sessionId=${id}&recursive=true`)).json())).toEqual({
      files: [],
      total: 0,
    });
    await expectProblem(await ask("GET", `/files/read?sessionId=${id}&path=a`), "file_not_found");
    await expectProblem(await ask("GET", `/files/list?sessionId=${id}&path=a`), "file_not_found");
    await expectProblem(await ask("GET", `/sessions/${id}/files/a/b`), "file_not_found");
    expect((await ask("HEAD", `/sessions/${id}/files/a`)).status).toBe(404);
    const search = await ask("GET", `/sessions/${id}/files/search?q=a`);
    expect(SearchAnswer.parse(await search.json())).toEqual({ matches: [], truncated: false });
    const archive = await ask("GET", `/sessions/${id}/archive`);
    expect([archive.status, archive.headers.get("content-type")]).toEqual([200, "application/gzip"]);
    expect((await filesOf(await archive.arrayBuffer())).every((byte) => byte === 0)).toBe(true);
    const executions = await ask("GET", `/sessions/${id}/executions`);
    expect(ExecutionList.parse(await executions.json())).toEqual({ executions: [], total: 0 });
    for (const path of ["", "/output"]) {
      const unknown = await ask("GET", `/sessions/${id}/executions/exe_00000000000000000000${path}`);
      await expectProblem(unknown, "execution_not_found");
    }
    const processes = await ask("GET", `/sessions/${id}/processes`);
    expect(ProcessList.parse(await processes.json())).toEqual({ processes: [], services: [], ended: null });
    for (const list of ["snapshots", "contexts", "terminals", "threads", "preview-requests", "replay"]) {
      const answer = await ask("GET", `/sessions/${id}/${list}`);
      expect([list, answer.status]).toEqual([list, 200]);
      await answer.body?.cancel();
    }
    expect(await (await ask("POST", "/execution/kill", { body: { sessionId: id } })).json()).toMatchObject({
      killed: 0,
    });
    expect((await ask("PATCH", `/sessions/${id}`, { body: { ttl: 3600, services: [] } })).status).toBe(200);
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    expect([(await infoOf(id)).state, starts(id)]).toEqual(["deep-sleep", 0]);
  });

  it("has a history from the beginning on, which needs none", async () => {
    const starts = startsOf();
    const { id } = await onDemand();
    const messages = [
      { type: "user_message", content: "How are you?" },
      { type: "agent_response", content: "Asleep." },
    ];
    expect((await ask("POST", `/sessions/${id}/messages`, { body: { messages } })).status).toBe(201);
    await loseObject(env.SESSION.getByName(id));
    expect(await (await ask("GET", `/sessions/${id}/messages`)).json()).toMatchObject({ items: messages });
    expect(await (await ask("GET", `/sessions/${id}/events?q=asleep`)).json()).toMatchObject({
      items: [{ type: "agent_response", payload: { content: "Asleep." } }],
    });
    expect(await (await ask("DELETE", `/sessions/${id}/messages`)).json()).toEqual({ deleted: 2 });
    expect([(await infoOf(id)).state, starts(id)]).toEqual(["deep-sleep", 0]);
  });

  const needs: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
    ["an execution", (sessionId) => execute({ sessionId, command: "true" })],
    [
      "a file that is written",
      (sessionId) => ask("POST", "/files/write", { body: { sessionId, path: "a", content: "" } }),
    ],
    ["a preview", (id) => visit(previewUrl(id))],
    ["being woken", (id) => ask("POST", `/sessions/${id}/wake`)],
    ["a snapshot", (id) => ask("POST", `/sessions/${id}/snapshots`, { body: {} })],
  ];
  it.each(needs)("gets it by %s, once, and has an empty workspace then", async (_, need) => {
    const starts = startsOf();
    const { id } = await onDemand();
    await need(id);
    expect([await isRunning(id), starts(id), (await infoOf(id)).state]).toEqual([true, 1, "active"]);
    expect((await execute({ sessionId: id, command: "ls; pwd" })).stdout).toMatch(/^(a\n)?\/workspace\n$/);
    expect(await infoOf(id)).toMatchObject({ lastLoss: null, lastRestore: null });
    expect(starts(id)).toBe(1);
  });

  it("gets one container for many calls at the same time, and keeps its files over every later sleep", async () => {
    const starts = startsOf();
    const { id } = await onDemand();
    await Promise.all([1, 2, 3, 4].map((n) => execute({ sessionId: id, command: `echo ${n} > ${n}` })));
    expect(starts(id)).toBe(1);
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    expect(await infoOf(id)).toMatchObject({ state: "deep-sleep", filesCount: 4 });
    expect((await execute({ sessionId: id, command: "cat *" })).stdout).toBe("1\n2\n3\n4\n");
    expect(starts(id)).toBe(2);
  });

  it("starts its services with it and not before", async () => {
    const command = "bun -e 'Bun.serve({ port: 8080, fetch: () => new Response(`up`) })'";
    const { id } = await onDemand({ services: [{ name: "web", command, port: 8080 }] });
    const processes = await ask("GET", `/sessions/${id}/processes`);
    expect(await processes.json()).toMatchObject({ processes: [], services: [{ status: "stopped" }], ended: null });
    expect(await isRunning(id)).toBe(false);
    expect(await (await visit(previewUrl(id))).text()).toBe("up");
  });

  it("is counted as asleep until then, and costs no budget", async () => {
    const { id } = await onDemand({ budget: { activeSeconds: 1 } });
    await runDurableObjectAlarm(env.SESSION.getByName(id));
    const usage = UsageReport.parse(await (await ask("GET", "/usage?by=session&limit=100")).json());
    const row = usage.rows.find(({ sessionId }) => sessionId === id);
    expect([row?.activeSeconds ?? 0, row?.idleSeconds ?? 0, row?.vcpuSeconds ?? 0]).toEqual([0, 0, 0]);
    expect((await infoOf(id)).spent).toEqual({ activeSeconds: 0, executions: 0 });
  });

  it("is the same one after its object is lost, and after the call that made it was sent again", async () => {
    const starts = startsOf();
    const headers = { "idempotency-key": crypto.randomUUID() };
    const body = { container: "on-demand", tags: ["again"] };
    const first = Session.parse(await (await ask("POST", "/sessions", { body, headers })).json());
    await loseObject(env.SESSION.getByName(first.id));
    const again = Session.parse(await (await ask("POST", "/sessions", { body, headers })).json());
    expect(again).toEqual(first);
    expect([(await infoOf(first.id)).state, starts(first.id)]).toEqual(["deep-sleep", 0]);
    expect((await execute({ sessionId: first.id, command: "echo on" })).stdout).toBe("on\n");
  });

  it("can be forked before it was used, and deleted, and leaves nothing", async () => {
    const { id } = await onDemand();
    const fork = Session.parse(await (await ask("POST", `/sessions/${id}/fork`, { body: {} })).json());
    expect((await execute({ sessionId: fork.id, command: "ls" })).stdout).toBe("");
    const { id: unused } = await onDemand({ name: "unused" });
    expect(await (await ask("DELETE", "/sessions/unused")).json()).toEqual({ deleted: true, sessionId: unused });
    await expectProblem(await ask("GET", `/sessions/${unused}`), "session_not_found");
    await expectProblem(await ask("GET", `/files/list?sessionId=${unused}`), "session_not_found");
  });

  it("is refused where the value is none", async () => {
    for (const container of ["lazy", null, true, ""]) {
      await expectProblem(await ask("POST", "/sessions", { body: { container } }), "invalid_request");
    }
  });
});

describe("a session whose container was lost before anything was saved", () => {
  it("is read as what it is then: empty", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo gone > gone" });
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    await until("the loss is known", async () => (await infoOf(id)).lastLoss !== null);
    expect(await (await ask("GET", `/files/list?sessionId=${id}`)).json()).toEqual({ files: [], total: 0 });
    await expectProblem(await ask("GET", `/files/read?sessionId=${id}&path=gone`), "file_not_found");
    expect(await infoOf(id)).toMatchObject({ state: "deep-sleep", lastLoss: { savedAt: null } });
    expect((await execute({ sessionId: id, command: "ls" })).stdout).toBe("");
  });
});
