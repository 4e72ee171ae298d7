import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PLANS } from "../../src/contract/limits.ts";
import { askAs, createAccount, operate } from "./accounts.ts";
import { expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

async function sessionOf(key: string, body: unknown = {}): Promise<string> {
  const response = await askAs(key, "POST", "/sessions", { body });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the sessions that a plan allows at the same time", () => {
  it("are exact under many at once, and one that is deleted makes room", async () => {
    const { key } = await createAccount({ plan: "enterprise", limits: { sessions: 3 } });
    const responses = await Promise.all(Array.from({ length: 8 }, () => askAs(key, "POST", "/sessions", { body: {} })));
    const made = responses.filter(({ status }) => status === 201);
    expect(made).toHaveLength(3);
    for (const refused of responses.filter(({ status }) => status !== 201)) {
      expect(await expectProblem(refused, "session_limit_exceeded")).toEqual({ limit: 3, sessions: 3 });
    }
    const { id } = (await made[0]?.json<{ id: string }>()) ?? { id: "" };
    // What is there already may be changed.
    expect((await askAs(key, "PATCH", `/sessions/${id}`, { body: { ttl: 600 } })).status).toBe(200);
    await expectProblem(await askAs(key, "POST", `/sessions/${id}/fork`, { body: {} }), "session_limit_exceeded");
    await expectProblem(await askAs(key, "POST", "/execute", { body: { command: "true" } }), "session_limit_exceeded");
    await askAs(key, "DELETE", `/sessions/${id}`);
    await sessionOf(key);
  });

  it("include those made for one execution, which are in no list", async () => {
    const { id, key } = await createAccount({ plan: "enterprise", limits: { sessions: 1 } });
    const running = askAs(key, "POST", "/execute", { body: { command: "sleep 1000", timeout: 20 } });
    // Looked up, not tried out: a session made for a try would take the only place.
    await until("the execution has its session", () =>
      runInDurableObject(
        env.ACCOUNT.getByName(id),
        (_account, { storage }) => storage.sql.exec("SELECT 1 FROM session").toArray().length === 1,
      ),
    );
    await expectProblem(await askAs(key, "POST", "/sessions", { body: {} }), "session_limit_exceeded");
    expect(await (await askAs(key, "GET", "/sessions")).json()).toEqual({ sessions: [], total: 0 });
    void running.catch(() => {});
  });

  it("are counted still after the account's object was lost", async () => {
    const { id, key } = await createAccount({ plan: "enterprise", limits: { sessions: 1 } });
    await sessionOf(key);
    await loseObject(env.ACCOUNT.getByName(id));
    await expectProblem(await askAs(key, "POST", "/sessions", { body: {} }), "session_limit_exceeded");
  });
});

describe("a plan's limits", () => {
  it("hold for memory, CPUs, disk, the time-out and the time to live of a session", async () => {
    const { key } = await createAccount({ plan: "free" });
    for (const [name, value, max] of [
      ["memory", 2048, 1024],
      ["cpu", 0.5, 0.25],
      ["disk", 2048, 1024],
      ["timeout", 31, 30],
    ] as const) {
      const refused = await askAs(key, "POST", "/sessions", { body: { resourceLimits: { [name]: value } } });
      expect(await expectProblem(refused, "forbidden")).toEqual({ limit: name, max });
    }
    await expectProblem(await askAs(key, "POST", "/sessions", { body: { ttl: 86_401 } }), "invalid_request");
    const id = await sessionOf(key);
    await expectProblem(await askAs(key, "PATCH", `/sessions/${id}`, { body: { ttl: 86_401 } }), "invalid_request");
    await expectProblem(await askAs(key, "POST", `/sessions/${id}/fork`, { body: { ttl: 86_401 } }), "invalid_request");
    await expectProblem(
      await askAs(key, "POST", "/execute", { body: { sessionId: id, command: "true", timeout: 31 } }),
      "invalid_request",
    );
  });

  it("are the defaults of a session where they are below the platform's", async () => {
    const limits = { memoryMb: 512, diskMb: 100, timeoutSeconds: { default: 7, max: 9 } };
    const { key } = await createAccount({ plan: "enterprise", limits });
    const response = await askAs(key, "POST", "/sessions", { body: {} });
    expect((await response.json<{ resourceLimits: unknown }>()).resourceLimits).toEqual({
      memory: 512,
      cpu: 0.25,
      timeout: 7,
      disk: 100,
    });
  });

  it("allow more disk to those whose plan does", async () => {
    const { key } = await createAccount({ plan: "paid" });
    const response = await askAs(key, "POST", "/sessions", { body: { resourceLimits: { disk: 5120 } } });
    expect(await response.json()).toMatchObject({ resourceLimits: { disk: 5120 } });
  });

  it("hold for the files of one request, in number and size", async () => {
    const { key } = await createAccount({ plan: "enterprise", limits: { fileBytes: 10, filesPerRequest: 2 } });
    const sessionId = await sessionOf(key);
    const write = (files: unknown): Promise<Response> =>
      askAs(key, "POST", "/files/write", { body: { sessionId, files } });
    const file = { path: "a", content: "0123456789" };
    expect((await write([file, { ...file, path: "b" }])).status).toBe(200);
    await expectProblem(await write([file, file, file]), "payload_too_large");
    await expectProblem(await write([{ ...file, content: "0123456789x" }]), "payload_too_large");
    const files = [{ path: "a", content: "0123456789x" }];
    await expectProblem(
      await askAs(key, "POST", "/execute", { body: { sessionId, command: "true", files } }),
      "payload_too_large",
    );
  });

  it("hold for a fork of what was made under a larger one", async () => {
    const { id, key } = await createAccount({ plan: "paid" });
    const original = await sessionOf(key, { resourceLimits: { memory: 4096, cpu: 1, disk: 2048 } });
    await operate("PATCH", `/accounts/${id}`, { plan: "free" });
    const fork = await askAs(key, "POST", `/sessions/${original}/fork`, { body: {} });
    expect(await fork.json()).toMatchObject({ resourceLimits: { memory: 1024, cpu: 0.25, disk: 1024 } });
  });
});

describe("previews", () => {
  it("have a limit of their own for each session, and leave the key's requests alone", async () => {
    const { key } = await createAccount({ plan: "enterprise", limits: { previewsPerMinute: 5 } });
    const [one, other] = [await sessionOf(key), await sessionOf(key)];
    const before = await askAs(key, "GET", "/sessions");
    const visits = await Promise.all(Array.from({ length: 9 }, () => visit(previewUrl(one))));
    expect(visits.filter(({ status }) => status === 502)).toHaveLength(5);
    const refused = visits.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    for (const response of refused) {
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await expectProblem(response, "rate_limit_exceeded")).toMatchObject({ limit: 5 });
    }
    expect((await visit(previewUrl(other))).status).toBe(502);
    const after = await askAs(key, "GET", "/sessions");
    const remaining = [before, after].map((response) => Number(response.headers.get("x-ratelimit-remaining")));
    expect(remaining[1]).toBe((remaining[0] ?? 0) - 1);
  });

  it("are those of the plan", async () => {
    expect([PLANS.free.previewsPerMinute, PLANS.paid.previewsPerMinute]).toEqual([600, 6000]);
  });
});
