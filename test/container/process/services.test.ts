import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { existsSync, readFileSync } from "node:fs";
import { SERVICES } from "../../../src/contract/limits.ts";
import type { ProcessList, ServiceStatus } from "../../../src/contract/execute.ts";
import type { Service } from "../../../src/contract/session.ts";
import { LineTail } from "../../../container/supervisor/process/line-tail.ts";
import { readStatus, readTimes } from "../../../container/supervisor/process/proc-filesystem.ts";
import {
  FIRST_PAUSE_MS,
  LONGEST_PAUSE_MS,
  nextPauseMs,
  STEADY_MS,
} from "../../../container/supervisor/process/service.ts";
import { claimPort } from "../../../src/local/port.ts";
import { until } from "../../support/until.ts";
import { SLOW_MS, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

setDefaultTimeout(SLOW_MS);

const MIB = 1024 * 1024;
let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor({ memoryMb: 400, env: { BUNTIME_SERVICE_START_MS: "4000" } });
});
afterEach(async () => {
  await put([]);
  await supervisor.kill({ signal: "SIGKILL" });
  await supervisor.execute({ command: "rm -f *" });
});
afterAll(() => supervisor[Symbol.asyncDispose]());

const put = async (services: (Partial<Service> & { command: string })[]): Promise<ServiceStatus[]> => {
  const body = { services: services.map((service, at) => ({ name: `service-${at}`, env: {}, ...service })) };
  const answer = await supervisor.json<{ services: ServiceStatus[] }>("/services", {
    method: "PUT",
    body: JSON.stringify(body),
  });
  return answer.services;
};
const list = (): Promise<ProcessList> => supervisor.json("/processes");
const status = async (at = 0): Promise<ServiceStatus> => {
  const found = (await list()).services[at];
  if (found === undefined) throw new Error(`there is no service ${at}`);
  return found;
};
const exists = (name: string): boolean => existsSync(`${supervisor.workspace}/${name}`);
const linesOf = (name: string): string[] =>
  exists(name) ? readFileSync(`${supervisor.workspace}/${name}`, "utf8").trimEnd().split("\n") : [];
/** A server that listens after `delayMs`. */
const server = (port: number, delayMs = 0): string => {
  const code = `await Bun.sleep(${delayMs}); Bun.serve({ port: ${port}, hostname: "127.0.0.1", fetch: () => new Response("hello") })`;
  return `exec bun -e '${code}'`;
};

test("services start in order, each after the one before it listens, and all have what they are given", async () => {
  const [first, second] = [await claimPort("127.0.0.1", 0), await claimPort("127.0.0.1", 0)];
  const ask = `exec bun -e 'await Bun.write("seen", await (await fetch("http://127.0.0.1:${first}")).text());
    await Bun.write("env", JSON.stringify([process.cwd(), process.env.COLOR, process.getuid()]));
    Bun.serve({ port: ${second}, hostname: "127.0.0.1", fetch: () => new Response("there") })'`;
  const statuses = await put([
    { name: "database", command: server(first, 300), port: first },
    { name: "web", command: ask, port: second, env: { COLOR: "blue" } },
    { name: "worker", command: "sleep 60" },
  ]);
  expect(statuses.map(({ name, status, restarts }) => [name, status, restarts])).toEqual([
    ["database", "running", 0],
    ["web", "running", 0],
    ["worker", "running", 0],
  ]);
  expect(linesOf("seen")).toEqual(["hello"]);
  expect(JSON.parse(linesOf("env")[0] ?? "")).toEqual([supervisor.workspace, "blue", supervisor.uid]);
  expect(await (await fetch(`http://127.0.0.1:${second}`)).text()).toBe("there");
  const { processes, services } = await list();
  expect(services).toEqual(statuses);
  const web = processes.find(({ pid }) => pid === statuses[1]?.pid);
  expect(web).toMatchObject({ executionId: null, ports: [second] });
});

test(
  "a service that does not listen in time holds the next one up no longer",
  async () => {
    const [never, port] = [await claimPort("127.0.0.1", 0), await claimPort("127.0.0.1", 0)];
    const statuses = await put([
      { command: "sleep 60", port: never },
      { command: "exit 3", port: never },
      { command: "touch third; sleep 60" },
      { command: server(port), port },
    ]);
    expect(statuses.map(({ status }) => status)).toContainValues(["starting", "running"]);
    expect(statuses[0]).toMatchObject({ status: "starting", port: never });
    expect(statuses[2]?.status).toBe("running");
    await until("the third has run", () => exists("third"));
    await until("the last listens", async () => (await status(3)).status === "running");
  },
  SLOW_MS,
);

test("somebody else who listens on its port does not make a service ready", async () => {
  const port = await claimPort("127.0.0.1", 0);
  await supervisor.execute({
    code: `Bun.serve({ port: ${port}, hostname: "127.0.0.1", fetch: () => new Response("") })`,
  });
  const pending = put([{ command: "sleep 60", port }]);
  await until("it is being waited for", async () => (await list()).services.length === 1);
  expect((await status()).status).toBe("starting");
  // A newer list ends the wait of an older one.
  expect(await put([])).toEqual([]);
  expect(await pending).toMatchObject([{ status: "starting" }]);
});

test("a service that crashes is started again, and says how it ended and what it printed", async () => {
  await put([{ command: "echo run >> runs; echo on its way; echo oh no >&2; exit 3" }]);
  await until("it has run three times", () => linesOf("runs").length >= 3);
  await until("it waits again", async () => (await status()).status === "waiting");
  const { restarts, lastExit, pid, startedAt, log } = await status();
  expect({ lastExit, pid, startedAt }).toEqual({ lastExit: "exit code 3", pid: null, startedAt: null });
  expect(restarts).toBeGreaterThanOrEqual(2);
  expect(log.toSorted().at(0)).toBe("oh no");
  expect(log).toContain("on its way");
});

test("pauses between starts double from a quarter of a second to half a minute, and begin anew after a long run", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 * STEADY_MS), { maxLength: 40 }), (runs) => {
      let [pauseMs, short] = [0, 0];
      for (const ranMs of runs) {
        short = ranMs >= STEADY_MS ? 1 : short + 1;
        pauseMs = nextPauseMs(pauseMs, ranMs);
        expect(pauseMs).toBe(Math.min(FIRST_PAUSE_MS * 2 ** (short - 1), LONGEST_PAUSE_MS));
      }
    }),
  );
});

test("what a run has left behind is gone before the next begins", async () => {
  const command =
    "setsid sh -c 'echo $$ >> left; exec sleep 60' & while [ ! -s left ]; do :; done; echo $$ >> runs; exit 1";
  await put([{ command }]);
  await until("it has run twice", () => linesOf("runs").length >= 2);
  expect(readStatus(Number(linesOf("left")[0]))).toBe(null);
});

test("a new list stops what is gone or differs, keeps what is the same, and starts the rest", async () => {
  const before = await put([
    { name: "same", command: "sleep 61", env: { A: "1", B: "2" } },
    { name: "changed", command: "trap 'echo bye > bye; exit' TERM; touch set; while :; do sleep 0.01; done" },
    { name: "gone", command: "sleep 63" },
  ]);
  await until("the trap is set", () => exists("set"));
  const after = await put([
    { name: "new", command: "sleep 64" },
    { name: "changed", command: "sleep 62" },
    { name: "same", command: "sleep 61", env: { B: "2", A: "1" } },
  ]);
  expect(after.map(({ name }) => name)).toEqual(["new", "changed", "same"]);
  expect(after[2]).toEqual(before[0] ?? ({} as ServiceStatus));
  expect(linesOf("bye")).toEqual(["bye"]);
  expect(readStatus(before[1]?.pid ?? 0)).toBe(null);
  expect(readStatus(before[2]?.pid ?? 0)).toBe(null);
  expect((await list()).processes.filter(({ parentPid }) => parentPid === 1)).toHaveLength(3);
});

test(
  "a service that ignores TERM is ended all the same",
  async () => {
    const [before] = await put([{ command: "trap '' TERM; touch set; while :; do sleep 0.05; done" }]);
    await until("TERM is trapped", () => exists("set"));
    expect(await put([])).toEqual([]);
    expect(readStatus(before?.pid ?? 0)).toBe(null);
    expect((await list()).processes).toEqual([]);
  },
  SLOW_MS,
);

test("killing all processes kills services too, and they come back", async () => {
  const [before] = await put([{ command: "exec sleep 60" }]);
  await supervisor.kill();
  const after = await until("it is back", async () => {
    const now = await status();
    return now.status === "running" && now.pid !== before?.pid && now;
  });
  expect(after).toMatchObject({ restarts: 1, lastExit: "SIGTERM" });
});

test("a frozen session starts no service, not even one whose pause is over", async () => {
  await put([{ command: "echo run >> runs; exit 1" }]);
  await until("it waits", async () => (await status()).status === "waiting");
  expect(await supervisor.json<object>("/freeze", { method: "POST" })).toEqual({ frozen: true, busy: 0 });
  const before = linesOf("runs").length;
  const pauseIsOver = performance.now() + FIRST_PAUSE_MS * 2 ** before;
  await until("its pause is over", () => performance.now() > pauseIsOver);
  expect(linesOf("runs").length).toBe(before);
  await supervisor.json("/thaw", { method: "POST" });
  await until("it runs again", () => linesOf("runs").length > before);
});

test(
  "a service that takes all the memory is killed and started again; an execution beside it goes on",
  async () => {
    const { executionId } = await supervisor.execute({ command: "sleep 60", background: true });
    const hog = "const all = []; for (;;) { all.push(Buffer.alloc(20e6, 1)); await Bun.sleep(5); }";
    await put([{ command: `echo run >> runs; exec bun -e '${hog}'` }]);
    await until("it was started again", () => linesOf("runs").length >= 2);
    expect((await status()).lastExit).toContain("used more than 400 MiB of memory");
    expect((await supervisor.record(executionId)).outcome).toBe("running");
    expect((await supervisor.execute({ command: "echo usable" })).stdout).toBe("usable\n");
  },
  SLOW_MS,
);

test(
  "a service that floods its output is slowed down; the supervisor stays small and idle enough to serve",
  async () => {
    await put([{ command: "yes $(printf %0100d 7)" }, { command: "yes n | tr -d '\\n'" }]);
    await until("it prints", async () => (await status()).log.length === SERVICES.logLines);
    const before = { cpuMs: readTimes(supervisor.pid)?.cpuMs ?? 0, atMs: performance.now() };
    for (let n = 0; n < 20; n++)
      expect((await supervisor.execute({ command: "sleep 0.05; echo x" })).stdout).toBe("x\n");
    const usedMs = (readTimes(supervisor.pid)?.cpuMs ?? 0) - before.cpuMs;
    expect(usedMs / (performance.now() - before.atMs)).toBeLessThan(0.6);
    expect(readStatus(supervisor.pid)?.residentBytes).toBeLessThan(250 * MIB);
    const [first, second] = (await list()).services;
    expect(first?.log).toEqual(Array.from({ length: SERVICES.logLines }, () => "7".padStart(100, "0")));
    expect(second?.log).toEqual(["n".repeat(SERVICES.logLineBytes)]);
  },
  SLOW_MS,
);

test("a supervisor that is told to stop ends services and does not start them again", async () => {
  const [service] = await put([
    { command: "trap 'echo bye >> bye; exit' TERM; touch set; while :; do sleep 0.01; done" },
  ]);
  await until("the trap is set", () => exists("set"));
  expect(await supervisor.stop()).toBe(0);
  expect(readStatus(service?.pid ?? 0)).toBe(null);
  expect(linesOf("bye")).toEqual(["bye"]);
  await supervisor.start();
  expect((await list()).services).toEqual([]);
});

describe("the log of a service", () => {
  const text = fc.array(fc.constantFrom("\n", "a", "é", "😀", "long".repeat(600)), { maxLength: 200 });
  test("has its last lines, each cut to a length, however they arrive", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 3000 }), { maxLength: 30 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const tail = new LineTail();
        let from = 0;
        for (const length of [...cuts, bytes.length]) {
          tail.append("stdout", bytes.subarray(from, from + length));
          from += length;
        }
        const lines = bytes.toString().split("\n");
        if (lines.at(-1) === "") lines.pop();
        const expected = lines.slice(-SERVICES.logLines);
        const actual = tail.lines();
        expect(actual).toHaveLength(expected.length);
        for (const [at, line] of actual.entries()) {
          expect(expected[at]?.startsWith(line)).toBe(true);
          const size = Buffer.byteLength(line);
          expect(size).toBeGreaterThan(Math.min(Buffer.byteLength(expected[at] ?? ""), SERVICES.logLineBytes) - 4);
          expect(size).toBeLessThanOrEqual(SERVICES.logLineBytes);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("keeps the streams apart: an unfinished line of one is no part of the other's", () => {
    const tail = new LineTail();
    tail.append("stdout", Buffer.from("half"));
    tail.append("stderr", Buffer.from("error\n"));
    tail.append("stdout", Buffer.from(" and half\r\nrest"));
    expect(tail.lines()).toEqual(["error", "half and half", "rest"]);
  });
});
