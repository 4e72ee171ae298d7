// A session's life by the clock: the operator's own times, which no test could wait for, and objects that are lost between
// two of them.
import { env, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SessionInfo } from "../../src/contract/session.ts";
import { SnapshotList } from "../../src/contract/snapshot.ts";
import { sessionOf } from "../../src/session/rpc.ts";
import { ask, createSession, engine, execute, loseObject, previewUrl, until, visit } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const stubOf = (sessionId: string): DurableObjectStub => env.SESSION.getByName(sessionId);

async function infoOf(sessionId: string): Promise<SessionInfo> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${sessionId}`)).json());
}

async function stateOf(sessionId: string): Promise<string> {
  return (await infoOf(sessionId)).state;
}

async function snapshotsOf(sessionId: string): Promise<SnapshotList> {
  return SnapshotList.parse(await (await ask("GET", `/sessions/${sessionId}/snapshots`)).json());
}

/** The alarm comes at this moment, whatever it was set for. */
async function alarmAt(sessionId: string, now: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now });
  expect(await runDurableObjectAlarm(stubOf(sessionId))).toBe(true);
}

/** Uses a session and resolves with when that ended. */
async function use(sessionId: string): Promise<number> {
  await execute({ sessionId, command: "echo kept > kept" });
  return Date.parse((await infoOf(sessionId)).lastActive);
}

async function isRunning(sessionId: string): Promise<boolean> {
  return JSON.stringify(await engine("GET", `/containers/${sessionId}`)).includes('"running":true');
}

async function fallAsleep(sessionId: string): Promise<void> {
  const last = await use(sessionId);
  await alarmAt(sessionId, last + 5 * MINUTE_MS);
  await alarmAt(sessionId, last + 30 * MINUTE_MS);
  expect(await stateOf(sessionId)).toBe("deep-sleep");
  vi.useRealTimers();
}

describe("a container that ends while its session is not in memory", () => {
  it("is told as lost, though nobody asks for it before the session falls asleep", async () => {
    const { id } = await createSession();
    const last = await use(id);
    await loseObject(stubOf(id));
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    await until("it has ended", async () => !(await isRunning(id)));
    await alarmAt(id, last + 5 * MINUTE_MS);
    expect(await infoOf(id)).toMatchObject({ state: "deep-sleep", lastLoss: { savedAt: null } });
  });
});

describe("a session without times of its own", () => {
  it("is idle five minutes after its last call and sleeps after thirty, and not before", async () => {
    const { id } = await createSession();
    const last = await use(id);
    const info = await infoOf(id);
    expect(Date.parse(info.idleAt ?? "")).toBe(last + 5 * MINUTE_MS);
    expect(Date.parse(info.deepSleepAt ?? "")).toBe(last + 30 * MINUTE_MS);
    await alarmAt(id, last + 5 * MINUTE_MS - 1);
    expect(await stateOf(id)).toBe("active");
    await alarmAt(id, last + 5 * MINUTE_MS);
    expect(await stateOf(id)).toBe("idle");
    await alarmAt(id, last + 30 * MINUTE_MS - 1);
    expect([await stateOf(id), await isRunning(id)]).toEqual(["idle", true]);
    await alarmAt(id, last + 30 * MINUTE_MS);
    expect([await stateOf(id), await isRunning(id)]).toEqual(["deep-sleep", false]);
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("kept\n");
    expect(await stateOf(id)).toBe("active");
  });

  it("is not idle while its calls come a little more often than that", async () => {
    const { id } = await createSession();
    for (let round = 0, now = await use(id); round < 4; round++) {
      now += 4 * MINUTE_MS;
      vi.useFakeTimers({ toFake: ["Date"], now });
      expect((await ask("GET", `/sessions/${id}/files/kept`)).status).toBe(200);
      await alarmAt(id, now + MINUTE_MS + SECOND_MS);
      expect(await stateOf(id)).toBe("active");
    }
  });

  it("is saved twenty seconds after a change, and every hundred seconds at the latest while changes go on", async () => {
    const { id } = await createSession();
    const last = await use(id);
    await alarmAt(id, last + 20 * SECOND_MS - 1);
    expect((await snapshotsOf(id)).total).toBe(0);
    await alarmAt(id, last + 20 * SECOND_MS);
    expect((await snapshotsOf(id)).total).toBe(1);

    const counts: number[] = [];
    for (let passedMs = 30 * SECOND_MS; passedMs <= 130 * SECOND_MS; passedMs += 10 * SECOND_MS) {
      vi.useFakeTimers({ toFake: ["Date"], now: last + passedMs });
      expect((await ask("PUT", `/sessions/${id}/files/a`, { body: String(passedMs) })).status).toBeLessThan(300);
      await alarmAt(id, last + passedMs + SECOND_MS);
      counts.push((await snapshotsOf(id)).total);
    }
    // The first of these changes came after thirty seconds.
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
  });
});

describe("a session whose object is lost", () => {
  it("while it is idle has its processes go on with the next call", async () => {
    const { id } = await createSession();
    const code = "let n = 0; Bun.serve({ port: 8080, fetch: () => new Response(`${++n}`) })";
    await execute({ sessionId: id, code });
    expect(await (await visit(previewUrl(id))).text()).toBe("1");
    await alarmAt(id, (await use(id)) + 5 * MINUTE_MS);
    expect(await stateOf(id)).toBe("idle");
    await loseObject(stubOf(id));
    expect(await stateOf(id)).toBe("idle");
    expect(await (await visit(previewUrl(id))).text()).toBe("2");
    expect(await stateOf(id)).toBe("active");
  });

  it("while it is idle still falls asleep in time", async () => {
    const { id } = await createSession();
    const last = await use(id);
    await alarmAt(id, last + 5 * MINUTE_MS);
    await loseObject(stubOf(id));
    await alarmAt(id, last + 30 * MINUTE_MS);
    expect([await stateOf(id), await isRunning(id)]).toEqual(["deep-sleep", false]);
  });

  it("while it sleeps is read without a container, and wakes with its files", async () => {
    const { id } = await createSession();
    await fallAsleep(id);
    await loseObject(stubOf(id));
    expect(await (await ask("GET", `/sessions/${id}/files/kept`)).text()).toBe("kept\n");
    expect([await stateOf(id), await isRunning(id)]).toEqual(["deep-sleep", false]);
    expect((await execute({ sessionId: id, command: "cat kept" })).stdout).toBe("kept\n");
  });

  it("keeps what it tells about its sleep and its losses", async () => {
    const { id } = await createSession();
    await fallAsleep(id);
    await execute({ sessionId: id, command: "true" });
    await engine("POST", `/containers/${id}/signal`, { signal: 9 });
    await vi.waitFor(async () => expect((await infoOf(id)).lastLoss).not.toBeNull());
    const { lastLoss, lastRestore, savedAt } = await infoOf(id);
    const processes = await (await ask("GET", `/sessions/${id}/processes`)).json();
    await loseObject(stubOf(id));
    expect(await infoOf(id)).toMatchObject({ lastLoss, lastRestore, savedAt });
    expect(await (await ask("GET", `/sessions/${id}/processes`)).json()).toEqual(processes);
    expect(lastRestore).not.toBeNull();
  });
});

describe("to another account", () => {
  it("a session's snapshots do not exist, whether it is awake or asleep", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "echo 1 > a" });
    const made = await (await ask("POST", `/sessions/${id}/snapshots`, { body: { label: "mine" } })).json();
    const { snapshotId } = made as { snapshotId: string };
    const expectNothing = async (): Promise<void> => {
      const theirs = sessionOf(env, id);
      const answers = await Promise.all<unknown>([
        theirs.snapshot("another", "label"),
        theirs.snapshots("another", { limit: 10, offset: 0 }),
        theirs.getSnapshot("another", snapshotId),
        theirs.deleteSnapshot("another", snapshotId),
        theirs.restore("another", snapshotId, null),
        theirs.restore("another", snapshotId, "a"),
        theirs.diff("another", snapshotId, { to: null, limit: 10, offset: 0 }),
        theirs.forkSource("another", snapshotId),
        theirs.forkSource("another", null),
        theirs.update("another", { services: [] }),
      ]);
      for (const answer of answers) {
        expect(answer).toMatchObject({ ok: false, error: { code: "session_not_found" } });
      }
    };
    await expectNothing();
    await fallAsleep(id);
    await expectNothing();
    expect([await stateOf(id), await isRunning(id)]).toEqual(["deep-sleep", false]);
    expect((await snapshotsOf(id)).snapshots.map(({ label }) => label)).toContain("mine");
  });
});
