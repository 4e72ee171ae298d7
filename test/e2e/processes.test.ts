// Processes: what runs, ending it, and the records of what ran.
import { describe, expect, test } from "vitest";
import { ExecutionList, ExecutionRecord, KillAnswer, ProcessList } from "../../src/contract/execute.ts";
import { newSession, ON_DOCKER, platformOfRun, problem } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const processes = async (sessionId: string): Promise<ProcessList["processes"]> =>
  (await client.ask(ProcessList, "GET", `/sessions/${sessionId}/processes`)).processes;

const ended = (sessionId: string, executionId: string): Promise<ExecutionRecord> =>
  until("the end of the execution", async () => {
    const now = await client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);
    return now.outcome !== "running" && now;
  });

const kill = (body: { sessionId: string; pid?: number; signal?: string }): Promise<KillAnswer> =>
  client.ask(KillAnswer, "POST", "/execution/kill", body);

describe("the process list", () => {
  test("is empty when nothing runs", async () => {
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "true" });
    expect(await processes(sessionId)).toEqual([]);
  });

  test("shows command, execution, start, memory, CPU and ports", async () => {
    const { id: sessionId } = await newSession(client);
    const code =
      "while (process.cpuUsage().user < 60_000); Bun.serve({ port: 8080, fetch: () => new Response() }); Bun.serve({ port: 3000, fetch: () => new Response() })";
    const { executionId, pid } = await client.execute({ sessionId, code });
    const list = await processes(sessionId);
    const server = list.find((process) => process.pid === pid);
    expect(server).toMatchObject({ executionId });
    expect(server?.ports.toSorted()).toEqual([3000, 8080]);
    expect(server?.memory).toBeGreaterThan(1024 * 1024);
    expect(server?.cpu).toBeGreaterThan(0);
    expect(Math.abs(Date.now() - Date.parse(server?.startedAt ?? ""))).toBeLessThan(60_000);
  });

  test("shows children, and never the platform's own processes", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId, pid } = await client.execute({
      sessionId,
      command: "sleep 1000 & sleep 1001; true",
      background: true,
    });
    // A child is its parent's likeness until it has begun its own program.
    const list = await until("both children", async () => {
      const now = await processes(sessionId);
      return now.filter(({ command }) => command.startsWith("sleep")).length === 2 && now;
    });
    expect(list.every((process) => process.executionId === executionId)).toBe(true);
    expect(
      list
        .filter(({ parentPid }) => parentPid === pid)
        .map(({ command }) => command)
        .toSorted(),
    ).toEqual(["sleep 1000", "sleep 1001"]);
    expect(list.map(({ command }) => command).join()).not.toMatch(/supervisor|init\.sh/);
  });

  test("the session counts them", async () => {
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "sleep 1000", background: true });
    const response = await client.request("GET", `/sessions/${sessionId}`);
    expect(JSON.parse(await response.text()).activeProcesses).toBeGreaterThanOrEqual(1);
  });
});

describe("kill", () => {
  test("ends a process with its children, and the record says it was asked for", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId, pid } = await client.execute({
      sessionId,
      command: "sleep 1000 & sleep 1001",
      background: true,
    });
    const answer = await kill({ sessionId, pid: pid ?? 0 });
    expect(answer.pids).toContain(pid);
    expect(answer.killed).toBe(answer.pids.length);
    expect(await ended(sessionId, executionId)).toMatchObject({
      outcome: "killed",
      reason: "requested",
      signal: "SIGTERM",
    });
    expect(await processes(sessionId)).toEqual([]);
  });

  test("without a pid ends every process of the session, and none of another", async () => {
    const [{ id: sessionId }, { id: other }] = await Promise.all([newSession(client), newSession(client)]);
    await Promise.all([
      client.execute({ sessionId, command: "sleep 1000", background: true }),
      client.execute({ sessionId, command: "sleep 1000", background: true }),
      client.execute({ sessionId: other, command: "sleep 1000", background: true }),
    ]);
    expect((await kill({ sessionId })).killed).toBeGreaterThanOrEqual(2);
    await until("none to be left", async () => (await processes(sessionId)).length === 0);
    expect((await processes(other)).length).toBeGreaterThanOrEqual(1);
  });

  test("of nothing is nothing", async () => {
    const { id: sessionId } = await newSession(client);
    expect(await kill({ sessionId })).toEqual({ killed: 0, pids: [] });
  });

  test("ends what ignores TERM, by KILL", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId, pid } = await client.execute({
      sessionId,
      command: "trap '' TERM; touch ready; while :; do sleep 0.05; done",
      background: true,
    });
    await until("the trap", async () => (await client.execute({ sessionId, command: "ls ready" })).exitCode === 0);
    await kill({ sessionId, pid: pid ?? 0 });
    expect(await ended(sessionId, executionId)).toMatchObject({
      outcome: "killed",
      reason: "requested",
      signal: "SIGKILL",
    });
  });

  test("sends the signal that is asked for, and that alone", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId, pid } = await client.execute({
      sessionId,
      command: "trap 'echo got USR1; exit 9' USR1; touch ready; while :; do sleep 0.05; done",
      background: true,
    });
    await until("the trap", async () => (await client.execute({ sessionId, command: "ls ready" })).exitCode === 0);
    await kill({ sessionId, pid: pid ?? 0, signal: "SIGUSR1" });
    expect(await ended(sessionId, executionId)).toMatchObject({ exitCode: 9 });
  });

  test("ends a call that is waiting, with what it printed", async () => {
    const { id: sessionId } = await newSession(client);
    const waiting = client.execute({ sessionId, command: "echo begun; touch ready; sleep 1000", background: false });
    await until("its start", async () => (await client.execute({ sessionId, command: "ls ready" })).exitCode === 0);
    await kill({ sessionId });
    expect(await waiting).toMatchObject({ stdout: "begun\n", signal: "SIGTERM", timedOut: false });
  });

  test("of a pid that is not the session's is process_not_found, pid 1 and the supervisor included", async () => {
    const { id: sessionId } = await newSession(client);
    for (const pid of [1, 2, 999_999]) {
      const json = { sessionId, pid, signal: "SIGKILL" };
      expect(await problem(client, "POST", "/execution/kill", { json }), String(pid)).toMatchObject({
        status: 404,
        code: "process_not_found",
      });
    }
    expect(await client.execute({ sessionId, command: "echo alive" })).toMatchObject({ stdout: "alive\n" });
  });

  test("of nonsense is refused", async () => {
    const { id: sessionId } = await newSession(client);
    for (const json of [
      { sessionId, pid: -1 },
      { sessionId, pid: 0 },
      { sessionId, pid: 1.5 },
      { sessionId, signal: "SIGWHAT" },
      {},
    ]) {
      expect(await problem(client, "POST", "/execution/kill", { json })).toMatchObject({
        status: 400,
        code: "invalid_request",
      });
    }
  });

  test("a user program can neither see nor end the supervisor", async () => {
    const { id: sessionId } = await newSession(client);
    const answer = await client.execute({ sessionId, command: "kill -9 1; kill -9 -1; exit 0" });
    expect(answer.timedOut).toBe(false);
    expect(await client.execute({ sessionId, command: "echo alive" })).toMatchObject({ stdout: "alive\n" });
    const environments = await client.execute({
      sessionId,
      command: "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
    });
    expect(environments.stdout).not.toMatch(/BUNTIME_TOKEN/);
  });
});

describe("the supervisor", () => {
  test("takes no orders from the programs beside it", async () => {
    const { id: sessionId } = await newSession(client);
    const code = `import { readdirSync } from "node:fs";
const ask = async (init) => { try { return (await fetch("http://127.0.0.1:9797/health", init)).status; } catch { return "refused"; } };
const look = (folder) => { try { return readdirSync(folder).join(); } catch (error) { return error.code; } };
console.log(JSON.stringify([await ask(), await ask({ headers: { authorization: "Bearer x" } }), look("/run/buntime")]));`;
    const [open, wrong, sockets] = JSON.parse((await client.execute({ sessionId, code })).stdout);
    for (const answer of [open, wrong]) expect(["refused", 401, 403]).toContain(answer);
    // What is seen there is nothing, or cannot be looked at.
    expect(["EACCES", "EPERM", "ENOENT", ""]).toContain(sockets);
  });

  test.skipIf(ON_DOCKER)("leads no program to the machine's own ports, not even through the proxy", async () => {
    const { id: sessionId } = await newSession(client);
    const target = `http://127.0.0.1:${client.url.port}/health`;
    const code = `import { connect } from "node:net";
const proxy = new URL(process.env.HTTP_PROXY);
const socket = connect(Number(proxy.port), proxy.hostname);
socket.write("GET ${target} HTTP/1.1\\r\\nhost: 127.0.0.1:${client.url.port}\\r\\nconnection: close\\r\\n\\r\\n");
let text = ""; for await (const chunk of socket) text += chunk;
console.log(text.split("\\r\\n")[0]);
try { console.log((await fetch("${target}", { proxy: "" })).status); } catch { console.log("refused"); }`;
    const { stdout } = await client.execute({ sessionId, code });
    expect(stdout).toMatch(/^(HTTP\/1\.1 [45]\d\d.*)?\nrefused\n$/);
  });
});

describe("records", () => {
  test("are listed newest first, a page at a time", async () => {
    const { id: sessionId } = await newSession(client);
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      ids.unshift((await client.execute({ sessionId, command: `echo ${index}` })).executionId);
    }
    const list = await client.ask(ExecutionList, "GET", `/sessions/${sessionId}/executions`);
    expect(list.total).toBe(5);
    expect(list.executions.map(({ executionId }) => executionId)).toEqual(ids);
    const page = await client.ask(ExecutionList, "GET", `/sessions/${sessionId}/executions?limit=2&offset=1`);
    expect(page.total).toBe(5);
    expect(page.executions.map(({ executionId }) => executionId)).toEqual(ids.slice(1, 3));
  });

  test("say what ran, how it ended and what it wrote", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId } = await client.execute({ sessionId, command: "echo hello > h.txt; echo out; exit 2" });
    const record = await client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);
    expect(record).toMatchObject({
      executionId,
      outcome: "exited",
      reason: null,
      command: "echo hello > h.txt; echo out; exit 2",
      code: null,
      exitCode: 2,
      signal: null,
      filesWritten: ["h.txt"],
      outputBytes: 4,
      truncated: false,
    });
    expect(Date.parse(record.endedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(record.startedAt));
  });

  test("tell a time-out from an end of its own", async () => {
    const { id: sessionId } = await newSession(client);
    const { executionId } = await client.execute({ sessionId, command: "sleep 60", timeout: 0.3 });
    expect(await ended(sessionId, executionId)).toMatchObject({ outcome: "timed_out" });
  });

  test("a paging that is none is refused", async () => {
    const { id: sessionId } = await newSession(client);
    for (const query of ["limit=0", "limit=101", "limit=x", "offset=-1"]) {
      expect(await problem(client, "GET", `/sessions/${sessionId}/executions?${query}`)).toMatchObject({ status: 400 });
    }
  });
});
