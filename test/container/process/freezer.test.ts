import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { existsSync, statSync } from "node:fs";
import type { FreezeAnswer } from "../../../src/contract/supervisor.ts";
import { Gate } from "../../../container/supervisor/gate.ts";
import { EXECUTION_MARK } from "../../../container/supervisor/process/environment.ts";
import { Freezer } from "../../../container/supervisor/process/freezer.ts";
import type { Hold } from "../../../container/supervisor/process/freezer.ts";
import { listPids, readStatus, readThreadStates } from "../../../container/supervisor/process/proc-filesystem.ts";
import { ProcessTable } from "../../../container/supervisor/process/process-table.ts";
import { until } from "../../support/until.ts";
import { SLOW_MS, isRoot, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

setDefaultTimeout(SLOW_MS);

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterEach(() => supervisor.kill({ signal: "SIGKILL" }));
afterAll(() => supervisor[Symbol.asyncDispose]());

const freeze = (): Promise<FreezeAnswer> => supervisor.json("/freeze", { method: "POST" });
const thaw = (): Promise<unknown> => supervisor.json("/thaw", { method: "POST" });
const sizeOf = (name: string): number =>
  statSync(`${supervisor.workspace}/${name}`, { throwIfNoEntry: false })?.size ?? 0;
const exists = (name: string): boolean => existsSync(`${supervisor.workspace}/${name}`);
const grows = async (name: string): Promise<void> => {
  const before = sizeOf(name);
  await until(`${name} grows`, () => sizeOf(name) > before);
};
/** Of every thread of every user process, as the kernel says. */
const states = (): string[] =>
  listPids()
    .filter((pid) => readStatus(pid)?.uid === supervisor.uid)
    .flatMap((pid) => readThreadStates(pid));
/** Any number of turns in which something that runs would have been seen to. */
const letTimePass = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await supervisor.json("/health");
};
const COUNTER = "while :; do echo x >> ticks; done";

test("a frozen session writes nothing more, and goes on where it was when it is thawed", async () => {
  await supervisor.execute({ command: COUNTER, background: true });
  for (let round = 0; round < 5; round++) {
    await grows("ticks");
    expect(await freeze()).toEqual({ frozen: true, busy: 0 });
    const before = sizeOf("ticks");
    await letTimePass();
    expect(sizeOf("ticks")).toBe(before);
    expect(await thaw()).toEqual({ thawed: true });
  }
  await grows("ticks");
});

test("a session that somebody waits for is not frozen", async () => {
  const answer = supervisor.execute({ command: "mkfifo fifo; read -r line < fifo" });
  await until("it runs", async () => (await supervisor.processes()).length > 0);
  expect(await freeze()).toEqual({ frozen: false, busy: 1 });
  await supervisor.kill();
  await answer;

  const { readable, writable } = new TransformStream<Uint8Array>();
  const upload = supervisor.fetch("/raw/upload.bin", { method: "PUT", body: readable });
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(10));
  await until("the upload counts", async () => {
    const { frozen, busy } = await freeze();
    if (frozen) await thaw();
    return !frozen && busy === 1;
  });
  await writer.close();
  expect((await upload).status).toBe(201);
  expect(await freeze()).toEqual({ frozen: true, busy: 0 });
  await thaw();
});

test.if(isRoot)(
  "programs that go on starting others are frozen to the last",
  async () => {
    const storm = "storm() { while :; do sh -c 'echo x >> storm; /bin/true' & /bin/true; done; }";
    await supervisor.execute({ command: `${storm}; for n in 1 2 3 4 5 6; do storm & done; wait`, background: true });
    const spawner = "for (;;) Bun.spawnSync(['/bin/sh', '-c', 'echo x >> spawned; exec /bin/true'])";
    for (let n = 0; n < 2; n++) await supervisor.execute({ code: spawner, background: true });
    for (let round = 0; round < 5; round++) {
      await grows("storm");
      await grows("spawned");
      expect(await freeze()).toEqual({ frozen: true, busy: 0 });
      const before = [sizeOf("storm"), sizeOf("spawned")];
      expect(new Set(states()).isSubsetOf(new Set(["T", "t", "D", "Z", "X"]))).toBe(true);
      await letTimePass();
      expect([sizeOf("storm"), sizeOf("spawned")]).toEqual(before);
      await thaw();
    }
  },
  2 * SLOW_MS,
);

test("a process that its user has stopped stays stopped, its neighbour goes on", async () => {
  await supervisor.execute({ command: COUNTER, background: true });
  const { pid } = await supervisor.execute({ command: "exec sleep 60", background: true });
  await supervisor.kill({ pid: pid ?? 0, signal: "SIGSTOP" });
  await until("it is stopped", () => readThreadStates(pid ?? 0).join() === "T");
  expect((await freeze()).frozen).toBe(true);
  await thaw();
  await grows("ticks");
  expect(readThreadStates(pid ?? 0)).toEqual(["T"]);
  await supervisor.kill({ pid: pid ?? 0, signal: "SIGCONT" });
  await until("it goes on", () => readThreadStates(pid ?? 0).join() === "S");
});

test("a shell with job control does not notice that its job was frozen", async () => {
  const command = "bash -c 'set -m; touch on; for n in 1 2 3 4 5 6 7 8; do sleep 0.1; echo $?; done'";
  const { executionId } = await supervisor.execute({ command, background: true });
  const over = async (): Promise<boolean> => (await supervisor.record(executionId)).outcome !== "running";
  await until("it runs", () => exists("on"));
  while (!(await over())) {
    await freeze();
    await thaw();
  }
  const { chunks } = await supervisor.output(executionId);
  expect(chunks.map(({ data }) => data).join("")).toBe("0\n".repeat(8));
});

test("an execute and a kill thaw a frozen session first", async () => {
  await supervisor.execute({ command: COUNTER, background: true });
  await freeze();
  expect((await supervisor.execute({ command: "echo here" })).stdout).toBe("here\n");
  await grows("ticks");
  await supervisor.execute({
    command: "trap 'echo bye > last; exit' TERM; while :; do sleep 0.01; done",
    background: true,
  });
  await until("the trap is set", async () => (await supervisor.processes()).length >= 3);
  await freeze();
  await supervisor.kill();
  expect(await supervisor.processes()).toEqual([]);
  expect(sizeOf("last")).toBe(4);
});

test("a stopped process that is told to end does so at once, in its own way", async () => {
  const command = "trap 'echo cleaned > cleaned; exit 5' TERM; touch set; while :; do :; done";
  const { pid, executionId } = await supervisor.execute({ command, background: true });
  await until("the trap is set", () => exists("set"));
  await supervisor.kill({ pid: pid ?? 0, signal: "SIGSTOP" });
  await supervisor.kill({ pid: pid ?? 0 });
  await until("it has ended", async () => (await supervisor.record(executionId)).outcome !== "running");
  expect((await supervisor.record(executionId)).exitCode).toBe(5);
  expect(sizeOf("cleaned")).toBe(8);
});

test("a supervisor that is killed while its session is frozen leaves nothing behind", async () => {
  const { pid } = await supervisor.execute({ command: COUNTER, background: true });
  await freeze();
  await supervisor.stop("SIGKILL");
  await supervisor.start();
  expect(readStatus(pid ?? 0)).toBe(null);
});

describe("a hold", () => {
  const uid = isRoot ? 300_000 + process.pid : (process.getuid?.() ?? 0);
  const user = isRoot ? ({ kind: "uid", uid, gid: uid } as const) : ({ kind: "same" } as const);
  const open = (options: { holdMs?: number } = {}): { freezer: Freezer; gate: Gate } => {
    const gate = new Gate();
    const table = new ProcessTable(user, () => true);
    return { gate, freezer: new Freezer({ table, gate, onRunning: () => {}, ...options }) };
  };
  const spawn = (argv: string[]): Bun.Subprocess =>
    Bun.spawn(argv, {
      env: { PATH: process.env["PATH"] ?? "", [EXECUTION_MARK]: "exe_00000000000000000000" },
      stdio: ["ignore", "ignore", "ignore"],
      ...(isRoot ? { uid, gid: uid } : {}),
    });

  test("waits for what is changing files, and what comes then waits for it", async () => {
    const { freezer, gate } = open();
    const events: string[] = [];
    const slow = Promise.withResolvers<void>();
    const first = gate.pass(async () => {
      await slow.promise;
      events.push("first");
    });
    const held = freezer.hold().then((hold) => {
      events.push("held");
      return hold;
    });
    const second = gate.pass(() => events.push("second"));
    slow.resolve();
    await first;
    const hold = await held;
    const third = gate.pass(() => events.push("third"));
    expect(events).toEqual(["first", "held"]);
    hold[Symbol.dispose]();
    await Promise.all([second, third]);
    expect(events).toEqual(["first", "held", "second", "third"]);
    expect(hold.broken).toBe(false);
  });

  test("that is never let go ends by itself, and says so", async () => {
    const { freezer, gate } = open({ holdMs: 5 });
    const hold = await freezer.hold();
    expect(await gate.pass(() => "passed")).toBe("passed");
    expect([hold.broken, freezer.isFrozen]).toEqual([true, false]);
    hold[Symbol.dispose]();
    expect(await gate.pass(() => "passed")).toBe("passed");
  });

  test("refuses what comes after the last save instead of losing it", async () => {
    const { freezer, gate } = open();
    const hold = await freezer.hold();
    const waiting = gate.pass(() => "lost");
    gate.seal({ code: "container_unavailable", message: "ending" });
    const late = gate.pass(() => "lost");
    for (const refused of [waiting, late]) expect(await refused.catch(String)).toContain("ending");
    hold[Symbol.dispose]();
    await freezer.thaw();
  });

  test(
    "and a freeze may come in any order: processes run when there is neither, and only then",
    async () => {
      const child = spawn(["sleep", "600"]);
      await until("it sleeps", () => readThreadStates(child.pid).join() === "S");
      const step = fc.constantFrom("hold", "release", "freeze", "thaw", "start" as const);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 12 }), async (steps) => {
          const { freezer } = open();
          const holds: Promise<Hold>[] = [];
          const begun: Promise<unknown>[] = [];
          let idle = false;
          let startedWhileFrozen = false;
          for (const [what, wait] of steps) {
            if (what === "hold") holds.push(freezer.hold());
            if (what === "release") void holds.shift()?.then((hold) => hold[Symbol.dispose]());
            if (what === "freeze") begun.push(freezer.freeze());
            if (what === "thaw") begun.push(freezer.thaw());
            if (what === "start") begun.push(freezer.start(() => (startedWhileFrozen ||= freezer.isFrozen)));
            if (what === "freeze" || what === "thaw") idle = what === "freeze";
            if (!wait) continue;
            await Promise.all(holds);
            if (idle) await freezer.freeze();
            await Bun.sleep(0);
            const isStopped = (): boolean => readThreadStates(child.pid).join() === "T";
            await until("it is as it should be", () => isStopped() === (idle || holds.length > 0));
          }
          for (const hold of holds) (await hold)[Symbol.dispose]();
          await freezer.thaw();
          await Promise.all(begun);
          expect(startedWhileFrozen).toBe(false);
          await until("it runs", () => readThreadStates(child.pid).join() === "S");
        }),
        { numRuns: 60 },
      );
      child.kill("SIGKILL");
      await child.exited;
    },
    2 * SLOW_MS,
  );
});
