import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import type { ExecutionList } from "../../../src/contract/execute.ts";
import { until } from "../../support/until.ts";
import { isRoot, refusalOf, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor({ env: { BUNTIME_SPARE_MEMORY_MS: "1000" } });
});
afterAll(() => supervisor[Symbol.asyncDispose]());

const DATA = ".buntime/executions";
const filesIn = (directory: string) => readdirSync(`${supervisor.workspace}/${directory}`);
const linesAbout = (executionId: string): unknown[] =>
  filesIn(DATA)
    .filter((name) => name.startsWith("records-"))
    .flatMap((name) => readFileSync(`${supervisor.workspace}/${DATA}/${name}`, "utf8").split("\n"))
    .filter((line) => line.includes(`"executionId":"${executionId}"`))
    .map((line) => JSON.parse(line));

test("the record of an execution is in the workspace, from before its start to after its end", async () => {
  const executionId = "exe_file0000000000000000";
  const command = `cat ${DATA}/records-*.jsonl | tail -n 1`;
  const { stdout } = await supervisor.execute({ executionId, command });
  expect(JSON.parse(stdout)).toMatchObject({ executionId, outcome: "running", command });
  const [begin, end, ...more] = linesAbout(executionId);
  expect(begin).toEqual(JSON.parse(stdout));
  const output = [{ seq: 1, stream: "stdout", data: stdout, encoding: "utf-8" }];
  expect(end).toEqual({ ...(await supervisor.record(executionId)), output });
  expect(more).toEqual([]);
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
  // It is made first and written then.
  await until("the note is written", () => existsSync(path) && readFileSync(path).length > 0);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ pid, executionId });
  await supervisor.kill();
  await until("the note is gone", () => !existsSync(path));
});

test.if(isRoot)("user code cannot forge records", async () => {
  const { executionId } = await supervisor.execute({ command: "true" });
  const before = filesIn(DATA);
  const forge = `for file in ${DATA}/*; do echo forged >> $file; rm -f $file; done`;
  const forger = await supervisor.execute({ command: `${forge}; ln -s /etc ${DATA}/link; mv ${DATA} x` });
  // What it printed has a file of its own where it took long.
  expect(filesIn(DATA).filter((name) => name !== `${forger.executionId}.jsonl`)).toEqual(before);
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
  expect(linesAbout(executionId)).toHaveLength(2);
});

test("output is the same under a new supervisor, whether it was short, long or late", async () => {
  const commands = [
    "printf 'a\\0b\\377'; echo err >&2",
    "head -c 100000 /dev/zero | tr '\\0' x",
    "sleep 0.2; echo late",
    "true",
  ];
  const ids: string[] = [];
  for (const command of commands) ids.push((await supervisor.execute({ command })).executionId);
  ids.push((await supervisor.execute({ command: "(sleep 0.3; echo from a child) & echo first" })).executionId);
  await until("the child is gone", async () => (await supervisor.processes()).length === 0);
  const read = () => Promise.all(ids.map((id) => supervisor.output(id)));
  await until("all is recorded", async () => (await read()).every(({ done }) => done));
  const before = await read();
  expect(before.map(({ chunks }) => chunks.map(({ data }) => data).join("").length)).toEqual([12, 100_000, 5, 0, 19]);
  await supervisor.stop();
  await supervisor.start();
  expect(await read()).toEqual(before);
});

test("a line that was cut off in the middle of its writing harms no other record", async () => {
  const { executionId } = await supervisor.execute({ command: "echo whole" });
  await supervisor.stop("SIGKILL");
  const last =
    filesIn(DATA)
      .filter((name) => name.startsWith("records-"))
      .toSorted()
      .at(-1) ?? "";
  appendFileSync(`${supervisor.workspace}/${DATA}/${last}`, '{"executionId":"exe_torn0000000000000000","outco');
  await supervisor.start();
  const { executionId: next } = await supervisor.execute({ command: "echo next" });
  await supervisor.stop();
  await supervisor.start();
  for (const id of [executionId, next]) expect((await supervisor.record(id)).outcome).toBe("exited");
});

test("an execution that could not be started has no record, under a new supervisor neither", async () => {
  const executionId = "exe_none1111111111111111";
  const env = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`V${at}`, "x".repeat(120_000)]));
  expect((await supervisor.refusal({ executionId, command: "true", env })).error.code).toBe("invalid_request");
  expect((await supervisor.fetch(`/executions/${executionId}`)).status).toBe(404);
  await supervisor.stop();
  await supervisor.start();
  expect((await supervisor.fetch(`/executions/${executionId}`)).status).toBe(404);
});

test("the oldest finished records make room beyond a thousand", async () => {
  const { executionId: first } = await supervisor.execute({ command: "true" });
  const call = () => supervisor.execute({ command: ":" });
  for (let at = 0; at < 1000; at += 20) await Promise.all(Array.from({ length: 20 }, call));
  await until("a thousand are left", async () => (await supervisor.json<ExecutionList>("/executions")).total === 1000);
  expect((await supervisor.fetch(`/executions/${first}`)).status).toBe(404);
  // The files that the old ones were in are gone too: what is left is little more than what a thousand take.
  expect(filesIn(DATA).filter((name) => name.startsWith("records-")).length).toBeLessThanOrEqual(6);
  // Nobody calls any more: what the work took is given back.
  const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${supervisor.pid}/status`, "utf8"))?.[1]);
  await until("an idle supervisor is small", () => resident() < 40 * 1024);
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
