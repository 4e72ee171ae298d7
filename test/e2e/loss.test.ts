// Containers that end unasked, and a platform that is stopped: what was saved is there, and the session says what was not.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ExecutionRecord } from "../../src/contract/execute.ts";
import { SnapshotList } from "../../src/contract/snapshot.ts";
import type { Client } from "../../scripts/client.ts";
import { containerOf } from "../support/container.ts";
import { newSession, ON_DOCKER, platformOfRun } from "../support/e2e.ts";
import { infoOf, processesOf, takeSnapshot, untilState } from "../support/life.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";

async function run(client: Client, sessionId: string, command: string): Promise<string> {
  return (await client.execute({ sessionId, command })).stdout.trim();
}

describe("a container that is killed", () => {
  const client = platformOfRun();

  test("takes what was not saved with it: the session is as it was last saved, and says when that was", async () => {
    const { id } = await newSession(client);
    await run(client, id, "echo saved > a");
    const { createdAt } = await takeSnapshot(client, id);
    await run(client, id, "echo lost > a; echo lost > b");
    const container = await containerOf(client, id);
    const before = Date.now();
    container.signal("SIGKILL");
    await untilState(client, id, "deep-sleep");
    const { lastLoss, savedAt } = await infoOf(client, id);
    expect(lastLoss).toMatchObject({ reason: expect.stringMatching(/./), savedAt: createdAt });
    expect(savedAt).toBe(createdAt);
    expect(Date.parse(lastLoss?.at ?? "")).toBeGreaterThanOrEqual(before);
    expect((await processesOf(client, id)).ended).toMatchObject({ at: lastLoss?.at, reason: "lost" });
    // Neither of these calls starts another.
    expect(await (await client.request("GET", `/sessions/${id}/files/a`)).text()).toBe("saved\n");
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    expect(await run(client, id, "cat a; ls")).toBe("saved\na");
    expect((await infoOf(client, id)).lastLoss).toEqual(lastLoss);
  });

  test("before anything was saved leaves an empty session that works, and says so", async () => {
    const { id } = await newSession(client);
    await run(client, id, "echo lost > a");
    (await containerOf(client, id)).signal("SIGKILL");
    await until("it is told", async () => (await infoOf(client, id)).lastLoss !== null);
    expect((await infoOf(client, id)).lastLoss).toMatchObject({ savedAt: null });
    expect(await run(client, id, "ls; echo works")).toBe("works");
  });

  test("while it sleeps is none: a session that fell asleep has lost nothing", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1s" });
    const container = await containerOf(client, id);
    await run(client, id, "echo kept > a");
    await untilState(client, id, "deep-sleep");
    await until("it is gone", () => !container.isThere());
    expect(await run(client, id, "cat a")).toBe("kept");
    expect(await infoOf(client, id)).toMatchObject({ lastLoss: null, state: "active" });
  });

  test("while it is idle has been saved before", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1h" });
    await run(client, id, "echo kept > a");
    const container = await containerOf(client, id);
    await untilState(client, id, "idle");
    container.signal("SIGKILL");
    await untilState(client, id, "deep-sleep");
    expect(await run(client, id, "cat a")).toBe("kept");
    expect((await infoOf(client, id)).lastLoss?.savedAt).toEqual(expect.any(String));
  });
});

test("a container that is told to end saves first: nothing of what was acknowledged is lost", async () => {
  const client = platformOfRun();
  const { id } = await newSession(client);
  await takeSnapshot(client, id);
  const container = await containerOf(client, id);
  await run(client, id, "echo last > a; head -c 5000000 /dev/urandom > b; sha256sum b > sum");
  container.signal("SIGTERM");
  await until("it has ended", () => !container.isThere(), { deadlineMs: 30_000 });
  await untilState(client, id, "deep-sleep");
  const { lastLoss } = await infoOf(client, id);
  expect(lastLoss?.reason).toContain("saved first");
  expect(await run(client, id, "cat a; sha256sum -c sum")).toBe("last\nb: OK");
});

describe("with SAVE_AFTER=1s", () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTestPlatform({ docker: ON_DOCKER, env: { SAVE_AFTER: "1s" } });
  });
  afterAll(() => platform.stop());

  let writing = "";
  beforeAll(async () => {
    // Begun before the other tests, because it takes its time.
    writing = (await platform.client.createSession()).id;
    const command = "while date +%s%3N > now.tmp && mv now.tmp now; do sleep 0.1; done";
    await platform.client.execute({ sessionId: writing, command, background: true });
    await until("the first save", async () => (await infoOf(platform.client, writing)).savedAt !== null);
  });

  test("what was changed is saved once it is quiet, and there when the container is killed; what ran is unknown", async () => {
    const { client } = platform;
    const { id } = await newSession(client);
    const { executionId } = await client.execute({ sessionId: id, command: "exec sleep 1000", background: true });
    await run(client, id, "echo by execution > a");
    const container = await containerOf(client, id);
    const put = await client.request("PUT", `/sessions/${id}/files/b`, { body: "by upload" });
    expect(put.status).toBeLessThan(300);
    const changedAt = Date.now();
    const savedAt = await until("it is saved", async () => {
      const at = (await infoOf(client, id)).savedAt;
      return Date.parse(at ?? "") >= changedAt && at;
    });
    const { snapshots } = await client.ask(SnapshotList, "GET", `/sessions/${id}/snapshots`);
    expect(snapshots[0]).toMatchObject({ reason: "save", label: null, createdAt: savedAt });
    expect((await infoOf(client, id)).state).toBe("active");

    container.signal("SIGKILL");
    await untilState(client, id, "deep-sleep");
    expect((await infoOf(client, id)).lastLoss).toMatchObject({ savedAt });
    expect(await run(client, id, "cat a b; ls")).toBe("by execution\nby uploada\nb");
    const record = await client.ask(ExecutionRecord, "GET", `/sessions/${id}/executions/${executionId}`);
    expect(record).toMatchObject({ outcome: "unknown", exitCode: null, signal: null });
  });

  test("what a server of the session changes is saved too, after a preview has asked it to", async () => {
    const { client } = platform;
    const { id } = await newSession(client);
    const code =
      'Bun.serve({ port: 8080, fetch: async (request) => { await Bun.write("visited", "yes"); return new Response("ok"); } })';
    await client.execute({ sessionId: id, code });
    await until("the first save", async () => (await infoOf(client, id)).savedAt !== null);
    const container = await containerOf(client, id);
    (await client.preview(id, "/")).resume();
    const changedAt = Date.now();
    await until("it is saved", async () => Date.parse((await infoOf(client, id)).savedAt ?? "") >= changedAt);
    container.signal("SIGKILL");
    await untilState(client, id, "deep-sleep");
    expect(await run(client, id, "cat visited")).toBe("yes");
  });

  test("what a program in the background writes is saved again and again, though nobody calls", async () => {
    const { client } = platform;
    const container = await containerOf(client, writing);
    const calledAt = Date.now();
    const longAfter = async (): Promise<string | false> => {
      const { savedAt } = await infoOf(client, writing);
      return savedAt !== null && Date.parse(savedAt) > calledAt + 5000 && savedAt;
    };
    const savedAt = await until("a save long after the last call", longAfter, { deadlineMs: 40_000 });
    container.signal("SIGKILL");
    await untilState(client, writing, "deep-sleep");
    const written = Number(await (await client.request("GET", `/sessions/${writing}/files/now`)).text());
    expect(written).toBeGreaterThan(calledAt);
    expect(Date.parse((await infoOf(client, writing)).lastLoss?.savedAt ?? "")).toBeGreaterThanOrEqual(
      Date.parse(savedAt),
    );
  });
});

test("a platform that is stopped saves what was acknowledged a moment before; started again, it has it", async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "buntime-e2e-"));
  const first = await startTestPlatform({ docker: ON_DOCKER, dataDir });
  onTestFinished(() => first.stop());
  const sessions = await Promise.all([1, 2, 3].map(() => first.client.createSession({ ttl: 300 })));
  await Promise.all(sessions.map(({ id }) => run(first.client, id, `echo ${id} > id; mkdir d; ln id d/link`)));
  expect(await first.end("SIGTERM")).toEqual({ code: 0, signal: null });

  const second = await startTestPlatform({ docker: ON_DOCKER, dataDir });
  onTestFinished(() => second.stop());
  for (const { id } of sessions) {
    expect(await run(second.client, id, "cat d/link; [ id -ef d/link ] && echo linked")).toBe(`${id}\nlinked`);
  }
});
