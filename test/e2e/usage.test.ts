import { expect, test } from "vitest";
import { SessionInfo } from "../../src/contract/session.ts";
import { UsageReport } from "../../src/contract/usage.ts";
import type { Usage } from "../../src/contract/usage.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const info = (id: string): Promise<SessionInfo> => client.ask(SessionInfo, "GET", `/sessions/${id}`);

async function usageOf(id: string): Promise<Usage | undefined> {
  for (let offset = 0; ; offset += 100) {
    const page = await client.ask(UsageReport, "GET", `/usage?by=session&limit=100&offset=${offset}`);
    const row = page.rows.find(({ sessionId }) => sessionId === id);
    if (row !== undefined || page.rows.length === 0) return row;
  }
}

test("two sessions are each counted by what they did, and still are when they are deleted", async () => {
  const [busy, sleeper] = [
    await newSession(client),
    await newSession(client, { idleAfter: "1s", deepSleepAfter: "2s" }),
  ];
  for (let runs = 0; runs < 3; runs++) await client.execute({ sessionId: busy.id, command: "echo x >> file" });
  await client.execute({ sessionId: sleeper.id, command: "head -c 100000 /dev/urandom > file" });
  await until("one sleeps", async () => (await info(sleeper.id)).state === "deep-sleep", { deadlineMs: 30_000 });
  let before: Usage | undefined;
  const asleep = await until("its account knows, so that only that time grows", async () => {
    const row = await usageOf(sleeper.id);
    const knows = row?.idleSeconds === before?.idleSeconds && (row?.asleepSeconds ?? 0) > (before?.asleepSeconds ?? 0);
    before = row;
    return row !== undefined && row.idleSeconds > 0 && knows && row;
  });
  expect(asleep).toMatchObject({ executions: 1 });
  await until("sleeping costs time and what is stored, and nothing else", async () => {
    const row = await usageOf(sleeper.id);
    if (row === undefined) return false;
    const { asleepSeconds, storedGibSeconds, ...rest } = row;
    expect(rest).toEqual({ ...asleep, asleepSeconds: undefined, storedGibSeconds: undefined });
    return asleepSeconds > asleep.asleepSeconds && storedGibSeconds > asleep.storedGibSeconds;
  });
  for (const { id } of [busy, sleeper]) await client.request("DELETE", `/sessions/${id}`);
  const [one, other] = [await usageOf(busy.id), await usageOf(sleeper.id)];
  expect(one).toMatchObject({ executions: 3, asleepSeconds: expect.any(Number) });
  expect(one?.activeSeconds).toBeGreaterThan(0);
  expect(one?.vcpuSeconds).toBeCloseTo((one?.activeSeconds ?? 0) * 0.25, 2);
  expect(other?.activeSeconds).toBe(asleep.activeSeconds);
  expect(other?.asleepSeconds).toBeGreaterThan(asleep.asleepSeconds);
});

test("a budget of active seconds ends a session while it is busy, keeps its files, and can be raised", async () => {
  const { id } = await newSession(client, { budget: { activeSeconds: 5 } });
  const answer = await client.execute({ sessionId: id, command: "echo kept > file; sleep 60" });
  expect(answer).toMatchObject({ exitCode: null, timedOut: false });
  await until("it sleeps", async () => (await info(id)).state === "deep-sleep", { deadlineMs: 30_000 });
  const refused = await problem(client, "POST", "/execute", { json: { sessionId: id, command: "true" } });
  expect(refused).toMatchObject({
    status: 403,
    code: "forbidden",
    details: { budget: "activeSeconds", of: "session", limit: 5 },
  });
  expect(await (await client.request("GET", `/sessions/${id}/files/file`)).text()).toBe("kept\n");
  const { spent } = await info(id);
  expect((await info(id)).spent).toEqual(spent);
  expect((await client.request("PATCH", `/sessions/${id}`, { json: { budget: { activeSeconds: 600 } } })).status).toBe(
    200,
  );
  expect(await client.execute({ sessionId: id, command: "cat file" })).toMatchObject({ stdout: "kept\n" });
});
