// What only real containers can show: their own ways to die, what user code may do in the image, what is left in Docker.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ExecutionRecord } from "../../src/contract/execute.ts";
import { CONTROL_PORT } from "../../src/contract/ids.ts";
import type { Client } from "../../scripts/client.ts";
import { containerOf, docker } from "../support/docker-container.ts";
import { newSession, ON_DOCKER, platformOfRun, problemOf } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

/** Within this a call has to end once its container is gone. Five seconds are promised; the rest is for a busy machine. */
const SOON_MS = 8000;

const containersNamed = (part: string): string[] =>
  docker("ps", "--all", "--filter", `name=${part}`, "--format", "{{.Names}}")
    .split("\n")
    .filter((name) => name !== "");

/** With its tag, which is one run's own. */
const imageOf = (container: string): string => docker("inspect", "--format", "{{.Config.Image}}", container);

describe.runIf(ON_DOCKER)("on Docker", () => {
  /** A session with a file, and a call that would take half a minute and has begun. */
  async function begin(client: Client): Promise<{ sessionId: string; container: string; call: Promise<Response> }> {
    const { id: sessionId } = await newSession(client);
    await client.execute({ sessionId, command: "echo kept > kept.txt" });
    const container = await containerOf(client, sessionId);
    const call = client.request("POST", "/execute", { json: { sessionId, command: "sleep 29", timeout: 30 } });
    // Awaited later; that it may fail before that is no unhandled rejection.
    call.catch(() => undefined);
    await until("the program to run", () => docker("top", container).includes("sleep 29"));
    return { sessionId, container, call };
  }

  async function endsHonestly(call: Promise<Response>): Promise<string> {
    const startedAt = Date.now();
    const answer = await problemOf(await call);
    expect(Date.now() - startedAt).toBeLessThan(SOON_MS);
    expect(answer).toMatchObject({ status: 503, code: "container_unavailable", details: { outcome: "unknown" } });
    return String(answer.details["executionId"]);
  }

  test("the container is killed in the middle of an execute: the outcome is unknown and the next call works", async () => {
    const client = platformOfRun();
    const { sessionId, container, call } = await begin(client);
    docker("kill", container);
    await endsHonestly(call);
    expect(await client.execute({ sessionId, code: "console.log(1 + 1)" })).toMatchObject({ stdout: "2\n" });
  });

  test("the supervisor is killed in the middle of an execute: the record says unknown, files and container stay", async () => {
    const client = platformOfRun();
    const { sessionId, container, call } = await begin(client);
    docker("exec", container, "pkill", "-KILL", "-f", "^bun .*/opt/buntime/main.js");
    const executionId = await endsHonestly(call);
    expect(await client.execute({ sessionId, command: "cat kept.txt" })).toMatchObject({ stdout: "kept\n" });
    expect(await containerOf(client, sessionId)).toBe(container);
    expect(docker("top", container)).not.toContain("sleep 29");
    const record = await client.ask(ExecutionRecord, "GET", `/sessions/${sessionId}/executions/${executionId}`);
    expect(record).toMatchObject({ outcome: "unknown", exitCode: null });
  });

  test("user code is an ordinary user who stays one, and learns nothing of the supervisor beside it", async () => {
    const client = platformOfRun();
    const { id: sessionId } = await newSession(client);
    const run = async (command: string): Promise<string> =>
      (await client.execute({ sessionId, command })).stdout.trim();
    expect(await run("id -u; id -G; grep NoNewPrivs /proc/self/status | tr -d '\\t'")).toBe("1000\n1000\nNoNewPrivs:1");
    expect(await run("grep CapEff /proc/self/status | tr -d '\\t'")).toBe("CapEff:0000000000000000");
    expect(await run(`curl -s -o out -w '%{http_code}' http://127.0.0.1:${CONTROL_PORT}/processes`)).toBe("401");
    expect(await run("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c BUNTIME_TOKEN")).toBe("0");
    expect(await run("env | grep -c CLOUDFLARE")).toBe("0");
    expect(
      await run("kill -KILL 1 $(pgrep -f '[/]opt/buntime/main.js') 2>/dev/null; touch /opt/buntime/x || echo no"),
    ).toBe("no");
  });

  test("a deleted session leaves no container and no sidecar", async () => {
    const client = platformOfRun();
    const { id: sessionId } = await newSession(client);
    const container = await containerOf(client, sessionId);
    expect(containersNamed(container)).toHaveLength(2);
    await client.request("DELETE", `/sessions/${sessionId}`);
    await until("both to be gone", () => containersNamed(container).length === 0, { deadlineMs: 30_000 });
  });

  test("stopping the platform leaves no container and no image; those of one that was killed go at its next start", async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), "buntime-e2e-docker-"));
    const killed = await startTestPlatform({ docker: true, dataDir });
    const { id: sessionId } = await killed.client.createSession();
    const left = await containerOf(killed.client, sessionId);
    const leftImage = imageOf(left);
    await killed.end("SIGKILL");

    const next = await startTestPlatform({ docker: true, dataDir });
    try {
      expect([containersNamed(left), docker("images", "--quiet", leftImage)]).toEqual([[], ""]);
      const { id: another } = await next.client.createSession();
      const container = await containerOf(next.client, another);
      const image = imageOf(container);
      expect(await next.end("SIGTERM")).toEqual({ code: 0, signal: null });
      expect([containersNamed(container), docker("images", "--quiet", image)]).toEqual([[], ""]);
    } finally {
      await next.stop();
    }
  });

  test("a session runs code under `wrangler dev`, too, and stopping that leaves no container and no image", async () => {
    const dev = await startTestPlatform({ docker: "wrangler dev" });
    try {
      const { id: sessionId } = await dev.client.createSession();
      expect(await dev.client.execute({ sessionId, code: "console.log(1 + 1)" })).toMatchObject({ stdout: "2\n" });
      const container = await containerOf(dev.client, sessionId);
      const image = imageOf(container);
      expect(await dev.end("SIGTERM")).toEqual({ code: 0, signal: null });
      expect([containersNamed(container), docker("images", "--quiet", image)]).toEqual([[], ""]);
    } finally {
      await dev.stop();
    }
  });
});
