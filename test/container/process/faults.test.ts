import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { until } from "../../support/until.ts";
import { isRoot, SLOW_MS, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor({ memoryMb: 400, diskMb: 64 });
});
afterEach(async () => {
  await supervisor.kill();
  expect((await supervisor.execute({ command: "echo usable" })).stdout).toBe("usable\n");
});
afterAll(() => supervisor[Symbol.asyncDispose]());

const memoryOf = (pid: number): number =>
  Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

test("an execution that neither exits nor listens is ended at its time-out, with its output so far", async () => {
  const answer = await supervisor.execute({ command: "echo so far; sleep 60", timeoutMs: 300 });
  expect(answer).toMatchObject({ timedOut: true, stdout: "so far\n", exitCode: null, signal: "SIGTERM" });
  expect(await supervisor.record(answer.executionId)).toMatchObject({ outcome: "timed_out", reason: null });
  expect(await supervisor.processes()).toEqual([]);
});

test(
  "an execution that ignores TERM is killed two seconds later, with those that left its group",
  async () => {
    const command = "trap '' TERM; setsid sleep 61 & sleep 62; sleep 63; sleep 64";
    const answer = await supervisor.execute({ command, timeoutMs: 300 });
    expect(answer).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    expect(answer.executionTime).toBeGreaterThan(2000);
    expect(await supervisor.processes()).toEqual([]);
  },
  SLOW_MS,
);

test("code in an endless loop is ended at its time-out", async () => {
  expect((await supervisor.execute({ code: "for (;;);", timeoutMs: 300 })).timedOut).toBe(true);
});

test(
  "a gigabyte on stdout is read to its end while the supervisor's memory stays flat",
  async () => {
    const before = memoryOf(supervisor.pid);
    const answer = await supervisor.execute({
      command: "head -c 1000000000 /dev/zero; echo end >&2",
      timeoutMs: 100_000,
    });
    expect(answer).toMatchObject({ exitCode: 0, truncated: true, stderr: "end\n" });
    expect(answer.stdout.length).toBe(1024 * 1024);
    expect(memoryOf(supervisor.pid) - before).toBeLessThan(100 * 1024 * 1024);
    const record = await supervisor.record(answer.executionId);
    expect(record).toMatchObject({ truncated: true, outputBytes: 1_000_000_004, outcome: "exited" });
  },
  2 * SLOW_MS,
);

test(
  "500 children neither hang nor harm",
  async () => {
    const command = "i=0; while [ $i -lt 500 ]; do sleep 60 & i=$((i+1)); done; echo forked";
    expect((await supervisor.execute({ command })).stdout).toBe("forked\n");
    expect(await supervisor.processes()).toHaveLength(500);
    expect((await supervisor.kill({ signal: "SIGKILL" })).killed).toBe(500);
    expect(await supervisor.processes()).toEqual([]);
  },
  SLOW_MS,
);

test.if(isRoot)(
  "a fork bomb is ended at its time-out to the last process",
  async () => {
    // With a uid of its own: until this machine's init has reaped them all, the next test could start nothing.
    await using bombed = await startSupervisor();
    const answer = await bombed.execute({ command: "bomb() { bomb | bomb & }; bomb; sleep 60", timeoutMs: 500 });
    expect(answer.timedOut).toBe(true);
    expect(await bombed.processes()).toEqual([]);
  },
  2 * SLOW_MS,
);

test("a process that closed its output goes on until it exits", async () => {
  const command = "exec >&- 2>&-; sleep 0.3; touch closed-and-done; exit 6";
  expect((await supervisor.execute({ command })).exitCode).toBe(6);
  expect(existsSync(`${supervisor.workspace}/closed-and-done`)).toBe(true);
});

test(
  "an execution that fills the memory is killed, and told so with its output",
  async () => {
    const code = `console.log("filling"); const kept = [];
      setInterval(() => kept.push(Buffer.alloc(8 * 1024 * 1024, 1)), 5);`;
    const { status, error } = await supervisor.refusal({ code, background: false });
    expect([status, error.code]).toEqual([507, "memory_limit_exceeded"]);
    expect(error.details).toMatchObject({ limitBytes: 400 * 1024 * 1024, stdout: "filling\n", stderr: "" });
    const record = await supervisor.record(String(error.details?.["executionId"]));
    expect(record).toMatchObject({ outcome: "killed", reason: "memory_limit_exceeded", signal: "SIGKILL" });
  },
  SLOW_MS,
);

test(
  "memory over the limit costs the biggest execution, not its neighbour",
  async () => {
    const neighbour = supervisor.execute({ command: "until [ -e memory-freed ]; do sleep 0.05; done; echo survived" });
    const code = "const kept = []; setInterval(() => kept.push(Buffer.alloc(8 * 1024 * 1024, 1)), 5);";
    expect((await supervisor.refusal({ code, background: false })).error.code).toBe("memory_limit_exceeded");
    await supervisor.execute({ command: "touch memory-freed" });
    expect((await neighbour).stdout).toBe("survived\n");
  },
  SLOW_MS,
);

test(
  "an execution that fills the disk is killed, and rm still runs",
  async () => {
    const { status, error } = await supervisor.refusal({
      command: "while :; do head -c 2000000 /dev/zero >> big; sleep 0.02; done",
    });
    expect([status, error.code]).toEqual([507, "disk_full"]);
    expect((await supervisor.execute({ command: "sleep 0.3; rm big" })).exitCode).toBe(0);
    expect((await supervisor.execute({ command: "head -c 1000000 /dev/zero > small; sleep 0.3" })).exitCode).toBe(0);
  },
  SLOW_MS,
);

test(
  "a supervisor that is killed leaves an honest record, ends what it had started, and the next one works",
  async () => {
    const executionId = "exe_lost0000000000000000";
    const before = await supervisor.bootId();
    const lost = supervisor.execute({ executionId, command: "echo started; sleep 60" }).catch(() => null);
    await until(
      "it has printed",
      async () => (await supervisor.output(executionId).catch(() => null))?.chunks.length === 1,
    );
    await supervisor.stop("SIGKILL");
    expect(await lost).toBeNull();
    await supervisor.start();
    expect(await supervisor.bootId()).not.toBe(before);
    expect(await supervisor.record(executionId)).toMatchObject({ outcome: "unknown", exitCode: null, endedAt: null });
    expect((await supervisor.output(executionId)).done).toBe(true);
    expect(await supervisor.processes()).toEqual([]);
    expect((await supervisor.refusal({ executionId, command: "echo again" })).error.code).toBe("conflict");
  },
  SLOW_MS,
);

test(
  "a supervisor that is told to stop ends and answers executions, records why, and exits with 0",
  async () => {
    const executionId = "exe_stop0000000000000000";
    const running = supervisor.execute({ executionId, command: "trap '' TERM; while :; do sleep 1; done" });
    await until("it runs", async () => (await supervisor.processes()).length > 1);
    expect(await supervisor.stop()).toBe(0);
    expect(await running).toMatchObject({ exitCode: null, signal: "SIGKILL", timedOut: false });
    await supervisor.start();
    expect(await supervisor.record(executionId)).toMatchObject({ outcome: "killed", reason: "shutdown" });
  },
  SLOW_MS,
);
