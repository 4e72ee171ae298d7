// The engine as a program: what it leaves when it ends or is killed, and where it can run.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTime } from "../../../container/engine/launch.ts";
import { startEngine } from "../../support/engine.ts";
import { HOSTS, startEngineOn } from "./hosts.ts";
import { descendants } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { Machine } from "./machine.ts";

const mounts = () => readFileSync("/proc/self/mountinfo", "utf8");
const pidsOf = (pid: number) => [pid, ...descendants(pid).map((child) => child.pid)];
/** Without those that have ended and are not reaped yet. */
const alive = (pids: readonly number[]) => pids.filter((pid) => startTime(pid) !== null);

for (const host of HOSTS) {
  test.skipIf(host.missing !== null)(`an engine started ${host.name} leaves nothing when it is stopped`, async () => {
    const engine = await startEngineOn(host);
    const machine = await Machine.start(engine);
    await machine.run("echo x > file");
    await machine.run("trap '' TERM; setsid sleep 1000", { background: true });
    const processes = pidsOf(engine.pid);
    expect(processes.length).toBeGreaterThan(4);

    const files = () => readdirSync(join(engine.dataDir, "engine"), { recursive: true }).map(String);
    process.kill(engine.pid, "SIGTERM");
    await until("the engine has ended", () => startTime(engine.pid) === null);
    expect(alive(processes)).toEqual([]);
    expect(files()).toEqual([]);
    expect(mounts()).not.toContain(engine.dataDir);
    await engine.stop();
  });

  test.skipIf(host.missing !== null)(
    `everything of an engine started ${host.name} is gone a second after it was killed`,
    async () => {
      const engine = await startEngineOn(host);
      const machine = await Machine.start(engine);
      await machine.run("setsid sleep 1000", { background: true });
      const processes = pidsOf(engine.pid);
      process.kill(engine.pid, "SIGKILL");
      await until("all have ended", () => alive(processes).length === 0, { deadlineMs: 1000 });
      expect(mounts()).not.toContain(engine.dataDir);
      await engine.stop();
    },
  );
}

test("an engine that is started again after it was killed finds nothing of before", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "buntime-engine-"));
  const killed = await startEngine({ dataDir });
  const machine = await Machine.start(killed);
  await machine.run("echo kept > file; echo lost > /tmp/file");
  process.kill(killed.pid, "SIGKILL");
  await killed.stop();

  const engine = await startEngine({ dataDir });
  expect(existsSync(join(dataDir, "engine", machine.id))).toBe(false);
  const again = machine.on(engine);
  expect(await again.status()).toEqual({ running: false, exit: null });
  await again.start();
  expect((await again.run("ls . /tmp")).stdout).toBe(".:\n\n/tmp:\n");
  await engine.stop();
  rmSync(dataDir, { recursive: true });
});

test("a second engine on the same data directory refuses and says which process is in its way", async () => {
  const engine = await startEngine();
  expect(await startEngine({ dataDir: engine.dataDir }).catch(String)).toContain(
    `another engine (process ${engine.pid})`,
  );
  await engine.stop();
});

test("works under a strict umask, below a private directory, with a path too long for a socket and odd characters in it", async () => {
  const base = mkdtempSync(join(process.env["HOME"] ?? tmpdir(), ".buntime-test-"));
  const dataDir = join(base, "with space, comma and #hash", "long".repeat(30));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const engine = await startEngine({ dataDir, prefix: ["sh", "-c", 'umask 077; exec "$@"', "sh"] });
  const machine = await Machine.start(engine);
  const address = await machine.serve(`Bun.serve({ port: 8080, fetch: () => new Response("reached") })`, 8080);
  expect(await (await fetch(`http://${address}/`)).text()).toBe("reached");
  await engine.stop();
  rmSync(base, { recursive: true });
});

test("on a machine that forbids namespaces the engine says so, how to allow them, and what to use instead", async () => {
  const forbidden = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", forbidden, "sh"];
  const message = await startEngine({ prefix }).catch(String);
  expect(message).toContain("sysctl user.max_user_namespaces");
  expect(message).toContain("npm run start:docker");
});
