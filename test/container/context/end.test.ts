// Interrupts, time-outs, and interpreters that end: the variables survive, or the next run says that they have not.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { RunAnswer } from "../../../src/contract/context-run.ts";
import type { ExecutionList } from "../../../src/contract/execute.ts";
import { newId } from "../../../src/contract/ids.ts";
import { until } from "../../support/until.ts";
import { refusalOf, SLOW_MS, startSupervisor } from "../process/harness.ts";
import type { TestSupervisor } from "../process/harness.ts";
import { hasPython, PROGRAMS, TestContext } from "./contexts.ts";

const PATIENCE = { deadlineMs: 20_000 };

describe.skipIf(!hasPython)("a Python context", () => {
  let supervisor: TestSupervisor;
  let context: TestContext;
  beforeAll(async () => {
    supervisor = await startSupervisor({ env: PROGRAMS, memoryMb: 400 });
  });
  beforeEach(async () => {
    context = await TestContext.create(supervisor);
    await context.run("x = 1");
  });
  afterEach(() => context.delete());
  afterAll(() => supervisor[Symbol.asyncDispose]());

  /** Once its code says that it is there. */
  async function interrupted(code: string): Promise<RunAnswer> {
    const mark = `begun-${crypto.randomUUID()}`;
    const run = context.run(`open("${mark}", "w").close()\n${code}`);
    await until("it has begun", () => existsSync(`${supervisor.workspace}/${mark}`), PATIENCE);
    expect(await context.interrupt()).toBe(true);
    return await run;
  }

  for (const [what, code] of [
    ["a busy loop", "while True: pass"],
    ["a sleep", "import time; time.sleep(60)"],
    ["an await", "import asyncio\nawait asyncio.sleep(60)"],
    [
      "an await among busy tasks",
      "import asyncio\nasync def spin():\n  while True: await asyncio.sleep(0)\nasync def f():\n  t = asyncio.ensure_future(spin())\n  await t\nawait f()",
    ],
    ["a subprocess", "import subprocess; subprocess.run(['sleep', '60'])"],
    ["a flood of output", "while True: display({'n': 1}) or print('x' * 100)"],
  ] as const) {
    test(
      `goes on after an interrupt of ${what}, with its variables`,
      async () => {
        const answer = await interrupted(code);
        expect(answer).toMatchObject({ exitCode: 1, timedOut: false, error: { name: "KeyboardInterrupt" } });
        expect(await context.value("x")).toBe("1");
      },
      SLOW_MS,
    );
  }

  test.each([`Bun.spawnSync(["sleep", "60"])`, `require("node:child_process").execSync("sleep 60")`])(
    "goes on after an interrupt of %s, with its variables",
    async (code) => {
      const javascript = await TestContext.create(supervisor, "javascript");
      await javascript.run("const x = 1");
      const run = javascript.run(code);
      const isThere = async () => (await supervisor.processes()).some(({ command }) => command === "sleep 60");
      await until("the command runs", isThere, PATIENCE);
      await javascript.interrupt();
      expect(await run).toMatchObject({ timedOut: false, lost: null });
      expect(await isThere()).toBe(false);
      expect(await javascript.value("x")).toBe("1");
      await javascript.delete();
    },
    SLOW_MS,
  );

  test(
    "is interrupted when the client of its run leaves, and not when that of one does which waits",
    async () => {
      const leaving = (code: string): AbortController => {
        const controller = new AbortController();
        const command = context.command(code, { stream: true, cancelOnDisconnect: true });
        void supervisor
          .post("/execute", command, controller.signal)
          .then((response) => response.text())
          .catch(() => {});
        return controller;
      };
      const first = leaving("x = 2\nopen('begun', 'w').close()\nimport time\ntime.sleep(600)");
      await until("it runs", () => existsSync(`${supervisor.workspace}/begun`), PATIENCE);
      const executions = async () => (await supervisor.json<ExecutionList>("/executions?limit=2&offset=0")).executions;
      const [running] = await executions();
      const second = leaving("x = 3");
      await until("it waits", async () => (await executions())[0]?.executionId !== running?.executionId, PATIENCE);
      second.abort();
      await until("it is given up", async () => (await executions())[0]?.outcome === "killed", PATIENCE);
      expect((await executions())[1]).toMatchObject({ executionId: running?.executionId, outcome: "running" });
      first.abort();
      await until("it is ended", async () => (await executions())[1]?.outcome === "killed", PATIENCE);
      expect((await executions())[1]).toMatchObject({ reason: "disconnected", exitCode: 1 });
      expect(await context.run("x")).toMatchObject({ lost: null, results: [{ text: "2" }] });
    },
    SLOW_MS,
  );

  test(
    "tells where it was interrupted",
    async () => {
      const { error } = await interrupted("import time\ntime.sleep(60)");
      expect(error?.line).toBe(3);
      expect(error?.traceback.join("\n")).not.toContain("python.py");
    },
    SLOW_MS,
  );

  test(
    "whose interpreter is ended while it starts is refused, and can be asked for again",
    async () => {
      const hunt = `while :; do for each in /proc/[0-9]*; do
        read -r name < $each/comm; case $name in python*) kill -9 "\${each#/proc/}"; esac
      done; done 2>/dev/null`;
      const { pid } = await supervisor.execute({ command: hunt, background: true });
      const body = JSON.stringify({ id: newId("ctx"), language: "python", name: null, workingDir: "/workspace" });
      const { status, error } = await refusalOf(await supervisor.fetch("/contexts", { method: "POST", body }));
      expect([status, error.code]).toEqual([503, "container_unavailable"]);
      expect(error.message).toEndWith("could not be started; it was ended by SIGKILL. Try again.");
      await supervisor.kill({ pid: pid ?? 0, signal: "SIGKILL" });
      const again = await TestContext.create(supervisor);
      expect(await again.value("1")).toBe("1");
      await again.delete();
    },
    SLOW_MS,
  );

  test("is not harmed by interrupts while nothing runs", async () => {
    expect(await context.interrupt()).toBe(false);
    const pid = (await supervisor.processes())[0]?.pid ?? 0;
    for (let count = 0; count < 20; count++) await supervisor.kill({ pid, signal: "SIGINT" });
    expect(await context.value("x")).toBe("1");
  });

  test(
    "survives a thousand interrupts, whenever they come",
    async () => {
      let interrupts = 0;
      for (let count = 0; count < 100; count++) {
        const run = context.run("for i in range(3000): pass\ni");
        for (let more = 0; more < 10; more++) if (await context.interrupt()) interrupts++;
        const { error } = await run;
        expect([null, "KeyboardInterrupt"]).toContain(error?.name ?? null);
      }
      expect(interrupts).toBeGreaterThanOrEqual(0);
      expect(await context.value("x")).toBe("1");
    },
    SLOW_MS,
  );

  test(
    "keeps its variables over a time-out",
    async () => {
      const answer = await context.run("x = 2\nprint('so far')\nwhile True: pass", { timeoutMs: 500 });
      expect(answer).toMatchObject({
        timedOut: true,
        exitCode: 1,
        stdout: "so far\n",
        error: { name: "KeyboardInterrupt" },
      });
      expect((await supervisor.record(answer.executionId)).outcome).toBe("timed_out");
      expect(await context.run("x")).toMatchObject({ lost: null, results: [{ text: "2" }] });
    },
    SLOW_MS,
  );

  test(
    "is ended when code does not stop at its time-out, and the next run says so, once",
    async () => {
      const deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass";
      const answer = await context.run(deaf, { timeoutMs: 300 });
      expect(answer).toMatchObject({
        timedOut: true,
        exitCode: null,
        signal: "SIGKILL",
        error: { name: "InterpreterEnded" },
      });
      expect((await context.look()).state).toBe("lost");
      const next = await context.run("'x' in globals()");
      expect(next).toMatchObject({ exitCode: 0, results: [{ text: "False" }], dropped: [] });
      expect(next.lost?.reason).toContain("time was up");
      expect((await context.run("1")).lost).toBeNull();
    },
    SLOW_MS,
  );

  test(
    "never begins a run whose time is up before its turn",
    async () => {
      const slow = context.run("import time; time.sleep(1)");
      const late = await context.run("x = 'touched'", { timeoutMs: 200 });
      expect(late).toMatchObject({ timedOut: true, exitCode: null, error: null, executionTime: 0 });
      expect((await slow).exitCode).toBe(0);
      expect(await context.value("x")).toBe("1");
    },
    SLOW_MS,
  );

  for (const [what, code, signal, reason] of [
    ["an exit code", "import os; os._exit(3)", null, "exit code 3"],
    ["SIGKILL", "import os; os.kill(os.getpid(), 9)", "SIGKILL", "SIGKILL"],
    ["a segmentation fault", "import ctypes; ctypes.string_at(0)", "SIGSEGV", "SIGSEGV"],
  ] as const) {
    test(
      `that ends with ${what} says so, in that run and the next`,
      async () => {
        const answer = await context.run(`print("before")\n${code}`);
        expect(answer).toMatchObject({ exitCode: null, signal, stdout: "before\n", timedOut: false });
        expect(answer.error).toMatchObject({ name: "InterpreterEnded", line: null });
        expect(answer.error?.message).toContain(reason);
        expect((await context.look()).state).toBe("lost");
        const next = await context.run("'x' in globals()");
        expect(next.results[0]?.text).toBe("False");
        expect(next.lost?.reason).toContain(reason);
      },
      SLOW_MS,
    );
  }

  test(
    "runs what waits after a crash in a new interpreter, which tells of it",
    async () => {
      const crash = context.run("import os, time; time.sleep(0.2); os._exit(1)");
      const [first, second] = [context.run("'x' in globals()"), context.run("2")];
      await crash;
      expect((await first).lost?.reason).toContain("exit code 1");
      expect(await second).toMatchObject({ lost: null, results: [{ text: "2" }] });
    },
    SLOW_MS,
  );

  test(
    "that uses up the memory is killed for it, alone",
    async () => {
      const other = await TestContext.create(supervisor);
      const { status, error } = await context.refusal("hog = bytearray(600_000_000)\nwhile True: pass");
      expect({ status, code: error.code }).toEqual({ status: 507, code: "memory_limit_exceeded" });
      expect((await context.run("1")).lost?.reason).toContain("400 MiB of memory");
      expect((await other.run("1")).lost).toBeNull();
      await other.delete();
    },
    SLOW_MS,
  );

  test(
    "that is killed on request says so",
    async () => {
      const pid = (await supervisor.processes())[0]?.pid ?? 0;
      await supervisor.kill({ pid });
      await until("its end is noticed", async () => (await context.look()).state === "lost", PATIENCE);
      expect((await context.run("1")).lost?.reason).toBe("it was killed on request");
    },
    SLOW_MS,
  );

  test(
    "is listed among the processes, leaves none behind, and ends what runs in it when it is deleted",
    async () => {
      const child = await TestContext.create(supervisor);
      await child.run("import subprocess; p = subprocess.Popen(['sleep', '100'], start_new_session=True)");
      const isListed = async () => (await supervisor.processes()).some(({ command }) => command === "sleep 100");
      await until("it is listed", isListed, PATIENCE);
      const run = child.run("import time; time.sleep(100)");
      await until("it runs", async () => (await child.look()).state === "running", PATIENCE);
      await child.delete();
      expect(await run).toMatchObject({ exitCode: null, timedOut: false });
      expect(await supervisor.processes()).toHaveLength(1);
    },
    SLOW_MS,
  );

  test(
    "holds off a freeze while it runs, not while it is idle, and thaws for a run",
    async () => {
      const run = context.run("import os, time\nwhile not os.path.exists('thaw'): time.sleep(0.01)");
      await until("it runs", async () => (await context.look()).state === "running", PATIENCE);
      const freeze = () => supervisor.json<{ frozen: boolean }>("/freeze", { method: "POST" });
      expect(await freeze()).toMatchObject({ frozen: false, busy: 1 });
      await supervisor.execute({ command: "touch thaw" });
      await run;
      expect(await freeze()).toMatchObject({ frozen: true, busy: 0 });
      expect((await context.look()).state).toBe("idle");
      expect(await context.value("x")).toBe("1");
    },
    SLOW_MS,
  );
});
