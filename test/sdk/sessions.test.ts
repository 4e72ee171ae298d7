import { describe, expect, onTestFinished, test } from "vitest";
import { Buntime, BuntimeError, SessionHandle } from "../../src/sdk/index.ts";
import type { Event } from "../../src/sdk/index.ts";
import { platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";
import { ownSession, sdkOfRun } from "../support/sdk.ts";

const client = sdkOfRun();

describe("client.sessions", () => {
  test("creates a session whose handle has the session's data", async () => {
    const session = await ownSession(client, { ttl: 600, metadata: { purpose: "test" } });
    expect(session).toBeInstanceOf(SessionHandle);
    expect(session).toMatchObject({
      sessionId: session.id,
      state: "active",
      metadata: { purpose: "test" },
      name: null,
    });
    expect(session.id).toMatch(/^ses_[0-9a-z]{20}$/);
    expect(new URL(session.previewUrl).hostname).toMatch(/^ses-/);
    // What is printed or stored of it is the data alone.
    const stored: unknown = JSON.parse(JSON.stringify(session));
    expect(stored).not.toHaveProperty("files");
    expect(stored).toMatchObject({ id: session.id, services: [] });
  });

  test("tells how a session is doing, by id and by name", async () => {
    const name = `n-${crypto.randomUUID()}`;
    const session = await ownSession(client, { name });
    const info = await client.sessions.info({ sessionId: session.id });
    expect(info).toMatchObject({ id: session.id, state: "active", activeProcesses: 0 });
    expect(await session.info()).toMatchObject({ id: session.id });
    const found = await client.sessions.get({ sessionId: name });
    expect(found.id).toBe(session.id);
    expect(await found.execute({ command: "echo hi" })).toMatchObject({ stdout: "hi\n" });
  });

  test("lists sessions by state and metadata", async () => {
    const mark = crypto.randomUUID();
    const [one] = await Promise.all([
      ownSession(client, { metadata: { mark, "a key": "b&c" } }),
      ownSession(client, { metadata: { mark } }),
    ]);
    const both = await client.sessions.list({ metadata: { mark }, state: "active", limit: 1 });
    expect([both.sessions.length, both.total]).toEqual([1, 2]);
    const { sessions } = await client.sessions.list({ metadata: { mark, "a key": "b&c" } });
    expect(sessions.map(({ id }) => id)).toEqual([one.id]);
  });

  test("changes a session, and its handle with it", async () => {
    const session = await ownSession(client);
    const updated = await session.update({ metadata: { step: 2 }, ttl: 900 });
    expect(updated).toBe(session);
    expect(session.metadata).toEqual({ step: 2 });
    expect(await client.sessions.update({ sessionId: session.id, metadata: { step: 3 } })).toMatchObject({
      metadata: { step: 3 },
    });
  });

  test("deletes a session", async () => {
    const session = await client.sessions.create();
    expect(await client.sessions.delete({ sessionId: session.id })).toEqual({ deleted: true, sessionId: session.id });
    await expect(session.info()).rejects.toMatchObject({ code: "session_not_found", status: 404 });
    await expect(session.delete()).rejects.toMatchObject({ code: "session_not_found" });
  });

  test("puts a session to sleep and wakes it, and tells what its previews were asked", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "a.txt", content: "kept" });
    expect(await client.sessions.sleep({ sessionId: session.id })).toMatchObject({ state: "deep-sleep" });
    expect(await client.sessions.wake({ sessionId: session.id })).toMatchObject({ state: "active" });
    expect(await session.files.read({ path: "a.txt" })).toBe("kept");
    await platformOfRun().preview(session.id, "/nobody?token=secret");
    const { requests, lastSeq } = await client.sessions.previewRequests({ sessionId: session.id });
    expect(requests).toMatchObject([{ method: "GET", path: "/nobody", status: 502 }]);
    expect(await client.sessions.previewRequests({ sessionId: session.id, after: lastSeq, limit: 1 })).toEqual({
      requests: [],
      lastSeq,
    });
  });

  test("tells the account's limits, and how many sessions it has", async () => {
    await ownSession(client);
    const { limits, sessions, status } = await client.account.get();
    expect(status).toBe("active");
    expect(sessions).toBeGreaterThan(0);
    expect(sessions).toBeLessThanOrEqual(limits.sessions);
  });

  test("forks a session with its files", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "a.txt", content: "from the first" });
    const fork = await session.fork({ metadata: { fork: true } });
    onTestFinished(() => fork[Symbol.asyncDispose]());
    expect(fork.id).not.toBe(session.id);
    expect(await fork.files.read({ path: "a.txt" })).toBe("from the first");
  });

  test("`await using` deletes it, also when that was done before", async () => {
    let id = "";
    {
      await using session = await client.sessions.create();
      id = session.id;
    }
    await expect(client.sessions.info({ sessionId: id })).rejects.toMatchObject({ code: "session_not_found" });
    await using session = await client.sessions.create();
    await session.delete();
  });
});

describe("a session handle", () => {
  test("knows the URLs of its previews", async () => {
    const session = await ownSession(client);
    const { host, hostname } = new URL(session.previewUrl);
    expect(new URL(session.previewUrlFor(8080)).host).toBe(host);
    const label = hostname.split(".")[0] ?? "";
    expect(new URL(session.previewUrlFor(3000)).host).toBe(host.replace(label, `${label}-3000`));
  });

  test("lists what runs, and sets services", async () => {
    const session = await ownSession(client);
    const { pid } = await session.execute({ command: "sleep 100", background: true });
    const { processes } = await session.processes();
    expect(processes.map((process) => process.pid)).toContain(pid);
    expect((await client.processes.list({ sessionId: session.id })).processes.length).toBe(processes.length);
    await session.setServices([{ name: "web", command: "sleep 1000" }]);
    expect(session.services).toMatchObject([{ name: "web" }]);
    await until("it to run", async () => (await session.processes()).services[0]?.status === "running");
    expect(await client.services.set({ sessionId: session.id, services: [] })).toMatchObject({ services: [] });
    const killed = await session.execution.kill(pid === null ? {} : { pid });
    expect(killed.pids).toContain(pid);
  });

  test("looks at executions and their output", async () => {
    const session = await ownSession(client);
    const { executionId } = await session.execute({ command: "echo one; echo two >&2" });
    expect(await session.execution.get({ executionId })).toMatchObject({ outcome: "exited", exitCode: 0 });
    expect(await client.execution.get({ sessionId: session.id, executionId })).toMatchObject({ executionId });
    expect((await session.execution.list()).executions.map((one) => one.executionId)).toEqual([executionId]);
    const page = await session.execution.output({ executionId });
    expect(page).toMatchObject({ done: true, lastSeq: 2 });
    expect(await session.execution.output({ executionId, after: page.lastSeq })).toMatchObject({ chunks: [] });
  });

  test("takes snapshots, compares and restores them", async () => {
    const session = await ownSession(client);
    await session.files.write({ path: "a.txt", content: "one" });
    const first = await session.snapshots.create({ label: "first" });
    await session.files.write({ path: "b.txt", content: "two" });
    const second = await client.snapshots.create({ sessionId: session.id, label: "second" });
    const { snapshots, total } = await session.snapshots.list();
    expect(total).toBeGreaterThanOrEqual(2);
    expect(snapshots.map(({ snapshotId }) => snapshotId)).toContain(first.snapshotId);
    expect(await session.snapshots.get({ snapshotId: first.snapshotId })).toMatchObject({ label: "first" });
    const diff = await session.snapshots.diff({ snapshotId: first.snapshotId, to: second.snapshotId });
    expect(diff.changes).toContainEqual({ path: "b.txt", change: "added" });
    const restored = await session.snapshots.restore({ snapshotId: first.snapshotId });
    expect(restored).toMatchObject({ snapshotId: first.snapshotId, previousSnapshotId: expect.any(String) });
    await expect(session.files.read({ path: "b.txt" })).rejects.toMatchObject({ code: "file_not_found" });
    expect(await session.snapshots.delete({ snapshotId: second.snapshotId })).toMatchObject({ deleted: true });
  });

  test("makes, lists and revokes tokens of its private preview", async () => {
    const session = await ownSession(client, { preview: "private" });
    const token = await session.previews.createToken({ label: "for a friend" });
    expect(token.url).toContain(token.token);
    expect((await client.previews.list({ sessionId: session.id })).tokens).toMatchObject([{ label: "for a friend" }]);
    expect(await session.previews.revoke({ tokenId: token.tokenId })).toEqual({
      revoked: true,
      tokenId: token.tokenId,
    });
    expect((await session.previews.list()).total).toBe(0);
  });
});

describe("of the account", () => {
  test("keys are made, rotated and revoked", async () => {
    const { url } = platformOfRun();
    const made = await client.keys.create({ name: "sdk", scopes: ["sessions:read"] });
    onTestFinished(async () => void (await client.keys.delete({ keyId: made.id }).catch(() => null)));
    const other = new Buntime({ apiKey: made.key, baseUrl: `${url.origin}/api` });
    expect((await other.sessions.list({ limit: 1 })).total).toBeGreaterThanOrEqual(0);
    await expect(other.sessions.create()).rejects.toMatchObject({ code: "forbidden", status: 403 });
    expect((await client.keys.list()).keys.map(({ id }) => id)).toContain(made.id);
    const rotated = await client.keys.rotate({ keyId: made.id });
    expect(rotated.key).not.toBe(made.key);
    await expect(other.sessions.list()).rejects.toMatchObject({ code: "unauthorized", status: 401 });
    expect(await client.keys.delete({ keyId: made.id })).toEqual({ deleted: true, id: made.id });
  });

  test("webhooks are made, listed and deleted", async () => {
    const hook = await client.webhooks.create({
      url: `https://example.com/${crypto.randomUUID()}`,
      types: ["session.lost"],
    });
    expect(hook.secret).toMatch(/^whsec_/);
    expect((await client.webhooks.list()).webhooks.map(({ id }) => id)).toContain(hook.id);
    expect(await client.webhooks.deliveries({ webhookId: hook.id })).toEqual({ deliveries: [], total: 0 });
    const replay = client.webhooks.replay({ webhookId: hook.id, deliveryId: `dlv_${"0".repeat(20)}` });
    await expect(replay).rejects.toMatchObject({ code: "not_found" });
    expect(await client.webhooks.delete({ webhookId: hook.id })).toEqual({ deleted: true, id: hook.id });
  });

  test("usage is told by day and by session", async () => {
    await using session = await client.sessions.create();
    await session.execute({ command: "true" });
    const { rows, by } = await client.usage.get({ by: "day" });
    expect(by).toBe("day");
    expect(rows.length).toBeGreaterThan(0);
    expect((await client.usage.get({ by: "session", limit: 1 })).rows.length).toBe(1);
  });

  test("events are followed from the one that was seen last", async () => {
    const leave = new AbortController();
    /** Those of sessions that come and go, until one went. */
    const follow = async (after?: string): Promise<Event[]> => {
      const seen: Event[] = [];
      const churning = until("an event", async () => {
        await (await client.sessions.create()).delete();
        return seen.length > 0;
      });
      for await (const event of client.events.follow({ after, types: ["session.created", "session.deleted"] })) {
        seen.push(event);
        if (event.type === "session.deleted") break;
      }
      await churning;
      return seen;
    };
    const first = await follow();
    const last = first.at(-1);
    const again = await follow(last?.id);
    expect(again.map(({ id }) => id)).not.toContain(last?.id);
    expect(again.map(({ type }) => type)).toContain("session.created");
    const ended = (async () => {
      leave.abort();
      for await (const _ of client.events.follow({}, { signal: leave.signal }));
    })();
    await expect(ended).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("new Buntime", () => {
  test("takes the key and the address from the environment", async () => {
    const { url, apiKey } = platformOfRun();
    const before = { ...process.env };
    onTestFinished(() => void Object.assign(process.env, { BUNTIME_API_KEY: "", BUNTIME_BASE_URL: "", ...before }));
    Object.assign(process.env, { BUNTIME_API_KEY: apiKey, BUNTIME_BASE_URL: `${url.origin}/api/` });
    expect((await new Buntime().sessions.list({ limit: 1 })).sessions.length).toBeLessThanOrEqual(1);
  });

  test.each([{ baseUrl: "no address" }, { baseUrl: "file:///etc" }, { timeout: -1 }, { maxRetries: Number.NaN }])(
    "refuses %j at once",
    (options) => {
      expect(() => new Buntime(options)).toThrow(BuntimeError);
    },
  );

  test("a key that is none is `unauthorized`, and is not tried again", async () => {
    const retries: unknown[] = [];
    const stranger = sdkOfRun({ apiKey: "btk_none", onRetry: (retry) => retries.push(retry) });
    await expect(stranger.sessions.list()).rejects.toMatchObject({ code: "unauthorized", status: 401 });
    expect(retries).toEqual([]);
  });
});
