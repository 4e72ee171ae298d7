// A container's life as the session object sees it: start, status, wait, signal, delete, and what stays of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type TestEngine, startEngine } from "../../support/engine.ts";
import { descendants } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { Machine } from "./machine.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const directoryOf = (machine: Machine) => join(engine.dataDir, "engine", machine.id);

test("ten starts at the same time start one container, and one more changes nothing", async () => {
  const machine = new Machine(engine);
  await Promise.all(Array.from({ length: 10 }, () => machine.start()));
  const bootId = await machine.bootId();
  await machine.start();
  expect(await machine.bootId()).toBe(bootId);
  expect(await machine.status()).toEqual({ running: true, exit: null });
  await machine.call("DELETE", "");
});

test("a request that comes right after the start is held until the supervisor answers", async () => {
  const machine = await Machine.start(engine);
  expect((await machine.supervisor("/health")).status).toBe(200);
  await machine.call("DELETE", "");
});

test("waiting tells when and how a container ended, and starting it again gives a new disk", async () => {
  const machine = await Machine.start(engine);
  await machine.run("echo kept | tee file > /tmp/file");
  const waiting = machine.call("GET", "/wait");
  expect(await (await machine.call("POST", "/signal", { signal: 9 })).json()).toEqual({ running: true, exit: null });
  const answer: unknown = await (await waiting).json();
  expect(answer).toEqual({ running: false, exit: { reason: expect.stringMatching(/^signal /) } });

  await machine.start();
  expect((await machine.run("ls . /tmp")).stdout).toBe(".:\n\n/tmp:\n");
  await machine.call("DELETE", "");
});

test("TERM ends a container in order", async () => {
  const machine = await Machine.start(engine);
  await machine.supervisor("/health");
  await machine.call("POST", "/signal", { signal: 15 });
  const answer: unknown = await (await machine.call("GET", "/wait")).json();
  expect(answer).toEqual({ running: false, exit: { reason: expect.stringContaining("exit code 0") } });
  await machine.call("DELETE", "");
});

test("a supervisor that is killed comes back in place, with files and user, and its callers notice at once", async () => {
  const machine = await Machine.start(engine);
  await machine.run("echo kept > file");
  const bootId = await machine.bootId();
  const running = machine.run("sleep 30").catch(() => "broken");
  await until("it runs", () => descendants(engine.pid).some(({ command }) => command.includes("sleep 30")));
  for (const pid of supervisorsOf(engine)) process.kill(pid, "SIGKILL");
  expect(await running).toBe("broken");
  await until("a new supervisor", async () => (await machine.bootId().catch(() => bootId)) !== bootId);
  expect((await machine.run("cat file; id --user --name")).stdout).toBe(
    `kept\n${process.getuid?.() === 0 ? "bun" : "root"}\n`,
  );
  await machine.call("DELETE", "");
});

test("DELETE leaves nothing of a container, however wild its files", async () => {
  const machine = await Machine.start(engine);
  await machine.run("mkdir -p a/b && touch a/b/c && ln -s / root && mkfifo pipe && chmod 000 a/b a");
  await machine.run("exec setsid sleep 1000", { background: true });
  expect(existsSync(directoryOf(machine))).toBe(true);
  expect((await machine.call("DELETE", "")).status).toBe(200);
  expect(existsSync(directoryOf(machine))).toBe(false);
  expect(await machine.status()).toEqual({ running: false, exit: null });
  expect((await machine.call("DELETE", "")).status).toBe(200);
});

test("a start during a deletion waits for it and begins with an empty workspace", async () => {
  const machine = await Machine.start(engine);
  await machine.run("touch file");
  const deletion = machine.call("DELETE", "");
  await Promise.all([deletion, machine.start()]);
  expect((await machine.run("ls")).stdout).toBe("");
  await machine.call("DELETE", "");
});

test("a start that fails says why", async () => {
  const mountPoint = join(engine.dataDir, "engine/image/root/workspace");
  rmdirSync(mountPoint);
  const machine = new Machine(engine);
  const response = await machine.call("POST", "/start", { env: { BUNTIME_TOKEN: "x".repeat(64) }, internet: true });
  mkdirSync(mountPoint);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    error: expect.objectContaining({ code: "container_unavailable", message: expect.stringContaining("mount") }),
  });
  await machine.start();
  expect((await machine.run("echo works")).stdout).toBe("works\n");
  await machine.call("DELETE", "");
});

test("a supervisor that cannot start ends its container, and the reason holds what it printed", async () => {
  const machine = new Machine(engine);
  await machine.call("POST", "/start", { env: { BUNTIME_TOKEN: "too short" }, internet: true });
  const answer: unknown = await (await machine.call("GET", "/wait")).json();
  expect(answer).toEqual({ running: false, exit: { reason: expect.stringContaining("BUNTIME_TOKEN") } });
  expect(readFileSync(join(directoryOf(machine), "state/log"), "utf8")).toContain("BUNTIME_TOKEN");
  await machine.call("DELETE", "");
});

describe("the engine refuses", () => {
  test("who has no token", async () => {
    expect((await fetch(`${engine.url}/health`)).status).toBe(401);
    expect((await fetch(`${engine.url}/health`, { headers: { authorization: "Bearer guess" } })).status).toBe(401);
  });

  test.each([
    ["GET", "/containers/ses_short", 404],
    ["GET", "/containers/..%2f..%2fetc", 404],
    ["GET", "/elsewhere", 404],
    ["PUT", `/containers/ses_${"a".repeat(20)}`, 405],
    ["POST", `/containers/ses_${"a".repeat(20)}/start`, 400],
    ["POST", `/containers/ses_${"a".repeat(20)}/ports/70000`, 400],
    ["POST", `/containers/ses_${"a".repeat(20)}/ports/8080`, 503],
  ])("%s %s with %d", async (method, path, status) => {
    const response = await fetch(engine.url + path, { method, headers: { authorization: `Bearer ${engine.token}` } });
    expect(response.status).toBe(status);
  });

  test("an environment that would reach the programs which build a container", async () => {
    const response = await new Machine(engine).call("POST", "/start", {
      env: { LD_PRELOAD: "/tmp/evil.so" },
      internet: true,
    });
    expect(response.status).toBe(400);
  });
});

/** Pids of the supervisors below this engine. */
function supervisorsOf({ pid }: TestEngine): number[] {
  return descendants(pid).flatMap((child) => (child.command.startsWith("bun --smol") ? [child.pid] : []));
}
