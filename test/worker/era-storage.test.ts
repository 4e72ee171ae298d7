// The storage of an account within the Worker: what outlives its objects, what does not outlive the account, and its bounds.
import { env, runInDurableObject, SELF } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { accountOf } from "../../src/account/rpc.ts";
import { unsignedRunToken } from "../../src/contract/run-token.ts";
import { storageAccess } from "../../src/data/access.ts";
import { ACCOUNT_BYTES, ENTRY_BYTES, NAMESPACES } from "../../src/data/limits.ts";
import { storageOf } from "../../src/data/rpc.ts";
import { PLANS } from "../../src/contract/limits.ts";
import type { Env } from "../../src/env.ts";
import { askAs, createAccount, operate } from "./accounts.ts";
import { loseObject, until } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
});

// SAFETY: the bindings of wrangler.toml and the variables of the suite.
const bindings = env as unknown as Env;

interface Told {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- any JSON: what it must be is what the tests say
  readonly json: any;
}

async function storage(key: string, method: string, path: string, body?: unknown): Promise<Told> {
  const response = await SELF.fetch(`http://localhost:8787/era/api/storage${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

const tablesOf = (stub: DurableObjectStub): Promise<unknown[]> =>
  runInDurableObject(stub, (_object, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray()
      .map(({ name }) => name),
  );

async function fill(key: string): Promise<void> {
  await storage(key, "PUT", "/kv/app/value", { value: "kept" });
  await storage(key, "PUT", "/r2/app/object", { content: btoa("x".repeat(3_000_000)) });
  for (const namespace of ["app", "other"]) {
    await storage(key, "POST", `/d1/${namespace}/exec`, { sql: "CREATE TABLE kept (a); INSERT INTO kept VALUES (1)" });
  }
}

it("is there when its objects were lost", async () => {
  const { id, key } = await createAccount();
  await fill(key);
  await loseObject(env.STORAGE.getByName(id));
  await loseObject(env.SQL_DATABASE.getByName(`${id}/app`));
  expect((await storage(key, "GET", "/kv/app/value")).json.value).toBe("kept");
  expect(atob((await storage(key, "GET", "/r2/app/object")).json.content)).toBe("x".repeat(3_000_000));
  expect((await storage(key, "POST", "/d1/app/query", { sql: "SELECT * FROM kept" })).json.results).toEqual([{ a: 1 }]);
});

describe("with its account", () => {
  it("all of it is deleted, and nobody who comes late leaves anything", async () => {
    const { id, key } = await createAccount();
    await fill(key);
    const own = storageOf(bindings, id);
    await operate("DELETE", `/accounts/${id}`);
    await until("the account is gone", async () => (await operate("GET", `/accounts/${id}`)).status === 404);
    const place = { kind: "kv", namespace: "late", key: "late" } as const;
    const late = await own.put(place, { bytes: new Uint8Array(3), metadata: "null" });
    expect(late).toMatchObject({ ok: false, error: { code: "forbidden" } });
    expect(await own.query("late", { sql: "CREATE TABLE late (a)", params: [] })).toMatchObject({ ok: false });
    for (const stub of [
      env.STORAGE.getByName(id),
      ...["app", "other", "late"].map((namespace) => env.SQL_DATABASE.getByName(`${id}/${namespace}`)),
      env.ACCOUNT.getByName(id),
    ]) {
      expect(await tablesOf(stub)).toEqual([]);
    }
  });

  it("it is closed while the account is suspended, also for runs that were lent a token", async () => {
    const { id, key } = await createAccount();
    const token = await accountOf(bindings, id).lendToRun({ sessionId: null, expiresAt: Date.now() + 60_000 });
    expect((await storage(token ?? "", "PUT", "/kv/app/value", { value: 1 })).status).toBe(200);
    await operate("PATCH", `/accounts/${id}`, { status: "suspended" });
    expect((await storage(key, "GET", "/kv/app/value")).status).toBe(403);
    expect((await storage(token ?? "", "GET", "/kv/app/value")).status).toBe(403);
    expect(await accountOf(bindings, id).lendToRun({ sessionId: null, expiresAt: Date.now() })).toBeNull();
    await operate("PATCH", `/accounts/${id}`, { status: "active" });
    expect((await storage(token ?? "", "GET", "/kv/app/value")).json.value).toBe(1);
  });
});

describe("a run's token", () => {
  it("is good until its time, in its account alone, also when the account's object was lost", async () => {
    const { id } = await createAccount();
    const other = await createAccount();
    await storage(other.key, "PUT", "/kv/app/value", { value: "theirs" });
    const expiresAt = Date.now() + 60_000;
    const token = (await accountOf(bindings, id).lendToRun({ sessionId: null, expiresAt })) ?? "";
    await loseObject(env.ACCOUNT.getByName(id));
    expect((await storage(token, "GET", "/kv/app")).json.keys).toEqual([]);
    // Of another account, with this one's signature.
    const stolen = unsignedRunToken(other.id, { sessionId: null, expiresAt }) + token.slice(-64);
    expect((await storage(stolen, "GET", "/kv/app")).status).toBe(401);
    vi.useFakeTimers({ toFake: ["Date"], now: expiresAt });
    expect((await storage(token, "GET", "/kv/app")).status).toBe(401);
  });

  it("opens no other door, and is refused for a session that the account has not", async () => {
    const { id } = await createAccount();
    const expiresAt = Date.now() + 60_000;
    const token = (await accountOf(bindings, id).lendToRun({ sessionId: null, expiresAt })) ?? "";
    for (const [method, path] of [
      ["GET", "/sessions"],
      ["POST", "/sessions"],
      ["POST", "/execute"],
      ["POST", "/keys"],
      ["GET", "/account"],
      ["GET", "/events"],
    ] as const) {
      expect([path, (await askAs(token, method, path)).status]).toEqual([path, 403]);
    }
    const foreign = { sessionId: `ses_${"1".repeat(20)}`, expiresAt };
    const ofForeign = (await accountOf(bindings, id).lendToRun(foreign)) ?? "";
    expect((await storage(ofForeign, "GET", "/kv/app")).status).toBe(401);
  });

  it("is lent by those alone who may use the storage themselves", () => {
    const principal = { accountId: "default", keyId: "key", plan: PLANS.paid, expiresAt: null };
    const access = (scopes: ("storage" | "execute")[], sessionId: string | null): boolean =>
      storageAccess(bindings, { ...principal, scopes, sessionId }) !== null;
    expect(access(["storage"], null)).toBe(true);
    expect(access(["execute"], null)).toBe(false);
    expect(access(["storage", "execute"], `ses_${"1".repeat(20)}`)).toBe(false);
  });
});

describe("bounds", () => {
  it("so many namespaces, of which an empty one is none", async () => {
    const { key } = await createAccount({ plan: "paid" });
    for (let index = 0; index < NAMESPACES; index++) {
      expect((await storage(key, "PUT", `/kv/n${index}/k`, { value: 1 })).status).toBe(200);
    }
    expect(await storage(key, "PUT", "/kv/more/k", { value: 1 })).toMatchObject({
      status: 409,
      json: { code: "conflict", details: { max: NAMESPACES } },
    });
    expect((await storage(key, "POST", "/d1/more/query", { sql: "SELECT 1" })).status).toBe(409);
    expect((await storage(key, "PUT", "/kv/n0/other", { value: 1 })).status).toBe(200);
    await storage(key, "DELETE", "/kv/n1/k");
    expect((await storage(key, "PUT", "/kv/more/k", { value: 1 })).status).toBe(200);
  });

  it("so many bytes: what has no room changes nothing, and what is deleted makes room", async () => {
    const { id, key } = await createAccount();
    await storage(key, "PUT", "/kv/app/value", { value: "old" });
    await storage(key, "POST", "/d1/app/exec", { sql: "CREATE TABLE t (a)" });
    const leave = (bytes: number): Promise<void> =>
      runInDurableObject(env.STORAGE.getByName(id), (_object, state) => {
        state.storage.sql.exec("INSERT OR REPLACE INTO namespace VALUES ('kv', 'full', 0, 0)");
        state.storage.sql.exec(
          "UPDATE namespace SET size = ? - (SELECT sum(size) FROM namespace) WHERE name = 'full'",
          ACCOUNT_BYTES - bytes,
        );
      });
    await leave(ENTRY_BYTES);
    const value = "x".repeat(1000);
    expect(await storage(key, "PUT", "/kv/app/value", { value })).toMatchObject({
      status: 507,
      json: { code: "disk_full", details: { limitBytes: ACCOUNT_BYTES } },
    });
    expect((await storage(key, "GET", "/kv/app/value")).json.value).toBe("old");
    const grow = { sql: "INSERT INTO t VALUES (zeroblob(100000))" };
    expect(await storage(key, "POST", "/d1/app/exec", grow)).toMatchObject({
      status: 507,
      json: { code: "disk_full" },
    });
    const count = { sql: "SELECT count(*) AS n FROM t" };
    expect((await storage(key, "POST", "/d1/app/query", count)).json.results).toEqual([{ n: 0 }]);
    await leave(200_000);
    expect((await storage(key, "PUT", "/kv/app/value", { value })).status).toBe(200);
    expect((await storage(key, "POST", "/d1/app/exec", grow)).status).toBe(200);
  });
});
