import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import type { ExecutionList } from "../../../src/contract/execute.ts";
import { until } from "../../support/until.ts";
import { isRoot, refusalOf, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());

test("the record of an execution is a file in the workspace, from before its start to after its end", async () => {
  const executionId = "exe_file0000000000000000";
  const path = `${supervisor.workspace}/.buntime/executions/${executionId}`;
  const command = `cat .buntime/executions/${executionId}.json`;
  const { stdout } = await supervisor.execute({ executionId, command });
  expect(JSON.parse(stdout)).toMatchObject({ executionId, outcome: "running", command });
  expect(JSON.parse(readFileSync(`${path}.json`, "utf8"))).toEqual(await supervisor.record(executionId));
  expect(existsSync(`${path}.jsonl`)).toBe(true);
});

test("a record says all that is known of the end", async () => {
  const { executionId } = await supervisor.execute({
    command: "printf 12345; touch made; exit 9",
    workingDir: "/workspace",
  });
  const record = await supervisor.record(executionId);
  expect(record).toMatchObject({
    outcome: "exited",
    exitCode: 9,
    outputBytes: 5,
    truncated: false,
    filesWritten: ["made"],
  });
  expect(Date.parse(record.endedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(record.startedAt));
});

test("records survive a new supervisor, newest first, in pages", async () => {
  for (const at of [1, 2, 3]) await supervisor.execute({ command: `echo ${at}` });
  await supervisor.stop();
  await supervisor.start();
  const { executions, total } = await supervisor.json<ExecutionList>("/executions?limit=2&offset=1");
  expect(executions.map(({ command }) => command)).toEqual(["echo 2", "echo 1"]);
  expect(total).toBeGreaterThanOrEqual(3);
});

test("an unknown execution is execution_not_found", async () => {
  for (const path of ["/executions/exe_none0000000000000000", "/executions/exe_none0000000000000000/output"]) {
    const { status, error } = await refusalOf(await supervisor.fetch(path));
    expect([status, error.code]).toEqual([404, "execution_not_found"]);
  }
});

test("a process that lives for a while has a note in .buntime/processes, gone when it is", async () => {
  const { pid, executionId } = await supervisor.execute({ command: "sleep 60", background: true });
  const path = `${supervisor.workspace}/.buntime/processes/${pid}.json`;
  await until("the note is there", () => existsSync(path));
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid, executionId });
  await supervisor.kill();
  await until("the note is gone", () => !existsSync(path));
});

test.if(isRoot)("user code cannot forge records", async () => {
  const { executionId } = await supervisor.execute({ command: "true" });
  const file = `.buntime/executions/${executionId}.json`;
  const command = `echo forged > ${file}; rm -f ${file}; ln -s /etc .buntime/executions/link; mv .buntime/executions x`;
  await supervisor.execute({ command });
  expect((await supervisor.record(executionId)).outcome).toBe("exited");
  expect(readdirSync(`${supervisor.workspace}/.buntime`)).toContain("executions");
});

test("a data directory that was replaced by a link leads nowhere: it is made again", async () => {
  const outside = `${supervisor.workspace}/outside`;
  mkdirSync(outside);
  renameSync(`${supervisor.workspace}/.buntime`, `${supervisor.workspace}/moved`);
  symlinkSync(outside, `${supervisor.workspace}/.buntime`);
  const { executionId } = await supervisor.execute({ command: "echo kept" });
  expect(readdirSync(outside)).toEqual([]);
  expect(lstatSync(`${supervisor.workspace}/.buntime`).isDirectory()).toBe(true);
  expect((await supervisor.output(executionId)).chunks.map(({ data }) => data)).toEqual(["kept\n"]);
});

test("a data directory that was removed is made again", async () => {
  rmSync(`${supervisor.workspace}/.buntime`, { recursive: true });
  const { executionId } = await supervisor.execute({ command: "echo kept" });
  expect(existsSync(`${supervisor.workspace}/.buntime/executions/${executionId}.json`)).toBe(true);
});

test("the oldest finished records make room beyond a thousand", async () => {
  const { executionId: first } = await supervisor.execute({ command: "true" });
  const call = () => supervisor.execute({ command: ":" });
  for (let at = 0; at < 1000; at += 20) await Promise.all(Array.from({ length: 20 }, call));
  await until("a thousand are left", async () => (await supervisor.json<ExecutionList>("/executions")).total === 1000);
  expect((await supervisor.fetch(`/executions/${first}`)).status).toBe(404);
}, 30_000);

test("nothing is answered without the token", async () => {
  for (const authorization of ["", "Bearer", `Bearer ${supervisor.token}0`, `Bearer ${"x".repeat(64)}`]) {
    const { status, error } = await refusalOf(await supervisor.fetch("/health", { headers: { authorization } }));
    expect([status, error.code]).toEqual([401, "unauthorized"]);
  }
});

test("a body that is not JSON and a path that is none are refused with a code", async () => {
  const { status, error } = await refusalOf(await supervisor.fetch("/execute", { method: "POST", body: "{" }));
  expect([status, error.code]).toEqual([400, "invalid_request"]);
  expect((await supervisor.fetch("/nothing")).status).toBe(404);
});
