// `npm start` itself: how it starts, how it stops, what is there after a restart and what is not left behind.
// Embedded only: on Docker the platform is started by other means.
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { spawnSync } from "node:child_process";
import { describe, expect, onTestFinished, test } from "vitest";
import { SessionInfo } from "../../src/contract/session.ts";
import { readText } from "../../scripts/client.ts";
import { ROOT } from "../../src/local/repository.ts";
import { ON_DOCKER } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform, TestPlatformOptions } from "../support/platform.ts";
import { descendants, isAlive } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** A platform that is ended with the test, however that goes. */
async function started(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const platform = await startTestPlatform(options);
  onTestFinished(() => platform.stop());
  return platform;
}

const start = (env: Record<string, string>): { status: number | null; stderr: string } =>
  spawnSync(process.execPath, [path.join(ROOT, "scripts/start.ts")], {
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 30_000,
  });

describe.skipIf(ON_DOCKER)("npm start", () => {
  test("after a restart sessions are there with their files, databases and packages, and servers start anew", async () => {
    const first = await started();
    const { id } = await first.client.createSession({ name: "survivor", metadata: { a: 1 } });
    await first.client.execute({
      sessionId: id,
      code: `import { Database } from "bun:sqlite";
const db = new Database("data.db"); db.run("create table t (n)"); db.run("insert into t values (42)");
await Bun.write("notes.txt", "kept"); await Bun.write("/tmp/gone.txt", "not kept");`,
    });
    const serve = "Bun.serve({ port: 8080, fetch: () => new Response('up') })";
    await first.client.execute({ sessionId: id, code: serve });
    expect(await first.end("SIGTERM")).toEqual({ code: 0, signal: null });

    const second = await started({ dataDir: first.dataDir, port: Number(first.client.url.port) });
    const { client } = second;
    try {
      expect(await client.ask(SessionInfo, "GET", "/sessions/survivor")).toMatchObject({ id, metadata: { a: 1 } });
      // Asking about a session never starts its container.
      expect(descendants(second.pid).filter(({ command }) => command.includes("init.sh"))).toEqual([]);
      const code = `import { Database } from "bun:sqlite";
console.log(new Database("data.db").query("select n from t").get().n, await Bun.file("notes.txt").text(), await Bun.file("/tmp/gone.txt").exists());`;
      expect(await client.execute({ sessionId: id, code })).toMatchObject({ stdout: "42 kept false\n" });
      expect((await client.preview(id, "/")).statusCode).toBe(502);
      await client.execute({ sessionId: id, code: serve });
      expect(await readText(await client.preview(id, "/"))).toBe("up");
      const list = await client.request("GET", `/sessions/${id}/executions`);
      expect(JSON.parse(await list.text()).total).toBe(4);
    } finally {
    }
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends it with 0 and leaves no process and no mount", async (signal) => {
    const platform = await started();
    const sessions = await Promise.all([platform.client.createSession(), platform.client.createSession()]);
    for (const { id: sessionId } of sessions) {
      await platform.client.execute({ sessionId, command: "sleep 1000", background: true });
    }
    const below = await until("both programs to run", () => {
      const now = descendants(platform.pid);
      return now.filter(({ command }) => command === "sleep 1000").length === 2 && now;
    });
    expect(await platform.end(signal)).toEqual({ code: 0, signal: null });
    await until("every process to be gone", () => below.every(({ pid }) => !isAlive(pid)));
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(platform.dataDir);
  });

  test("a deleted session leaves no process and no file", async () => {
    const platform = await started();
    const { id } = await platform.client.createSession();
    await platform.client.execute({ sessionId: id, command: "echo 1 > a.txt; sleep 1000", background: true });
    expect(readdirSync(path.join(platform.dataDir, "engine"))).toContain(id);
    await platform.client.request("DELETE", `/sessions/${id}`);
    await until("its folder to be gone", () => !readdirSync(path.join(platform.dataDir, "engine")).includes(id));
    await until(
      "its process to be gone",
      () => !descendants(platform.pid).some(({ command }) => command === "sleep 1000"),
    );
    await platform.client.execute({ command: "true" });
    const sessions = (): string[] =>
      readdirSync(path.join(platform.dataDir, "engine")).filter((name) => name.startsWith("ses_"));
    await until("the one-shot's folder to be gone", () => sessions().length === 0);
  });

  test("without a key it makes one, keeps it for its owner alone, and uses it again", async () => {
    const first = await started({ env: { BUNTIME_API_KEY: "" } });
    const file = path.join(first.dataDir, "api-key");
    const key = readFileSync(file, "utf8").trim();
    expect(key).toMatch(/^btk_[0-9A-Za-z]{32}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await first.end("SIGTERM");
    const second = await started({ dataDir: first.dataDir, env: { BUNTIME_API_KEY: "" } });
    const response = await fetch(new URL("/api/sessions", second.client.url), {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(response.status).toBe(200);
  });

  test("a port in use, a data directory in use and a port that is none are said in one line", async () => {
    const platform = await started();
    const { port } = platform.client.url;
    const inUse = start({ PORT: port, BUNTIME_DATA_DIR: `${platform.dataDir}/other` });
    expect([inUse.status, inUse.stderr]).toEqual([1, expect.stringContaining(`port ${port} is in use`)]);
    const locked = start({ PORT: "0", BUNTIME_DATA_DIR: platform.dataDir });
    expect([locked.status, locked.stderr]).toEqual([1, expect.stringContaining("is used by another buntime")]);
    expect(start({ PORT: "http" })).toMatchObject({ status: 1, stderr: "buntime: PORT is not a port: http\n" });
  });
});
