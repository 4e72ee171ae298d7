import { env, runDurableObjectAlarm, runInDurableObject, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { AccountList, AuditPage } from "../../src/contract/account.ts";
import { PLANS } from "../../src/contract/limits.ts";
import { answer } from "../../src/http/app.ts";
import { ADMIN_KEY, askAs, createAccount, operate, standingOf } from "./accounts.ts";
import { ask, expectProblem, KEY, loseObject, previewUrl, until, visit } from "./client.ts";

const registry = (): DurableObjectStub => env.REGISTRY.getByName("registry");

async function sessionOf(key: string, body: unknown = {}): Promise<string> {
  const response = await askAs(key, "POST", "/sessions", { body });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

/** Lets the registry work until an account is gone. */
async function erased(accountId: string): Promise<void> {
  await until(`${accountId} is gone`, async () => {
    await runDurableObjectAlarm(registry());
    return (await operate("GET", `/accounts/${accountId}`)).status === 404;
  });
}

describe("the operator", () => {
  it("makes an account, whose first key works at once and is shown this once", async () => {
    const account = await createAccount({ name: "Ada's", plan: "paid" });
    expect(account).toMatchObject({ name: "Ada's", plan: "paid", status: "active", limits: PLANS.paid });
    expect(account.id).toMatch(/^acc_[0-9a-z]{20}$/);
    expect(account.key).toMatch(/^btk_[0-9a-z]{52}$/);
    expect(await standingOf(account.key)).toBe(200);
    const seen = await (await operate("GET", `/accounts/${account.id}`)).text();
    expect(JSON.parse(seen)).toMatchObject({ id: account.id, name: "Ada's" });
    expect(seen).not.toContain(account.key.slice(24));
  });

  it("lists accounts, newest first, and gives them more keys", async () => {
    const [one, other] = [await createAccount({ name: "one" }), await createAccount({ name: "other" })];
    const { accounts, total } = AccountList.parse(await (await operate("GET", "/accounts?limit=2")).json());
    expect(accounts.map(({ id }) => id)).toEqual(expect.arrayContaining([other.id]));
    expect(total).toBeGreaterThanOrEqual(2);
    const made = await operate("POST", `/accounts/${one.id}/keys`, { name: "second", scopes: ["sessions:read"] });
    expect(made.status).toBe(201);
    const { key } = await made.json<{ key: string }>();
    expect(await standingOf(key)).toBe(200);
    await expectProblem(await askAs(key, "POST", "/sessions", { body: {} }), "forbidden");
  });

  it("changes a plan, and the next request has the new limits", async () => {
    const { id, key } = await createAccount({ plan: "free" });
    await expectProblem(await askAs(key, "POST", "/sessions", { body: { ttl: 604_800 } }), "invalid_request");
    const changed = await operate("PATCH", `/accounts/${id}`, {
      plan: "enterprise",
      limits: { ttlMaxSeconds: 700_000, requestsPerMinute: 17 },
    });
    expect(await changed.json()).toMatchObject({
      plan: "enterprise",
      limits: { ...PLANS.paid, ttlMaxSeconds: 700_000, requestsPerMinute: 17 },
    });
    const made = await askAs(key, "POST", "/sessions", { body: { ttl: 650_000 } });
    expect(made.status).toBe(201);
    expect(made.headers.get("x-ratelimit-limit")).toBe("17");
    const back = await operate("PATCH", `/accounts/${id}`, { plan: "free" });
    expect(await back.json()).toMatchObject({ limits: PLANS.free });
    await expectProblem(await operate("PATCH", `/accounts/${id}`, { limits: { sessions: 1 } }), "invalid_request");
    await expectProblem(await operate("POST", "/accounts", { name: "a", limits: {} }), "invalid_request");
  });

  it("gives no numbers that the platform cannot keep", async () => {
    for (const limits of [
      { memoryMb: 999_999 },
      { cpu: 0 },
      { sessions: -1 },
      { requestsPerMinute: 0.5 },
      { timeoutSeconds: { default: 100, max: 10 } },
      { unknown: 1 },
    ]) {
      await expectProblem(
        await operate("POST", "/accounts", { name: "a", plan: "enterprise", limits }),
        "invalid_request",
      );
    }
  });

  it("gives an account a budget, and takes it back", async () => {
    const { id, key } = await createAccount();
    const changed = await operate("PATCH", `/accounts/${id}`, { budget: { executions: 1 } });
    expect(await changed.json()).toMatchObject({ budget: { executions: 1 } });
    const sessionId = await sessionOf(key);
    const run = (): Promise<Response> => askAs(key, "POST", "/execute", { body: { sessionId, command: "true" } });
    expect((await run()).status).toBe(200);
    await expectProblem(await run(), "forbidden");
    const back = await operate("PATCH", `/accounts/${id}`, { budget: null });
    expect(await back.json()).toMatchObject({ budget: null });
    expect((await run()).status).toBe(200);
  });

  it("suspends an account and lets it in again", async () => {
    const { id, key } = await createAccount();
    const sessionId = await sessionOf(key);
    await operate("PATCH", `/accounts/${id}`, { status: "suspended" });
    const { reason } = await expectProblem(await askAs(key, "GET", "/sessions"), "forbidden");
    expect(reason).toBe("account_not_active");
    expect((await visit(previewUrl(sessionId))).status).toBe(403);
    await operate("PATCH", `/accounts/${id}`, { status: "active" });
    expect(await standingOf(key)).toBe(200);
  });

  it("deletes an account and all that it owns", async () => {
    const { id, key } = await createAccount();
    const [one, other] = [await sessionOf(key, { name: "one" }), await sessionOf(key)];
    await askAs(key, "POST", `/sessions/${one}/snapshots`, { body: {} });
    const deleted = await operate("DELETE", `/accounts/${id}`);
    expect(await deleted.json()).toMatchObject({ id, status: "deleting" });
    expect(await standingOf(key)).not.toBe(200);
    expect(await (await operate("DELETE", `/accounts/${id}`)).json()).toMatchObject({ id });
    await erased(id);
    expect(await standingOf(key)).toBe(401);
    for (const sessionId of [one, other]) {
      expect((await visit(previewUrl(sessionId))).status).toBe(404);
    }
    await runInDurableObject(env.ACCOUNT.getByName(id), (_account, { storage }) => {
      expect(
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
      ).toEqual([]);
    });
    await expectProblem(await operate("DELETE", `/accounts/${id}`), "not_found");
  });

  it("deletes an account even when every object that works on it is lost on the way", async () => {
    const { id, key } = await createAccount();
    await sessionOf(key);
    await operate("DELETE", `/accounts/${id}`);
    await loseObject(registry());
    await loseObject(env.ACCOUNT.getByName(id));
    expect(await standingOf(key)).not.toBe(200);
    await erased(id);
    expect(await standingOf(key)).toBe(401);
  });

  it("finds in the audit log what happened to accounts and keys, and who was refused, without a key in it", async () => {
    const { id, key, keyId } = await createAccount({ name: "watched" });
    const made = await askAs(key, "POST", "/keys", { body: { scopes: ["files:read"] } });
    const reader = await made.json<{ id: string; key: string }>();
    await askAs(reader.key, "GET", "/sessions");
    await askAs(key, "POST", `/keys/${reader.id}/rotate`);
    await askAs(key, "DELETE", `/keys/${reader.id}`);
    await standingOf(reader.key);
    await askAs(key, "DELETE", `/sessions/${await sessionOf(key)}`);
    await operate("PATCH", `/accounts/${id}`, { plan: "paid" });
    await operate("DELETE", `/accounts/${id}`);
    await erased(id);
    const text = await (await operate("GET", `/audit?accountId=${id}`)).text();
    const { entries, total } = AuditPage.parse(JSON.parse(text));
    expect(total).toBe(entries.length);
    expect(entries.map(({ action, actor }) => [action, actor]).toReversed()).toEqual(
      expect.arrayContaining([
        ["account.created", "operator"],
        ["key.created", "operator"],
        ["key.created", keyId],
        ["access.refused", reader.id],
        ["key.rotated", keyId],
        ["key.revoked", keyId],
        ["access.refused", null],
        ["session.deleted", keyId],
        ["account.changed", "operator"],
        ["account.deleted", "operator"],
        ["account.erased", null],
      ]),
    );
    expect(entries.find(({ actor }) => actor === reader.id)?.details["reason"]).toContain("sessions:read");
    expect(text).not.toContain("btk_");
    const page = AuditPage.parse(await (await operate("GET", `/audit?accountId=${id}&limit=1&offset=1`)).json());
    expect(page.entries).toEqual([entries[1]]);
  });
});

describe("the operator's API", () => {
  it("is opened by no account's key, and the operator's key opens nothing else", async () => {
    const { key } = await createAccount({ plan: "paid" });
    for (const given of [key, KEY, "btk_", `${ADMIN_KEY}x`, ADMIN_KEY.slice(1)]) {
      await expectProblem(await askAs(given, "GET", "/admin/accounts"), "unauthorized");
      await expectProblem(await askAs(given, "POST", "/admin/accounts", { body: { name: "mine" } }), "unauthorized");
    }
    await expectProblem(await SELF.fetch("http://localhost:8787/api/admin/accounts"), "unauthorized");
    for (const path of ["/sessions", "/keys", "/sessions/ses_00000000000000000000", "/nothing"]) {
      await expectProblem(await askAs(ADMIN_KEY, "GET", path), "unauthorized");
    }
    await expectProblem(await askAs(ADMIN_KEY, "POST", "/execute", { body: { command: "true" } }), "unauthorized");
    await until("the audit log tells of it", async () => {
      const { entries } = AuditPage.parse(await (await operate("GET", "/audit?limit=100")).json());
      return entries.some(({ details }) => details["reason"] === "operator_key");
    });
  });

  it("is not there where the server has no key for it", async () => {
    for (const key of [undefined, "", "short"]) {
      const request = new Request("http://localhost:8787/api/admin/accounts", {
        headers: { authorization: `Bearer ${key ?? ""}` },
      });
      const ctx = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext;
      const { BUNTIME_ADMIN_KEY: _, ...rest } = env as unknown as Record<string, unknown>;
      const bare = { ...rest, ...(key === undefined ? {} : { BUNTIME_ADMIN_KEY: key }) };
      await expectProblem(await answer(request, bare as unknown as Parameters<typeof answer>[1], ctx), "not_found");
    }
  });
});

describe("two accounts", () => {
  it("see only their own sessions, and each has its own names", async () => {
    const [ada, bob] = [await createAccount({ name: "ada" }), await createAccount({ name: "bob" })];
    const hers = await sessionOf(ada.key, { name: "work" });
    const his = await sessionOf(bob.key, { name: "work" });
    expect(his).not.toBe(hers);
    const list = await (await askAs(bob.key, "GET", "/sessions")).json<{ sessions: { id: string }[]; total: number }>();
    expect([list.total, list.sessions.map(({ id }) => id)]).toEqual([1, [his]]);
    expect((await (await askAs(ada.key, "GET", "/sessions/work")).json<{ id: string }>()).id).toBe(hers);
    const unknown = await (await askAs(bob.key, "GET", "/sessions/ses_00000000000000000000")).json<Problem>();
    const foreign = await (await askAs(bob.key, "GET", `/sessions/${hers}`)).json<Problem>();
    expect({ ...foreign.error, requestId: "" }).toEqual({ ...unknown.error, requestId: "" });
    await expectProblem(await askAs(bob.key, "DELETE", `/sessions/${hers}`), "session_not_found");
    await expectProblem(await ask("GET", `/sessions/${hers}`), "session_not_found");
  });

  it("count their requests apart", async () => {
    const [ada, bob] = [await createAccount(), await createAccount()];
    const statuses = await Promise.all(Array.from({ length: 120 }, () => standingOf(ada.key)));
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    expect(await standingOf(bob.key)).toBe(200);
  });

  it("may use the same Idempotency-Key for what each of them does", async () => {
    const [ada, bob] = [await createAccount(), await createAccount()];
    const create = async (key: string): Promise<string> => {
      const headers = { "idempotency-key": "the same" };
      return (await (await askAs(key, "POST", "/sessions", { body: {}, headers })).json<{ id: string }>()).id;
    };
    const hers = await create(ada.key);
    expect(await create(bob.key)).not.toBe(hers);
    expect(await create(ada.key)).toBe(hers);
  });
});

interface Problem {
  readonly error: { readonly code: string; readonly message: string; readonly requestId: string };
}
