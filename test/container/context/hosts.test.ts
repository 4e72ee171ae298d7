// The same promises where user processes are kept apart by a uid and where they are by namespaces: in real containers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { RunAnswer } from "../../../src/contract/context-run.ts";
import type { Context, ContextLanguage } from "../../../src/contract/contexts.ts";
import type { ProcessList } from "../../../src/contract/execute.ts";
import { newId } from "../../../src/contract/ids.ts";
import type { FreezeAnswer } from "../../../src/contract/supervisor.ts";
import type { TestEngine } from "../../support/engine.ts";
import { HOSTS, startEngineOn } from "../engine/hosts.ts";
import { Machine } from "../engine/machine.ts";
import { command, events, SLOW_MS } from "../process/harness.ts";
import { hasPython } from "./contexts.ts";

const SAMPLES = [
  {
    language: "python",
    set: "x = 1",
    get: "x",
    endless: "while True: pass",
    crash: "import os; os.kill(os.getpid(), 11)",
  },
  {
    language: "javascript",
    set: "let x = 1",
    get: "x",
    endless: "for (;;);",
    crash: "process.kill(process.pid, 'SIGSEGV')",
  },
] as const satisfies readonly ({ language: ContextLanguage } & Record<string, string>)[];

for (const host of HOSTS) {
  describe.if(host.missing === null)(`on an engine ${host.name}`, () => {
    let engine: TestEngine;
    let machine: Machine;
    let contextId: string;
    beforeAll(async () => {
      engine = await startEngineOn(host);
      machine = await Machine.start(engine);
    });
    afterAll(() => engine.stop());

    const ask = async <T>(path: string, body?: unknown, method = body === undefined ? "GET" : "POST"): Promise<T> => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await machine.supervisor(path, init);
      if (!response.ok) throw new Error(await response.text());
      // SAFETY: the type that the contract gives this path.
      return (await response.json()) as T;
    };
    const run = (code: string, timeoutMs = 15_000) =>
      ask<RunAnswer>("/execute", command({ context: contextId, code, timeoutMs }));

    for (const { language, set, get, endless, crash } of SAMPLES) {
      describe.skipIf(language === "python" && !hasPython)(`a context in ${language}`, () => {
        beforeEach(async () => {
          contextId = newId("ctx");
          await ask("/contexts", { id: contextId, language, name: null, workingDir: "/workspace" });
          expect((await run(set)).error).toBeNull();
        });
        afterEach(() => ask(`/contexts/${contextId}`, undefined, "DELETE"));

        test(
          "keeps its variables, is one process, and its pid is what its own code says",
          async () => {
            const answer = await run(language === "python" ? "import os; os.getpid()" : "process.pid");
            expect(Number(answer.results[0]?.text)).toBe(answer.pid ?? 0);
            const { processes } = await ask<ProcessList>("/processes");
            expect(processes.map(({ pid }) => pid)).toEqual([answer.pid ?? 0]);
            expect((await run(get)).results[0]?.text).toBe("1");
          },
          SLOW_MS,
        );

        test(
          "survives an endless loop",
          async () => {
            expect(await run(endless, 1000)).toMatchObject({ timedOut: true, exitCode: 1 });
            expect(await run(get)).toMatchObject({ results: [{ text: "1" }], lost: null });
          },
          SLOW_MS,
        );

        test(
          "says that it has crashed",
          async () => {
            expect(await run(crash)).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
            expect((await ask<Context>(`/contexts/${contextId}`)).state).toBe("lost");
            expect((await run("1")).lost?.reason).toContain("SIGSEGV");
          },
          SLOW_MS,
        );

        test(
          "is frozen while it is idle, and goes on",
          async () => {
            expect(await ask<FreezeAnswer>("/freeze", {})).toEqual({ frozen: true, busy: 0 });
            expect((await run(get)).results[0]?.text).toBe("1");
          },
          SLOW_MS,
        );

        test(
          "streams to an end",
          async () => {
            const body = JSON.stringify(command({ context: contextId, code: get, stream: true }));
            const response = await machine.supervisor("/execute", { method: "POST", body });
            const seen = await Array.fromAsync(events(response));
            expect(seen.map(({ event }) => event).filter((event) => event !== "comment")).toEqual(["result", "exit"]);
          },
          SLOW_MS,
        );
      });
    }
  });
}
