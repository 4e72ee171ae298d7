// The life of a session.
import { describe, expect, test } from "vitest";
import { Session, SessionDeleted, SessionInfo, SessionList } from "../../src/contract/session.ts";
import { readText } from "../../scripts/client.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const unique = (): string => `n${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
const get = (ref: string): Promise<SessionInfo> => client.ask(SessionInfo, "GET", `/sessions/${ref}`);
const list = (query: string): Promise<SessionList> => client.ask(SessionList, "GET", `/sessions?${query}`);

describe("create", () => {
  test("with nothing asked for gives a day, the default limits and a preview URL", async () => {
    const session = await newSession(client);
    expect(session).toMatchObject({
      sessionId: session.id,
      name: null,
      state: "active",
      image: "bun",
      metadata: {},
      resourceLimits: { memory: 1024, cpu: 0.25, timeout: 30, disk: 1024 },
    });
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(86_400_000);
    expect(new URL(session.previewUrl).host).toBe(`${session.id.replace("_", "-")}.${client.domain}`);
  });

  test("answers 201, and /sessions/create is the same", async () => {
    for (const path of ["/sessions", "/sessions/create"]) {
      const response = await client.request("POST", path, { json: {} });
      expect(response.status).toBe(201);
      await client.request("DELETE", `/sessions/${Session.parse(await response.json()).id}`);
    }
  });

  test("keeps ttl, name and metadata", async () => {
    const name = unique();
    const metadata = { user: "ü", nested: { list: [1, null, true] } };
    const session = await newSession(client, { ttl: 300, name, metadata });
    expect(session).toMatchObject({ name, metadata });
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(300_000);
    expect(await get(session.id)).toMatchObject({ name, metadata, expiresAt: session.expiresAt });
  });

  test("a name that is taken is a conflict, until its session is gone", async () => {
    const name = unique();
    const first = await newSession(client, { name });
    expect(await problem(client, "POST", "/sessions", { json: { name } })).toMatchObject({
      status: 409,
      code: "conflict",
    });
    await client.request("DELETE", `/sessions/${first.id}`);
    expect((await newSession(client, { name })).name).toBe(name);
  });

  test("of many at once with one name exactly one wins", async () => {
    const name = unique();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => client.request("POST", "/sessions", { json: { name } })),
    );
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      201, 409, 409, 409, 409,
    ]);
    await client.request("DELETE", `/sessions/${name}`);
  });

  test.each([
    { ttl: 299 },
    { ttl: 604_801 },
    { ttl: "300" },
    { ttl: 300.5 },
    { name: "" },
    { name: "a b" },
    { name: "x".repeat(65) },
    { name: "ses_mine" },
    { metadata: [] },
    { metadata: { big: "x".repeat(16_384) } },
    { image: "ubuntu" },
    { unknown: 1 },
  ])("%j is invalid_request", async (json) => {
    expect(await problem(client, "POST", "/sessions", { json })).toMatchObject({
      status: 400,
      code: "invalid_request",
    });
  });

  test("many calls that arrive before the container is up all get their answer from one container", async () => {
    const { id: sessionId } = await newSession(client);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        client.execute({ sessionId, command: "cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid" }),
      ),
    );
    expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1);
  });
});

describe("get", () => {
  test("counts files, bytes and processes, and tells the last activity", async () => {
    const { id, createdAt } = await newSession(client);
    await client.execute({ sessionId: id, command: "mkdir d; head -c 100000 /dev/zero > d/a; echo 1 > b" });
    const info = await until("the counts", async () => {
      const now = await get(id);
      return now.filesCount === 2 && now;
    });
    expect(info.diskUsed).toBeGreaterThanOrEqual(100_000);
    expect(info.activeProcesses).toBe(0);
    expect(Date.parse(info.lastActive)).toBeGreaterThanOrEqual(Date.parse(createdAt));
  });

  test("works by name", async () => {
    const name = unique();
    const { id } = await newSession(client, { name });
    expect((await get(name)).id).toBe(id);
  });

  test.each(["ses_00000000000000000000", "nobody"])("%s is session_not_found", async (ref) => {
    expect(await problem(client, "GET", `/sessions/${ref}`)).toMatchObject({ status: 404, code: "session_not_found" });
  });

  test.each([
    "ses_short",
    "ses_0000000000000000000Z",
    "SES_00000000000000000000",
    "a%20b",
    "%00",
    "ses_%2e%2e",
    "x".repeat(300),
  ])("%s is a 4xx", async (ref) => {
    expect([400, 404]).toContain((await problem(client, "GET", `/sessions/${ref}`)).status);
  });
});

describe("list", () => {
  test("shows sessions newest first, a page at a time, filtered by metadata", async () => {
    const tag = unique();
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.unshift((await newSession(client, { metadata: { tag, index: String(index) } })).id);
    }
    const mine = await until("all three to be listed", async () => {
      const found = await list(`metadata.tag=${tag}`);
      return found.total === 3 && found;
    });
    expect(mine.sessions.map(({ id }) => id)).toEqual(ids);
    const page = await list(`metadata.tag=${tag}&limit=1&offset=1`);
    expect([page.total, page.sessions.map(({ id }) => id)]).toEqual([3, [ids[1]]]);
    expect((await list(`metadata.tag=${tag}&metadata.index=2`)).sessions.map(({ id }) => id)).toEqual([ids[0]]);
    expect((await list(`metadata.tag=${tag}&state=active`)).total).toBe(3);
  });

  test.each(["limit=0", "limit=101", "offset=-1", "limit=ten", "state=asleep"])("%s is refused", async (query) => {
    expect(await problem(client, "GET", `/sessions?${query}`)).toMatchObject({ status: 400 });
  });
});

describe("patch", () => {
  const patch = (ref: string, json: unknown): Promise<Session> =>
    client.ask(Session, "PATCH", `/sessions/${ref}`, json);

  test("ttl counts from now", async () => {
    const { id } = await newSession(client, { ttl: 300 });
    const before = Date.now();
    const { expiresAt } = await patch(id, { ttl: 3600 });
    expect(Date.parse(expiresAt)).toBeGreaterThanOrEqual(before + 3_600_000);
    expect((await get(id)).expiresAt).toBe(expiresAt);
  });

  test("metadata is replaced, a name is given, changed and taken away", async () => {
    const { id } = await newSession(client, { metadata: { a: 1 } });
    expect((await patch(id, { metadata: { b: 2 } })).metadata).toEqual({ b: 2 });
    const [one, two] = [unique(), unique()];
    await patch(id, { name: one });
    await patch(one, { name: two });
    expect(await problem(client, "GET", `/sessions/${one}`)).toMatchObject({ status: 404 });
    expect((await get(two)).id).toBe(id);
    expect((await patch(id, { name: null })).name).toBeNull();
    expect(await problem(client, "GET", `/sessions/${two}`)).toMatchObject({ status: 404 });
  });

  test("a name of another session is a conflict", async () => {
    const name = unique();
    const [, { id }] = await Promise.all([newSession(client, { name }), newSession(client)]);
    expect(await problem(client, "PATCH", `/sessions/${id}`, { json: { name } })).toMatchObject({ status: 409 });
  });

  test("nonsense is refused", async () => {
    const { id } = await newSession(client);
    for (const json of [{ ttl: 1 }, { name: "a b" }, { state: "idle" }, { id: "ses_00000000000000000000" }, []]) {
      expect(await problem(client, "PATCH", `/sessions/${id}`, { json })).toMatchObject({ status: 400 });
    }
  });
});

describe("delete", () => {
  test("ends its processes and its preview, and every call is a 404 afterwards", async () => {
    const name = unique();
    const { id } = await client.createSession({ name });
    await client.execute({ sessionId: id, code: "Bun.serve({ port: 8080, fetch: () => new Response('up') })" });
    expect(await readText(await client.preview(id, "/"))).toBe("up");

    expect(await client.ask(SessionDeleted, "DELETE", `/sessions/${id}`)).toEqual({ deleted: true, sessionId: id });
    expect((await client.preview(id, "/")).statusCode).toBe(404);
    for (const [method, path, json] of [
      ["GET", `/sessions/${id}`],
      ["GET", `/sessions/${name}`],
      ["PATCH", `/sessions/${id}`, { ttl: 300 }],
      ["DELETE", `/sessions/${id}`],
      ["GET", `/sessions/${id}/processes`],
      ["GET", `/sessions/${id}/executions`],
      ["GET", `/sessions/${id}/files/a.txt`],
      ["GET", `/files/list?sessionId=${id}`],
      ["POST", "/execute", { sessionId: id, command: "true" }],
      ["POST", "/execution/kill", { sessionId: id }],
      ["POST", "/files/write", { sessionId: id, path: "a", content: "b" }],
    ] as const) {
      const answer = await problem(client, method, path, json === undefined ? {} : { json });
      expect(answer, `${method} ${path}`).toMatchObject({ status: 404, code: "session_not_found" });
    }
    expect((await list("limit=100")).sessions.some((session) => session.id === id)).toBe(false);
  });

  test("by name works, and ends a call that is waiting", async () => {
    const name = unique();
    const { id } = await client.createSession({ name });
    const waiting = client.request("POST", "/execute", { json: { sessionId: id, command: "touch ready; sleep 60" } });
    await until("its start", async () => (await client.execute({ sessionId: id, command: "ls ready" })).exitCode === 0);
    await client.ask(SessionDeleted, "DELETE", `/sessions/${name}`);
    const response = await waiting;
    expect(response.status).toBeLessThan(600);
    await response.text();
  });
});

test("sessions do not see each other's files, processes or temporary files", async () => {
  const [one, two] = await Promise.all([newSession(client), newSession(client)]);
  await client.execute({ sessionId: one.id, command: "echo secret > a.txt; echo secret > /tmp/a.txt; sleep 4242 &" });
  const seen = await client.execute({
    sessionId: two.id,
    command: "ls -A | grep -v buntime; cat /tmp/a.txt; grep -l 424[2] /proc/[0-9]*/cmdline",
  });
  expect(seen.stdout).toBe("");
});
