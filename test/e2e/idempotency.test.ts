// Keys and rate limits as a client meets them, across a restart of the platform and connections that break.
import { describe, expect, onTestFinished, test } from "vitest";
import { ExecuteAnswer, ProcessList } from "../../src/contract/execute.ts";
import { Session } from "../../src/contract/session.ts";
import { events } from "../../scripts/client.ts";
import type { Client } from "../../scripts/client.ts";
import { newSession, ON_DOCKER, platformOfRun, problemOf } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform, TestPlatformOptions } from "../support/platform.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const newKey = (): string => crypto.randomUUID();
/** Says how often it has run. */
const COUNT = "echo x >> log; wc -l < log";

function send(to: Client, path: string, key: string, json: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { "idempotency-key": key };
  return to.request("POST", path, { json, headers, ...(signal === undefined ? {} : { signal }) });
}

async function execute(to: Client, key: string, json: unknown): Promise<ExecuteAnswer> {
  const response = await send(to, "/execute", key, json);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return ExecuteAnswer.parse(JSON.parse(text));
}

/** A platform that is ended with the test, however that goes. */
async function started(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const platform = await startTestPlatform(options);
  onTestFinished(() => platform.stop());
  return platform;
}

describe("a call with an Idempotency-Key", () => {
  test("whose answer did not arrive is sent again and does not run twice", async () => {
    const { id: sessionId } = await newSession(client);
    const key = newKey();
    const json = { sessionId, command: `${COUNT}; touch begun; while [ ! -e go ]; do sleep 0.05; done; echo done` };
    const leave = new AbortController();
    const first = send(client, "/execute", key, json, leave.signal).catch(() => null);
    await until("it to run", async () => (await client.request("HEAD", `/sessions/${sessionId}/files/begun`)).ok);
    leave.abort();
    expect(await first).toBeNull();
    const second = execute(client, key, json);
    await client.request("PUT", `/sessions/${sessionId}/files/go`, { body: "" });
    expect(await second).toMatchObject({ stdout: "1\ndone\n", exitCode: 0 });
    expect(await execute(client, key, json)).toEqual(await second);
  });

  test("is not held up by another with its key that was given up while it waited", async () => {
    const { id: sessionId } = await newSession(client);
    const key = newKey();
    const json = { sessionId, command: `${COUNT}; while [ ! -e go ]; do sleep 0.05; done`, stream: true };
    const [leave, giveUp] = [new AbortController(), new AbortController()];
    const first = await send(client, "/execute", key, json, leave.signal);
    await first.body?.getReader().read();
    const waiting = Array.from({ length: 5 }, () =>
      send(client, "/execute", key, json, giveUp.signal).catch(() => null),
    );
    await client.request("GET", `/sessions/${sessionId}`);
    giveUp.abort();
    await Promise.all(waiting);
    leave.abort();
    const last = send(client, "/execute", key, json);
    await client.request("PUT", `/sessions/${sessionId}/files/go`, { body: "" });
    const told = await Array.fromAsync(events(await last));
    expect(told.map(({ event }) => event)).toEqual(["stdout", "exit"]);
    expect(JSON.parse(told.at(-1)?.data ?? "")).toMatchObject({ stdout: "1\n" });
  });

  test("still ends with its client where it asked for that", async () => {
    const { id: sessionId } = await newSession(client);
    const json = {
      sessionId,
      command: "touch begun; while :; do echo x; sleep 0.1; done",
      stream: true,
      cancelOnDisconnect: true,
    };
    const leave = new AbortController();
    const key = newKey();
    const response = await send(client, "/execute", key, json, leave.signal);
    await until("it to run", async () => (await client.request("HEAD", `/sessions/${sessionId}/files/begun`)).ok);
    leave.abort();
    await response.text().catch(() => "");
    const last = await Array.fromAsync(events(await send(client, "/execute", key, json)));
    expect(JSON.parse(last.at(-1)?.data ?? "")).toMatchObject({ exitCode: null, signal: "SIGTERM" });
  });

  test.skipIf(ON_DOCKER)("is replayed by a platform that was started anew, streams too", async () => {
    const before = await started();
    const keys = { create: newKey(), run: newKey(), stream: newKey(), oneShot: newKey() };
    const named = { name: "kept", metadata: { a: 1 } };
    const session = Session.parse(await (await send(before.client, "/sessions", keys.create, named)).json());
    const sessionId = session.id;
    const first = await execute(before.client, keys.run, { sessionId, command: COUNT });
    const streamed = { sessionId, command: "echo out; echo err >&2", stream: true };
    const told = await Array.fromAsync(events(await send(before.client, "/execute", keys.stream, streamed)));
    const alone = await execute(before.client, keys.oneShot, { command: "hostname" });
    await before.end("SIGTERM");

    const { client: after } = await started({ dataDir: before.dataDir, port: Number(before.client.url.port) });
    const again = await send(after, "/sessions", keys.create, named);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await again.json()).toEqual(session);
    expect(await execute(after, keys.run, { sessionId, command: COUNT })).toEqual(first);
    const retold = await Array.fromAsync(events(await send(after, "/execute", keys.stream, streamed)));
    expect(retold.map(({ event, data }) => [event, JSON.parse(data)])).toEqual(
      told.map(({ event, data }) => [event, JSON.parse(data)]),
    );
    expect(await execute(after, keys.oneShot, { command: "hostname" })).toEqual(alone);
    const other = await problemOf(await send(after, "/execute", keys.run, { sessionId, command: "true" }));
    expect(other).toMatchObject({ status: 409, code: "conflict" });
    expect(await execute(after, newKey(), { sessionId, command: COUNT })).toMatchObject({ stdout: "2\n" });
  });

  test.skipIf(ON_DOCKER)(
    "that ran when the platform was killed is unknown afterwards, and does not run again",
    async () => {
      const before = await started();
      const { id: sessionId } = await before.client.createSession();
      const key = newKey();
      const json = { sessionId, command: `${COUNT}; touch begun; sleep 60` };
      const first = send(before.client, "/execute", key, json).catch(() => null);
      await until(
        "it to run",
        async () => (await before.client.request("HEAD", `/sessions/${sessionId}/files/begun`)).ok,
      );
      await before.end("SIGKILL");
      await (await first)?.text().catch(() => "");

      const { client: after } = await started({ dataDir: before.dataDir });
      const second = await problemOf(await send(after, "/execute", key, json));
      expect(second).toMatchObject({ status: 503, details: { outcome: "unknown" } });
      expect(await problemOf(await send(after, "/execute", key, json))).toEqual(second);
      const { processes } = await after.ask(ProcessList, "GET", `/sessions/${sessionId}/processes`);
      expect(processes).toEqual([]);
    },
  );
});

describe.skipIf(ON_DOCKER)("a platform with a limit", () => {
  test("lets through exactly what REQUESTS_PER_MINUTE says, over however many connections", async () => {
    const { client: limited } = await started({ env: { REQUESTS_PER_MINUTE: "20" } });
    const responses = await Promise.all(Array.from({ length: 60 }, () => limited.request("GET", "/sessions")));
    expect(responses.filter(({ status }) => status === 200).length).toBe(20);
    const refused = responses.find(({ status }) => status === 429);
    const reset = Number(refused?.headers.get("x-ratelimit-reset")) * 1000;
    expect(reset).toBeGreaterThan(Date.now());
    expect(Number(refused?.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect((await limited.request("GET", "/openapi.json")).status).toBe(200);
    await Promise.all(responses.map((response) => response.text()));
  });

  test("that is none is said in one line", async () => {
    await expect(startTestPlatform({ env: { REQUESTS_PER_MINUTE: "many" } })).rejects.toThrow(
      "REQUESTS_PER_MINUTE is not a whole number from 1 to 999999999: many",
    );
  });
});
