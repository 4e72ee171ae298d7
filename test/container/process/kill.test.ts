import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { until } from "../../support/until.ts";
import { SLOW_MS, refusalOf, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterEach(() => supervisor.kill({ signal: "SIGKILL" }));
afterAll(() => supervisor[Symbol.asyncDispose]());

const exists = (name: string) => () => existsSync(`${supervisor.workspace}/${name}`);

test("killing the pid of an execution ends its whole group, and its record says on request", async () => {
  const { pid, executionId } = await supervisor.execute({ command: "sleep 60 & sleep 61; true", background: true });
  await until("all three run", async () => (await supervisor.processes()).length === 3);
  const { killed, pids } = await supervisor.kill({ pid: pid ?? 0 });
  expect([killed, pids.length, pids.includes(pid ?? 0)]).toEqual([3, 3, true]);
  expect(await supervisor.processes()).toEqual([]);
  await until("it has ended", async () => (await supervisor.record(executionId)).outcome !== "running");
  const record = await supervisor.record(executionId);
  expect(record).toMatchObject({ outcome: "killed", reason: "requested", signal: "SIGTERM" });
});

test("killing a child ends it and its descendants, not its parent", async () => {
  const answer = supervisor.execute({ command: "sh -c 'sleep 62; true'; echo went on" });
  await until("the child runs", async () =>
    (await supervisor.processes()).some(({ command }) => command === "sleep 62"),
  );
  const child = (await supervisor.processes()).find(({ command }) => command.startsWith("sh -c"));
  expect((await supervisor.kill({ pid: child?.pid ?? 0 })).killed).toBe(2);
  expect(await answer).toMatchObject({ exitCode: 0, stdout: "went on\n" });
});

test("killing all ends every process of every execution", async () => {
  for (const seconds of [63, 64]) await supervisor.execute({ command: `sleep ${seconds}; true`, background: true });
  await until("all four run", async () => (await supervisor.processes()).length === 4);
  expect((await supervisor.kill()).killed).toBe(4);
  expect(await supervisor.processes()).toEqual([]);
  expect(await supervisor.kill()).toEqual({ killed: 0, pids: [] });
});

test(
  "what ignores TERM is killed for certain",
  async () => {
    const command = "trap '' TERM; touch trapped; while :; do sleep 0.1; done";
    const { executionId } = await supervisor.execute({ command, background: true });
    await until("TERM is trapped", exists("trapped"));
    await supervisor.kill();
    expect(await supervisor.processes()).toEqual([]);
    await until("it is recorded as killed", async () => (await supervisor.record(executionId)).outcome === "killed");
    expect(await supervisor.record(executionId)).toMatchObject({ reason: "requested", signal: "SIGKILL" });
  },
  SLOW_MS,
);

test("a given signal is sent as it is, and is no kill when the program handles it", async () => {
  const command = "trap 'echo caught; exit 7' USR1; touch ready; while :; do sleep 0.05; done";
  const answer = supervisor.execute({ command });
  await until("the trap is set", exists("ready"));
  const [leader] = await supervisor.processes();
  await supervisor.kill({ pid: leader?.pid ?? 0, signal: "SIGUSR1" });
  const { executionId, exitCode } = await answer;
  expect(exitCode).toBe(7);
  expect(await supervisor.record(executionId)).toMatchObject({ outcome: "exited", reason: null });
});

test("a stopped process is listed, and ended all the same", async () => {
  await supervisor.execute({ command: "exec sleep 65", background: true });
  await until("it runs", async () => (await supervisor.processes()).some(({ command }) => command === "sleep 65"));
  await supervisor.kill({ signal: "SIGSTOP" });
  expect(await supervisor.processes()).toHaveLength(1);
  expect((await supervisor.kill({ signal: "SIGKILL" })).killed).toBe(1);
});

test("an unknown pid, and one that is not of the session, are process_not_found", async () => {
  for (const pid of [1, supervisor.pid, process.pid, 4_000_000]) {
    const { status, error } = await refusalOf(await supervisor.post("/kill", { pid }));
    expect([status, error.code]).toEqual([404, "process_not_found"]);
  }
});

test("the process table names each process with its parent, execution, memory and CPU", async () => {
  const code = "while (process.cpuUsage().user < 200_000); setInterval(() => {}, 1000)";
  const { pid, executionId } = await supervisor.execute({ code, background: true });
  await until("it has used its CPU time", async () => ((await supervisor.processes())[0]?.cpu ?? 0) >= 150);
  const [process] = await supervisor.processes();
  expect(process).toMatchObject({ pid: pid ?? 0, parentPid: 1, executionId, ports: [] });
  expect(process?.memory).toBeGreaterThan(10 * 1024 * 1024);
  expect(Math.abs(Date.parse(process?.startedAt ?? "") - Date.now())).toBeLessThan(60_000);
});
