// The same promises where user processes are kept apart by a uid and where they are by namespaces: in real containers.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type {
  ExecuteAnswer,
  ExecutionRecord,
  KillAnswer,
  ProcessList,
  ServiceStatus,
} from "../../../src/contract/execute.ts";
import type { Service } from "../../../src/contract/session.ts";
import type { FreezeAnswer } from "../../../src/contract/supervisor.ts";
import type { TestEngine } from "../../support/engine.ts";
import { HOSTS, startEngineOn } from "../engine/hosts.ts";
import { Machine } from "../engine/machine.ts";
import { until } from "../../support/until.ts";
import { command, SLOW_MS } from "./harness.ts";

for (const host of HOSTS) {
  describe.if(host.missing === null)(`on an engine ${host.name}`, () => {
    let engine: TestEngine;
    let machine: Machine;
    beforeAll(async () => {
      engine = await startEngineOn(host);
      machine = await Machine.start(engine);
    });
    // One that fails leaves nothing behind for the next.
    afterEach(async () => {
      await machine.supervisor("/services", { method: "PUT", body: JSON.stringify({ services: [] }) });
      await ask<KillAnswer>("/kill", { signal: "SIGKILL" });
    });
    afterAll(() => engine.stop());

    const ask = async <T>(path: string, body?: unknown): Promise<T> => {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const response = await machine.supervisor(path, init);
      if (!response.ok) throw new Error(await response.text());
      // SAFETY: the type that the contract gives this path.
      return (await response.json()) as T;
    };
    const execute = (partial: Parameters<typeof command>[0]) => ask<ExecuteAnswer>("/execute", command(partial));
    const processes = async () => (await ask<ProcessList>("/processes")).processes;

    test("user code finds no socket of the supervisor, and cannot end it or read its memory", async () => {
      const bootId = await machine.bootId();
      const look = "ls /run/buntime; for p in /proc/[0-9]*; do cat $p/environ; done; kill -9 -1";
      const { stdout } = await execute({ command: look });
      expect(stdout).not.toContain("control.sock");
      expect(stdout).not.toContain("BUNTIME_TOKEN");
      expect(await machine.bootId()).toBe(bootId);
    });

    test("user code has no rights, not even those of a root in name", async () => {
      const { stdout } = await execute({ command: "cat /proc/self/status; umount /workspace && echo UNMOUNTED" });
      expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
      expect(stdout).toMatch(/^CapEff:\t0+$/m);
      expect(stdout).not.toContain("UNMOUNTED");
    });

    test("variables of a request have no say in what runs before user code", async () => {
      const env = { PATH: "/workspace", LD_PRELOAD: "/workspace/evil.so", BASH_ENV: "/workspace/evil" };
      const { exitCode, stdout } = await execute({ command: "echo $LD_PRELOAD", env });
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "/workspace/evil.so\n" });
    });

    test("pids are those that the programs have themselves, and can be killed by", async () => {
      const { pid, stdout } = await execute({
        code: "console.log(process.pid); Bun.serve({ port: 8081, fetch() {} })",
      });
      expect(Number(stdout)).toBe(pid ?? 0);
      expect(await processes()).toMatchObject([{ pid, ports: [8081] }]);
      expect(await ask<KillAnswer>("/kill", { pid })).toEqual({ killed: 1, pids: [pid ?? 0] });
      expect(await processes()).toEqual([]);
    });

    test("an exit code and a signal are the program's own", async () => {
      expect(await execute({ command: "exit 3" })).toMatchObject({ exitCode: 3, signal: null });
      expect(await execute({ command: "kill -SEGV $$" })).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
    });

    test("a program that is stopped goes on when it is told to, and its end is noticed", async () => {
      const { pid, executionId } = await execute({ command: "sleep 0.3; echo over", background: true });
      await ask<KillAnswer>("/kill", { pid, signal: "SIGSTOP" });
      await ask<KillAnswer>("/kill", { pid, signal: "SIGCONT" });
      const record = (): Promise<ExecutionRecord> => ask(`/executions/${executionId}`);
      await until("it has ended", async () => (await record()).outcome !== "running");
      expect(await record()).toMatchObject({ outcome: "exited", exitCode: 0 });
    });

    test("the end of a program is noticed that another one has stopped, then continued or killed", async () => {
      const program = { command: "read -r line < fifo; exit 7", background: true };
      await execute({ command: "mkfifo fifo" });
      for (const [signal, ending] of [
        ["CONT", { outcome: "exited", exitCode: 7, signal: null }],
        ["KILL", { outcome: "killed", exitCode: null, signal: "SIGKILL" }],
      ] as const) {
        const { pid, executionId } = await execute(program);
        const state = async (): Promise<string> =>
          (await execute({ command: `cut -d' ' -f3 /proc/${pid}/stat` })).stdout;
        await execute({ command: `kill -STOP ${pid}` });
        await until("it is stopped", async () => (await state()) === "T\n");
        await execute({ command: `kill -${signal} ${pid}` });
        if (signal === "CONT") await execute({ command: "echo > fifo" });
        const record = (): Promise<ExecutionRecord> => ask(`/executions/${executionId}`);
        await until("it has ended", async () => (await record()).outcome !== "running");
        expect(await record()).toMatchObject(ending);
      }
    });

    test(
      "a program that was frozen goes on and its end is noticed; one that was stopped stays so",
      async () => {
        const record = (id: string): Promise<ExecutionRecord> => ask(`/executions/${id}`);
        const stopped = await execute({ command: "exec sleep 600", background: true });
        await ask<KillAnswer>("/kill", { pid: stopped.pid, signal: "SIGSTOP" });
        const state = async (): Promise<string> =>
          (await execute({ command: `cut -d' ' -f3 /proc/${stopped.pid}/stat` })).stdout;
        await until("it is stopped", async () => (await state()) === "T\n");
        for (let round = 0; round < 20; round++) {
          const { executionId } = await execute({
            command: "read -t 0.05 x < /dev/zero; sleep 0.02; exit 4",
            background: true,
          });
          for (let times = 0; times < 5; times++) {
            // Given up where the machine is too busy for them to stop in time: then they run.
            await until("they are frozen", async () => (await ask<FreezeAnswer>("/freeze", {})).frozen);
            await ask("/thaw", {});
          }
          await until("it has ended", async () => (await record(executionId)).outcome !== "running");
          expect(await record(executionId)).toMatchObject({ outcome: "exited", exitCode: 4 });
        }
        expect(await state()).toBe("T\n");
        expect((await record(stopped.executionId)).outcome).toBe("running");
        await ask<KillAnswer>("/kill", { pid: stopped.pid });
        expect((await processes()).map(({ command: shown }) => shown)).not.toContain("sleep 600");
      },
      SLOW_MS,
    );

    test("a service runs as user code does, with pids of its own", async () => {
      const put = async (services: readonly Partial<Service>[]): Promise<readonly ServiceStatus[]> => {
        const response = await machine.supervisor("/services", { method: "PUT", body: JSON.stringify({ services }) });
        // SAFETY: the type that the contract gives this path.
        return ((await response.json()) as { services: ServiceStatus[] }).services;
      };
      const command = `exec bun -e 'console.log(process.pid); Bun.serve({ port: 8082, fetch() {} })'`;
      const [service] = await put([{ name: "web", command, port: 8082, env: {} }]);
      expect(service?.status).toBe("running");
      const log = await until("it has printed", async () => {
        const [now] = (await ask<ProcessList>("/processes")).services;
        return now !== undefined && now.log.length > 0 && now.log;
      });
      expect(log).toEqual([String(service?.pid)]);
      expect(await processes()).toMatchObject([{ pid: service?.pid ?? 0, executionId: null, ports: [8082] }]);
      expect(await put([])).toEqual([]);
      expect(await processes()).toEqual([]);
    });

    test("a program that stays stopped is ended at its time-out", async () => {
      const answer = await execute({ command: "kill -STOP $$; echo never", timeoutMs: 300 });
      expect(answer).toMatchObject({ timedOut: true, stdout: "" });
    });

    test(
      "a session that is busy from its first moment on never loses its supervisor",
      async () => {
        const machines = await Promise.all(Array.from({ length: 8 }, () => Machine.start(engine)));
        for (const busy of machines) {
          const bootId = await busy.bootId();
          for (let run = 0; run < 25; run++) expect(await busy.run("true")).toMatchObject({ exitCode: 0 });
          expect(await busy.bootId()).toBe(bootId);
        }
      },
      SLOW_MS,
    );

    test("a working directory and stdin reach the program", async () => {
      const files = [{ path: "a dir/b.txt", content: "there" }];
      const answer = await execute({ command: "pwd; cat b.txt -", workingDir: "a dir", stdin: " and here", files });
      expect(answer.stdout).toBe("/workspace/a dir\nthere and here");
    });

    test(
      "a fork bomb is ended at its time-out, and the next call works",
      async () => {
        const answer = await execute({ command: "bomb() { bomb | bomb & }; bomb; sleep 60", timeoutMs: 500 });
        expect(answer.timedOut).toBe(true);
        expect(await processes()).toEqual([]);
        expect((await execute({ code: "console.log('usable')" })).stdout).toBe("usable\n");
      },
      2 * SLOW_MS,
    );

    test("the time-out ends daemons too", async () => {
      const answer = await execute({ command: "setsid env -i /bin/sleep 60 & sleep 61", timeoutMs: 500 });
      expect(answer.timedOut).toBe(true);
      expect(await processes()).toEqual([]);
    });
  });
}
