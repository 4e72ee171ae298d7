import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { KeyList } from "../../src/contract/account.ts";
import { SCOPES } from "../../src/contract/scopes.ts";
import type { Scope } from "../../src/contract/account.ts";
import { newApiKey, newId } from "../../src/contract/ids.ts";
import { API_KEYS } from "../../src/contract/limits.ts";
import type { Route } from "../../src/contract/route.ts";
import { ROUTES } from "../../src/contract/routes.ts";
import { askAs, createAccount, createKey, standingOf } from "./accounts.ts";
import { ask, expectProblem, loseObject } from "./client.ts";
import type { Ask } from "./client.ts";

async function listKeys(key: string, query = ""): Promise<KeyList> {
  return KeyList.parse(await (await askAs(key, "GET", `/keys${query}`)).json());
}

async function sessionOf(key: string, body: unknown = {}): Promise<string> {
  return (await (await askAs(key, "POST", "/sessions", { body })).json<{ id: string }>()).id;
}

/** Everything that an account's object has stored, as text. */
function storedBy(accountId: string): Promise<string> {
  return runInDurableObject(env.ACCOUNT.getByName(accountId), (_account, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray();
    const rows = tables.flatMap(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
    return JSON.stringify(rows, (_name, value: unknown) =>
      value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : value,
    );
  });
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a key", () => {
  it("is shown once, works at once, and is listed without its text", async () => {
    const account = await createAccount();
    const made = await createKey({ name: "ci", scopes: ["execute", "files:read"] }, account.key);
    expect(made).toMatchObject({ name: "ci", scopes: ["execute", "files:read"], expiresAt: null, sessionId: null });
    const response = await askAs(account.key, "GET", "/keys");
    const text = await response.text();
    expect(text).not.toContain("btk_");
    const { keys, total } = KeyList.parse(JSON.parse(text));
    expect(keys.map(({ id }) => id)).toEqual([made.id, account.keyId]);
    expect(total).toBe(2);
    expect((await listKeys(account.key, "?limit=1&offset=1")).keys.map(({ id }) => id)).toEqual([account.keyId]);
  });

  it("is in no storage, no log and no error as text", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const account = await createAccount();
    const made = await createKey({}, account.key);
    const wrong = `${made.key.slice(0, -1)}${made.key.endsWith("0") ? "1" : "0"}`;
    const errors = [
      await askAs(wrong, "GET", "/sessions"),
      await askAs(made.key, "GET", "/nothing"),
      await askAs(made.key, "POST", "/sessions", { body: "{" }),
      await askAs(made.key, "DELETE", `/keys/${newId("key")}`),
    ];
    const texts = await Promise.all(errors.map((response) => response.text()));
    const stored = await storedBy(account.id);
    expect(stored).toContain(made.id);
    for (const key of [account.key, made.key, wrong]) {
      for (const text of [...texts, stored, logged.mock.calls.flat().join()]) {
        expect(text).not.toContain(key.slice(24));
      }
    }
  });

  it("that is revoked is refused on the very next request, also while others are under way", async () => {
    const account = await createAccount({ plan: "paid" });
    const made = await createKey({}, account.key);
    const before = Array.from({ length: 20 }, () => standingOf(made.key));
    expect((await askAs(account.key, "DELETE", `/keys/${made.id}`)).status).toBe(200);
    const after = await Promise.all(Array.from({ length: 20 }, () => standingOf(made.key)));
    expect(new Set(after)).toEqual(new Set([401]));
    await Promise.all(before);
    await expectProblem(await askAs(account.key, "DELETE", `/keys/${made.id}`), "not_found");
    await loseObject(env.ACCOUNT.getByName(account.id));
    expect(await standingOf(made.key)).toBe(401);
  });

  it("that is rotated has a new text and the same rights, and the old text is refused", async () => {
    const account = await createAccount();
    const made = await createKey({ scopes: ["sessions:read"] }, account.key);
    const response = await askAs(account.key, "POST", `/keys/${made.id}/rotate`);
    const rotated = await response.json<{ id: string; key: string; scopes: string[] }>();
    expect(rotated).toMatchObject({ id: made.id, scopes: ["sessions:read"] });
    expect(rotated.key).not.toBe(made.key);
    expect(await standingOf(made.key)).toBe(401);
    expect(await standingOf(rotated.key)).toBe(200);
    await loseObject(env.ACCOUNT.getByName(account.id));
    expect([await standingOf(made.key), await standingOf(rotated.key)]).toEqual([401, 200]);
  });

  it("that expires says so from that moment on", async () => {
    const account = await createAccount();
    const now = Date.now();
    const made = await createKey({ expiresIn: "1h" }, account.key);
    const dated = await createKey({ expiresAt: new Date(now + 7_200_000).toISOString() }, account.key);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(made.expiresAt ?? "") - 1 });
    expect(await standingOf(made.key)).toBe(200);
    vi.setSystemTime(Date.parse(made.expiresAt ?? ""));
    const { reason } = await expectProblem(await askAs(made.key, "GET", "/sessions"), "unauthorized");
    expect(reason).toBe("expired_key");
    expect(await standingOf(dated.key)).toBe(200);
    vi.useRealTimers();
    for (const body of [
      { expiresIn: "0s" },
      { expiresIn: "999999999d" },
      { expiresAt: "2001-01-01T00:00:00Z" },
      { expiresIn: "1h", expiresAt: "2100-01-01T00:00:00Z" },
      { scopes: [] },
      { scopes: ["execute", "execute"] },
      { scopes: ["operator"] },
      { name: "" },
    ]) {
      await expectProblem(await askAs(account.key, "POST", "/keys", { body }), "invalid_request");
    }
  });

  it("tells when it was last used", async () => {
    const account = await createAccount();
    const made = await createKey({}, account.key);
    const used = async (): Promise<string | null> =>
      (await listKeys(account.key)).keys.find(({ id }) => id === made.id)?.lastUsedAt ?? null;
    expect(await used()).toBeNull();
    const before = Date.now();
    await standingOf(made.key);
    expect(Date.parse((await used()) ?? "")).toBeGreaterThanOrEqual(before);
    await loseObject(env.ACCOUNT.getByName(account.id));
    expect(Date.parse((await used()) ?? "")).toBeGreaterThanOrEqual(before);
  });

  it("of an account can be one of a hundred, whose expired ones do not count", async () => {
    const account = await createAccount({ plan: "paid" });
    await createKey({ expiresIn: "1ms" }, account.key);
    await Promise.all(Array.from({ length: API_KEYS - 1 }, () => createKey({}, account.key)));
    const { max } = await expectProblem(await askAs(account.key, "POST", "/keys", { body: {} }), "conflict");
    expect(max).toBe(API_KEYS);
    expect((await listKeys(account.key)).total).toBe(API_KEYS);
  });

  it("can be made for the development account as well", async () => {
    const made = await createKey({ scopes: ["sessions:read"] });
    expect(await standingOf(made.key)).toBe(200);
    await expectProblem(await askAs(made.key, "GET", "/keys"), "forbidden");
    expect((await ask("DELETE", `/keys/${made.id}`)).status).toBe(200);
    expect(await standingOf(made.key)).toBe(401);
  });
});

describe("a wrong key", () => {
  it("is told the same whether its account exists or not, and leaves nothing behind where it does not", async () => {
    const account = await createAccount();
    const nobody = newId("acc");
    const problems = await Promise.all(
      [newApiKey(account.id), newApiKey(nobody), newApiKey("default"), "btk_x", "x".repeat(5000)].map(async (key) => {
        const response = await askAs(key, "GET", "/sessions");
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
        expect(response.headers.get("x-ratelimit-limit")).toBeNull();
        const { error } = await response.json<{ error: { code: string; message: string; details: unknown } }>();
        return [error.code, error.message, error.details];
      }),
    );
    expect(new Set(problems.map((problem) => JSON.stringify(problem))).size).toBe(1);
    expect(await storedBy(nobody)).toBe("[]");
  });

  it("is compared in constant time, with every key of the account", async () => {
    const account = await createAccount();
    await createKey({}, account.key);
    const digest = new Uint8Array(32).fill(7);
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    await runInDurableObject(env.ACCOUNT.getByName(account.id), (object) => {
      // SAFETY: the object's own method.
      (object as unknown as { admit(credential: unknown): unknown }).admit({ kind: "key", digest });
    });
    expect(compared.mock.results.map(({ value }) => value as boolean)).toEqual([false, false]);
  });
});

describe("scopes", () => {
  // SAFETY: Object.values of the table gives its routes.
  const routes = (Object.values(ROUTES) as Route[]).filter(({ scope }) => scope !== "operator");
  const pathOf = ({ path }: Route): string =>
    path.replace("{id}", "ses_00000000000000000000").replaceAll(/\{\w+\}/g, "snp_00000000000000000000");

  const body = { sessionId: 1, url: 1, label: 1, from: 1, scopes: 1, ttl: "x" };
  /** What no route does anything with. */
  const WRONG: Partial<Record<Route["method"], Ask>> = { post: { body }, put: { body }, patch: { body } };

  it.each(SCOPES)("%s alone opens its own routes and no other", async (scope: Scope) => {
    const account = await createAccount({ plan: "enterprise", limits: { requestsPerMinute: 10_000 } });
    const { key } = await createKey({ scopes: [scope] }, account.key);
    for (const route of routes) {
      const response = await askAs(key, route.method.toUpperCase(), pathOf(route), WRONG[route.method]);
      if (route.scope === scope) {
        expect(response.status, `${route.method} ${route.path}`).not.toBe(403);
        await response.body?.cancel();
      } else {
        expect(await expectProblem(response, "forbidden"), `${route.method} ${route.path}`).toEqual({
          scope: route.scope,
        });
      }
    }
  });

  it("are needed for what a call does beside its purpose: a service runs commands", async () => {
    const account = await createAccount();
    const { key } = await createKey({ scopes: ["sessions:write", "sessions:read"] }, account.key);
    const services = [{ name: "web", command: "sleep 1000" }];
    const refused = await askAs(key, "POST", "/sessions", { body: { services } });
    expect(await expectProblem(refused, "forbidden")).toEqual({ scope: "execute" });
    const id = await sessionOf(key);
    await expectProblem(await askAs(key, "PATCH", `/sessions/${id}`, { body: { services } }), "forbidden");
  });
});

describe("a key that is bound to a session", () => {
  it("opens that session by id and by name, and finds no other", async () => {
    const account = await createAccount();
    const own = await sessionOf(account.key, { name: "own" });
    const other = await sessionOf(account.key, { name: "other" });
    const { key, sessionId } = await createKey({ sessionId: "own" }, account.key);
    expect(sessionId).toBe(own);
    expect((await askAs(key, "GET", `/sessions/${own}`)).status).toBe(200);
    expect((await askAs(key, "GET", "/sessions/own")).status).toBe(200);
    for (const body of [{ sessionId: own }, { sessionId: "own" }]) {
      const response = await askAs(key, "POST", "/execute", { body: { ...body, command: "echo hello" } });
      expect(await response.json()).toMatchObject({ stdout: "hello\n" });
    }
    for (const ref of [other, "other", "nobody", "ses_00000000000000000000"]) {
      await expectProblem(await askAs(key, "GET", `/sessions/${ref}`), "session_not_found");
      await expectProblem(await askAs(key, "DELETE", `/sessions/${ref}`), "session_not_found");
      await expectProblem(await askAs(key, "GET", `/files/list?sessionId=${ref}&path=.`), "session_not_found");
      await expectProblem(
        await askAs(key, "POST", "/execute", {
          body: { sessionId: ref, command: "true" },
          headers: { "idempotency-key": `bound ${ref}` },
        }),
        "session_not_found",
      );
    }
  });

  it("opens nothing that is the account's: lists, new sessions, forks, keys", async () => {
    const account = await createAccount();
    const own = await sessionOf(account.key);
    const { key } = await createKey({ sessionId: own }, account.key);
    for (const [method, path, body] of [
      ["GET", "/sessions"],
      ["POST", "/sessions", {}],
      ["POST", "/execute", { command: "true" }],
      ["POST", `/sessions/${own}/fork`, {}],
      ["GET", "/keys"],
      ["POST", "/keys", { sessionId: own }],
    ] as const) {
      const details = await expectProblem(await askAs(key, method, path, { body }), "forbidden");
      expect(details).toEqual({ sessionId: own });
    }
  });

  it("is gone with the session, and cannot be made for one that is not there", async () => {
    const [account, stranger] = [await createAccount(), await createAccount()];
    const own = await sessionOf(account.key);
    const { id, key } = await createKey({ sessionId: own }, account.key);
    await askAs(account.key, "DELETE", `/sessions/${own}`);
    expect(await standingOf(key)).toBe(401);
    expect((await listKeys(account.key)).keys.map((one) => one.id)).not.toContain(id);
    const foreign = await sessionOf(stranger.key);
    for (const sessionId of [own, foreign, "nobody"]) {
      await expectProblem(await askAs(account.key, "POST", "/keys", { body: { sessionId } }), "session_not_found");
    }
  });
});
