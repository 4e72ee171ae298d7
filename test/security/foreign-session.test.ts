import { beforeAll, describe, expect, test } from "vitest";
import { previewLabel } from "../../src/contract/ids.ts";
import type { Client } from "../../scripts/client.ts";
import { readText } from "../../scripts/client.ts";
import { clientOf, clientWith, fromElsewhere, operator, run } from "./accounts.ts";
import { belongingsOf, OWNED_TEXT, WANTED } from "./foreign.ts";
import type { Belongings } from "./foreign.ts";
import { OPERATIONS, pathOf, queryOf, sessionPlace } from "./operations.ts";
import type { Operation } from "./operations.ts";

const alice = clientOf("alice");
const mallory = clientOf("mallory");
const NOBODYS = "ses_00000000000000000000";
let hers: Belongings;
let his: Belongings;

beforeAll(async () => {
  [hers, his] = await Promise.all([belongingsOf(alice, "alices"), belongingsOf(mallory, "mallorys")]);
  return async () => {
    await Promise.all([
      alice.request("DELETE", `/sessions/${hers.id}`),
      mallory.request("DELETE", `/sessions/${his.id}`),
    ]);
  };
});

/** The operation on a session, or on what is in it, with everything else as its owner would send it. */
async function attempt(client: Client, operation: Operation, session: string, owned: Belongings): Promise<Response> {
  const { route, name } = operation;
  const wanted = WANTED[name] ?? {};
  const place = sessionPlace(operation);
  const path = pathOf(route, { ...owned, id: session });
  const query = queryOf({ ...wanted.query, ...(place === "query" ? { sessionId: session } : {}) });
  const json = place === "body" ? { ...wanted.json, sessionId: session } : wanted.json;
  return await client.request(route.method.toUpperCase(), path + query, {
    ...(json === undefined ? {} : { json }),
    ...(wanted.body === undefined ? {} : { body: wanted.body }),
  });
}

/** An error without what is different each time. */
async function refusalOf(response: Response): Promise<{ status: number; body: string; headers: string[] }> {
  const text = await response.text();
  const volatile = new Set(["date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"]);
  return {
    status: response.status,
    body: text.replaceAll(/req_[0-9a-z]{20}/g, "req"),
    headers: [...response.headers].filter(([name]) => !volatile.has(name)).map(([name, value]) => `${name}: ${value}`),
  };
}

const ofSession = OPERATIONS.filter((operation) => sessionPlace(operation) !== null);

describe("another account's session", () => {
  test("is not there, to the letter as one that never was, on every route that names a session", async () => {
    expect(ofSession.length).toBeGreaterThan(25);
    for (const operation of ofSession) {
      const [foreign, unknown] = await Promise.all([
        attempt(mallory, operation, hers.id, hers).then(refusalOf),
        attempt(mallory, operation, NOBODYS, hers).then(refusalOf),
      ]);
      expect([operation.name, foreign.status], foreign.body).toEqual([operation.name, 404]);
      expect(foreign.body, operation.name).toContain('"code":"session_not_found"');
      expect(foreign, operation.name).toEqual(unknown);
    }
  });

  test("is not there by its name either, on any of them", async () => {
    for (const operation of ofSession) {
      const { status, body } = await attempt(mallory, operation, "alices", hers).then(refusalOf);
      expect([operation.name, status], body).toEqual([operation.name, 404]);
      expect(body, operation.name).toContain('"code":"session_not_found"');
    }
  });

  test("is unchanged after all of that, and there for its owner", async () => {
    const session = JSON.parse(await (await alice.request("GET", `/sessions/${hers.id}`)).text());
    expect(session).toMatchObject({ name: "alices", metadata: {}, preview: "private" });
    const words = await alice.request("GET", `/sessions/${hers.id}/files/words.txt`);
    expect(await words.text()).toBe(`${OWNED_TEXT}\n`);
    const list = JSON.parse(await (await alice.request("GET", `/sessions/${hers.id}/snapshots`)).text());
    expect(list.snapshots.filter(({ label }: { label: string | null }) => label !== null)).toHaveLength(1);
  });

  test("is in nobody else's list, by no filter", async () => {
    for (const query of ["", "?limit=100", "?state=active", "?metadata.accountId=default", "?accountId=default"]) {
      const text = await (await mallory.request("GET", `/sessions${query}`)).text();
      expect([query, text.includes(hers.id)]).toEqual([query, false]);
    }
  });

  test("does not keep others from using its name", async () => {
    const { id } = await mallory.createSession({ name: "alices" });
    expect(JSON.parse(await (await mallory.request("GET", "/sessions/alices")).text()).id).toBe(id);
    expect(JSON.parse(await (await alice.request("GET", "/sessions/alices")).text()).id).toBe(hers.id);
    await mallory.request("DELETE", "/sessions/alices");
    expect((await alice.request("GET", "/sessions/alices")).status).toBe(200);
  });
});

describe("what is in another account's session", () => {
  test.each(["executionId", "snapshotId", "tokenId", "terminalId", "contextId"] as const)(
    "its %s opens nothing in a session of one's own",
    async (parameter) => {
      const routes = OPERATIONS.filter(({ route }) => route.path.includes(`{${parameter}}`));
      expect(routes.length).toBeGreaterThan(0);
      for (const operation of routes) {
        const response = await attempt(mallory, operation, his.id, { ...his, [parameter]: hers[parameter] ?? "" });
        expect([operation.name, response.status], await response.text()).toEqual([operation.name, 404]);
      }
    },
  );

  test("its snapshot cannot be forked or compared with from outside", async () => {
    const fork = await mallory.request("POST", `/sessions/${his.id}/fork`, {
      json: { snapshotId: hers["snapshotId"] },
    });
    expect(fork.status, await fork.text()).toBe(404);
    const path = `/sessions/${his.id}/snapshots/${his["snapshotId"]}/diff?to=${hers["snapshotId"]}`;
    expect((await mallory.request("GET", path)).status).toBe(404);
  });

  test("its private preview opens for no key and for no token but its own", async () => {
    const host = `${previewLabel(hers.id)}.${run.domain}`;
    for (const headers of [
      { authorization: `Bearer ${mallory.apiKey}` },
      { authorization: `Bearer ${alice.apiKey}` },
      { "x-preview-token": his["token"] ?? "" },
      { "x-buntime-account": run.accounts.alice.id },
    ]) {
      const response = await alice.preview(hers.id, "/", { headers: { host, ...headers } });
      expect(response.statusCode, await readText(response)).toBe(401);
    }
    const opened = await alice.preview(hers.id, "/", { headers: { "x-preview-token": hers["token"] ?? "" } });
    expect(opened.statusCode, "let in, and nothing listens").toBe(502);
  });
});

describe("another account's keys, webhooks and usage", () => {
  test("are not there on any route that names one", async () => {
    const routes = OPERATIONS.filter(({ route }) => /\{(keyId|webhookId|deliveryId)\}/.test(route.path));
    expect(routes.length).toBeGreaterThan(3);
    for (const operation of routes) {
      const response = await attempt(mallory, operation, his.id, hers);
      expect([operation.name, response.status], await response.text()).toEqual([operation.name, 404]);
    }
    const keys = await (await alice.request("GET", "/keys")).text();
    expect(keys).toContain(hers["keyId"]);
    expect(await (await alice.request("GET", "/webhooks")).text()).toContain(hers["webhookId"]);
  });

  test("are in no answer to anybody else", async () => {
    const hidden = [
      hers.id,
      hers["keyId"] ?? "",
      hers["webhookId"] ?? "",
      hers["tokenId"] ?? "",
      run.accounts.alice.id,
    ];
    for (const path of ["/sessions", "/keys", "/webhooks", "/usage", "/usage?by=session"]) {
      const text = await (await mallory.request("GET", path)).text();
      for (const secret of hidden) expect([path, secret, text.includes(secret)]).toEqual([path, secret, false]);
    }
  });

  test("cannot be bound to, by id or name", async () => {
    for (const sessionId of [hers.id, "alices"]) {
      const response = await mallory.request("POST", "/keys", { json: { sessionId } });
      expect([sessionId, response.status], await response.text()).toEqual([sessionId, 404]);
    }
  });

  test("an event of one account is in no stream of another", async () => {
    const abort = new AbortController();
    const stream = await mallory.request("GET", "/events", { signal: abort.signal });
    expect(stream.status).toBe(200);
    const { id } = await alice.createSession();
    await alice.request("DELETE", `/sessions/${id}`);
    const own = await mallory.createSession();
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes(own.id)) break;
    }
    abort.abort();
    expect(text).not.toContain(id);
    await mallory.request("DELETE", `/sessions/${own.id}`);
  });

  test("the same Idempotency-Key in two accounts is two calls", async () => {
    const options = { json: {}, headers: { "idempotency-key": "shared-between-accounts" } };
    const [one, other] = await Promise.all(
      [alice, mallory].map(async (client) =>
        JSON.parse(await (await client.request("POST", "/sessions", options)).text()),
      ),
    );
    expect(one.id).not.toBe(other.id);
    await Promise.all([
      alice.request("DELETE", `/sessions/${one.id}`),
      mallory.request("DELETE", `/sessions/${other.id}`),
    ]);
  });
});

describe("the operator's API", () => {
  const ofOperator = OPERATIONS.filter(({ route }) => route.scope === "operator");

  test("opens for no account's key, the development account's included", async () => {
    expect(ofOperator.length).toBeGreaterThan(5);
    for (const key of [alice.apiKey, run.developmentKey, `${run.adminKey}x`, run.adminKey.slice(0, -1)]) {
      for (const operation of ofOperator) {
        const path = pathOf(operation.route, { accountId: run.accounts.alice.id });
        const response = await clientWith(key).request(operation.route.method.toUpperCase(), path, {
          headers: fromElsewhere(),
          ...(operation.route.body === undefined ? {} : { json: {} }),
        });
        expect([operation.name, response.status], await response.text()).toEqual([operation.name, 401]);
      }
    }
  });

  test("its key opens nothing else", async () => {
    for (const operation of OPERATIONS.filter(({ route }) => route.scope !== "operator")) {
      const response = await attempt(operator(), operation, hers.id, hers);
      expect([operation.name, response.status], await response.text()).toEqual([operation.name, 401]);
    }
  });
});

describe("a key that is bound to one session", () => {
  test("opens that one alone, and nothing that is the account's", async () => {
    const second = await alice.createSession();
    const { key } = JSON.parse(await (await alice.request("POST", "/keys", { json: { sessionId: hers.id } })).text());
    const bound = clientWith(key);
    expect((await bound.request("GET", `/sessions/${hers.id}`)).status).toBe(200);
    for (const operation of OPERATIONS.filter(({ route }) => route.scope !== "operator")) {
      const response = await attempt(bound, operation, second.id, hers);
      const expected = sessionPlace(operation) === null ? 403 : 404;
      // A fork is another session.
      const allowed = operation.name === "forkSession" ? [403, 404] : [expected];
      expect(allowed, `${operation.name} ${response.status} ${await response.text()}`).toContain(response.status);
    }
    await alice.request("DELETE", `/sessions/${second.id}`);
  });
});
