import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { accountOf } from "../../src/account/rpc.ts";
import type { Begun } from "../../src/account/rpc.ts";
import { IDEMPOTENCY_KEPT_MS, IDEMPOTENCY_KEYS } from "../../src/contract/limits.ts";
import { ask, createSession, engine, expectProblem, loseObject, until } from "./client.ts";
import type { Answer } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Anew each time: a stub of an object that was lost stays broken. */
const account = (): DurableObjectStub => env.ACCOUNT.getByName("default");

function send(path: string, key: string, body: unknown): Promise<Response> {
  return ask("POST", path, { body, headers: { "idempotency-key": key } });
}

async function run(key: string, body: unknown): Promise<Answer & { readonly replayed: boolean }> {
  const response = await send("/execute", key, body);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  // SAFETY: what it holds is checked by the test that reads it.
  return { ...(JSON.parse(text) as Answer), replayed: response.headers.get("idempotency-replayed") === "true" };
}

let keys = 0;
const newKey = (): string => `key ${++keys}`;

/** Runs once per call, and says how often it has run. */
const COUNT = "echo x >> log; wc -l < log";

function inAccount<T>(work: (sql: SqlStorage) => T): Promise<T> {
  return runInDurableObject(account(), (_object, { storage }) => work(storage.sql));
}

/** As if the Worker had been lost after the call had run and before its answer was kept. */
async function loseAnswer(key: string): Promise<void> {
  await inAccount((sql) => {
    sql.exec("UPDATE idempotency SET status = NULL WHERE key = ?", key);
    sql.exec("DELETE FROM idempotency_part WHERE key = ?", key);
  });
}

/** What another key's call was recognised by: the same for the same call. */
function fingerprintOf(key: string): Promise<string> {
  return inAccount(
    (sql) =>
      sql.exec<{ fingerprint: string }>("SELECT fingerprint FROM idempotency WHERE key = ?", key).one().fingerprint,
  );
}

/** As if a Worker had got as far as to begin the call that `like` made, and no further. */
async function beginOnly(key: string, like: string, session: string | null): Promise<Begun & { kind: "run" }> {
  const begun = await accountOf(env, "default").begin({ key, fingerprint: await fingerprintOf(like), session });
  if (begun.kind !== "run") {
    throw new Error(`the key was used before: ${begun.kind}`);
  }
  return begun;
}

describe("creating a session with a key", () => {
  it("again gives the same session, by either path, and makes no other", async () => {
    const key = newKey();
    const body = { name: "created-once", metadata: { a: 1 } };
    const [first, second] = [await send("/sessions", key, body), await send("/sessions/create", key, body)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect(await second.text()).toBe(await first.text());
  });

  it("twenty times at once makes one", async () => {
    const key = newKey();
    const responses = await Promise.all(Array.from({ length: 20 }, () => send("/sessions", key, {})));
    const ids = await Promise.all(responses.map(async (response) => (await response.json<{ id: string }>()).id));
    expect(new Set(ids).size).toBe(1);
    expect(responses.filter((response) => response.headers.has("idempotency-replayed")).length).toBe(19);
  });

  it("with another body, or for another call, is a conflict", async () => {
    const key = newKey();
    await send("/sessions", key, { ttl: 300 });
    expect(await expectProblem(await send("/sessions", key, { ttl: 301 }), "conflict")).toEqual({
      idempotencyKey: key,
    });
    await expectProblem(await send("/execute", key, { code: "1" }), "conflict");
  });

  it("replays a refusal that is an answer, and leaves the key free where the request itself was wrong", async () => {
    await createSession({ name: "taken" });
    const taken = newKey();
    await expectProblem(await send("/sessions", taken, { name: "taken" }), "conflict");
    const again = await send("/sessions", taken, { name: "taken" });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    await expectProblem(again, "conflict");

    const wrong = newKey();
    await expectProblem(await send("/sessions", wrong, { ttl: 1 }), "invalid_request");
    expect((await send("/sessions", wrong, {})).status).toBe(201);
  });

  it("whose answer was lost finds the session that was made, listed and named", async () => {
    const key = newKey();
    const first = await (await send("/sessions", key, { name: "lost-answer" })).json<{ id: string }>();
    await loseAnswer(key);
    // The Worker was lost so early that the account did not hear of the session either.
    await inAccount((sql) => sql.exec("DELETE FROM session WHERE id = ?", first.id));
    const second = await send("/sessions", key, { name: "lost-answer" });
    expect(second.status).toBe(201);
    expect(await second.json()).toEqual(first);
    expect(await (await ask("GET", "/sessions/lost-answer")).json()).toMatchObject({ id: first.id });
  });

  it("whose Worker was lost before it did anything makes it now", async () => {
    const [one, two] = [newKey(), newKey()];
    await send("/sessions", one, { ttl: 1234 });
    const begun = await beginOnly(two, one, null);
    await loseObject(account());
    const session = await (await send("/sessions", two, { ttl: 1234 })).json<{ id: string }>();
    expect(session.id).toBe(begun.ids.sessionId);
  });
});

describe("executing with a key", () => {
  it("again gives the same answer and does not run again, whatever the object forgot", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const first = await run(key, { sessionId, command: COUNT });
    const second = await run(key, { sessionId, command: COUNT });
    await loseObject(account());
    const third = await run(key, { sessionId, command: COUNT });
    expect(first).toMatchObject({ stdout: "1\n", replayed: false });
    expect(second).toEqual({ ...first, replayed: true });
    expect(third).toEqual({ ...first, replayed: true });
    expect(await run(newKey(), { sessionId, command: COUNT })).toMatchObject({ stdout: "2\n" });
  });

  it("many times at once runs once, and all get its answer", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => run(key, { sessionId, command: `sleep 0.3; ${COUNT}` })),
    );
    expect(new Set(answers.map(({ executionId }) => executionId)).size).toBe(1);
    expect(new Set(answers.map(({ stdout }) => stdout))).toEqual(new Set(["1\n"]));
    expect(answers.filter(({ replayed }) => !replayed).length).toBe(1);
  });

  it("keeps an answer of any size and any bytes", async () => {
    const { id: sessionId } = await createSession();
    const body = {
      sessionId,
      command: "yes é | head -c 2000000; head -c 1500000 /dev/urandom >&2",
      encoding: "base64",
    };
    const key = newKey();
    const first = await run(key, body);
    expect(await run(key, body)).toEqual({ ...first, replayed: true });
    expect(first.stdout.length).toBeGreaterThan(1_300_000);
  });

  it("without a key runs each time", async () => {
    const { id: sessionId } = await createSession();
    for (const stdout of ["1\n", "2\n"]) {
      const response = await ask("POST", "/execute", { body: { sessionId, command: COUNT } });
      expect(await response.json()).toMatchObject({ stdout });
    }
  });

  it("that is no key is refused before anything runs", async () => {
    const { id: sessionId } = await createSession();
    for (const key of ["", "x".repeat(256), "é", "a\tb"]) {
      await expectProblem(await send("/execute", key, { sessionId, command: COUNT }), "invalid_request");
    }
    expect(await run("x".repeat(255), { sessionId, command: COUNT })).toMatchObject({ stdout: "1\n" });
    expect(await run(" !~ ", { sessionId, command: COUNT })).toMatchObject({ stdout: "2\n" });
  });

  it("in a session of its own runs once, answers again when that is gone, and leaves none behind", async () => {
    const key = newKey();
    const first = await run(key, { command: "hostname; date +%N" });
    const { ids } = await inAccount((sql) =>
      sql.exec<{ ids: string }>("SELECT ids FROM idempotency WHERE key = ?", key).one(),
    );
    // SAFETY: as account/idempotency-store.ts writes it.
    const { sessionId } = JSON.parse(ids) as { sessionId: string };
    await until("its session to be gone", async () => (await ask("GET", `/sessions/${sessionId}`)).status === 404);
    expect(await run(key, { command: "hostname; date +%N" })).toEqual({ ...first, replayed: true });
  });

  it("belongs to the session that had the name at the time", async () => {
    const one = await createSession({ name: "moving" });
    const key = newKey();
    const first = await run(key, { sessionId: "moving", command: COUNT });
    await ask("PATCH", `/sessions/${one.id}`, { body: { name: null } });
    await createSession({ name: "moving" });
    await loseAnswer(key);
    expect(await run(key, { sessionId: "moving", command: COUNT })).toMatchObject({
      executionId: first.executionId,
      stdout: "1\n",
    });
  });

  it("where no container could start leaves the key usable", async () => {
    const { id: sessionId } = await createSession();
    await until("its first start to be over", async () => (await ask("GET", `/sessions/${sessionId}/processes`)).ok);
    await loseObject(env.SESSION.getByName(sessionId));
    const key = newKey();
    const away = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("the engine is away"));
    vi.spyOn(console, "error").mockReturnValue();
    const refused = await send("/execute", key, { sessionId, command: COUNT });
    away.mockRestore();
    await expectProblem(refused, "container_unavailable");
    // The container that the engine has from before is replaced first.
    let answer = await send("/execute", key, { sessionId, command: COUNT });
    await until("it to run", async () => {
      if (answer.status === 503) {
        answer = await send("/execute", key, { sessionId, command: COUNT });
      }
      return answer.status === 200;
    });
    expect(answer.headers.get("idempotency-replayed")).toBeNull();
    expect(await answer.json()).toMatchObject({ stdout: "1\n" });
  });
});

describe("an execute whose answer was lost", () => {
  it("is answered from the record, once it has ended, and does not run again", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: `${COUNT}; echo e >&2; exit 3` };
    const first = await run(key, body);
    await loseAnswer(key);
    await loseObject(account());
    const second = await run(key, body);
    expect(second).toMatchObject({ executionId: first.executionId, stdout: "1\n", stderr: "e\n", exitCode: 3 });
    expect(await run(key, body)).toEqual({ ...second, replayed: true });
  });

  it("is waited for while it runs, when the object that knew of it was lost", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: `${COUNT}; while [ ! -e go ]; do sleep 0.05; done; echo done` };
    const first = send("/execute", key, body).catch(() => null);
    const running = async (): Promise<boolean> => {
      const { processes } = await (
        await ask("GET", `/sessions/${sessionId}/processes`)
      ).json<{ processes: object[] }>();
      return processes.length > 0;
    };
    await until("it to run", running);
    await loseObject(account());
    const second = run(key, body);
    await ask("PUT", `/sessions/${sessionId}/files/go`, { body: "" });
    expect(await second).toMatchObject({ stdout: "1\ndone\n" });
    await (await first)?.text();
  });

  it("runs now when it never started, with the ids that were reserved", async () => {
    const { id: sessionId } = await createSession();
    const [one, two] = [newKey(), newKey()];
    const body = { sessionId, command: COUNT };
    await run(one, body);
    const begun = await beginOnly(two, one, sessionId);
    let dropped = false;
    const waiting = run(two, body).then((answer) => ({ answer, dropped }));
    await until("the second call to wait", async () => (await ask("GET", `/sessions/${sessionId}`)).ok);
    dropped = true;
    begun.lease[Symbol.dispose]();
    const settled = await waiting;
    expect(settled).toMatchObject({ dropped: true, answer: { stdout: "2\n", executionId: begun.ids.executionId } });
  });

  it("in a session of its own runs now when it never started, and after its session's time says that it is lost", async () => {
    const body = { command: "echo one-shot" };
    const [one, two, three] = [newKey(), newKey(), newKey()];
    await run(one, body);
    (await beginOnly(two, one, null)).lease[Symbol.dispose]();
    expect(await run(two, body)).toMatchObject({ stdout: "one-shot\n", replayed: false });

    (await beginOnly(three, one, null)).lease[Symbol.dispose]();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
    const details = await expectProblem(await send("/execute", three, body), "conflict");
    expect(details).toMatchObject({ outcome: "unknown" });
  });

  it("is unknown when its container was lost, and stays so", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: "touch begun; sleep 25" };
    const first = send("/execute", key, body);
    await until("it to run", async () => (await ask("HEAD", `/sessions/${sessionId}/files/begun`)).status === 200);
    await engine("POST", `/containers/${sessionId}/signal`, { signal: 9 });
    const details = await expectProblem(await first, "container_unavailable");
    expect(details).toMatchObject({ outcome: "unknown" });

    const again = await send("/execute", key, body);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await expectProblem(again, "container_unavailable")).toEqual(details);
    await loseAnswer(key);
    expect(await expectProblem(await send("/execute", key, body), "container_unavailable")).toEqual(details);
  });
});

describe("a stream with a key", () => {
  const last = (events: string): unknown =>
    JSON.parse(/event: exit\n(?:id: \d+\n)?data: (.*)\n\n$/.exec(events)?.[1] ?? "0");

  it("again tells the same output and ends with the same answer", async () => {
    const { id: sessionId } = await createSession();
    for (const encoding of ["utf-8", "base64"]) {
      const key = newKey();
      const body = { sessionId, command: `${COUNT}; printf '\\377é'; echo e >&2`, stream: true, encoding };
      const first = await (await send("/execute", key, body)).text();
      const again = await send("/execute", key, body);
      expect(again.headers.get("content-type")).toContain("text/event-stream");
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      const second = await again.text();
      expect(last(second)).toEqual(last(first));
      const output = (events: string): string[] =>
        events.split("\n\n").filter((event) => event.replace(/^:\n*/, "").startsWith("event: std"));
      expect(output(second).length).toBeGreaterThan(0);
      const text = (events: string): string =>
        output(events)
          .filter((event) => event.includes("event: stderr"))
          .join();
      expect(text(second).replaceAll(/id: \d+|"seq":\d+/g, "")).toBe(text(first).replaceAll(/id: \d+|"seq":\d+/g, ""));
    }
  });

  it("again tells no more than it did, though its program goes on printing", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const code =
      "console.log(1); Bun.serve({ port: 8080, fetch: () => new Response() }); setInterval(() => console.log(2), 5)";
    const first = await (await send("/execute", key, { sessionId, code, stream: true })).text();
    expect(last(first)).toMatchObject({ background: true });
    const second = await (await send("/execute", key, { sessionId, code, stream: true })).text();
    const ids = (events: string): string[] => events.match(/^id: \d+$/gm) ?? [];
    expect(ids(second)).toEqual(ids(first));
    expect(last(second)).toEqual(last(first));
  });

  it("again, after its session is gone, ends with the same answer", async () => {
    const key = newKey();
    const body = { command: "echo only", stream: true };
    const first = await (await send("/execute", key, body)).text();
    const second = await (await send("/execute", key, body)).text();
    expect(last(first)).toMatchObject({ stdout: "only\n" });
    expect(last(second)).toEqual(last(first));
  });

  it("again ends with the same error", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: "echo out; touch begun; sleep 25", stream: true };
    const first = await send("/execute", key, body);
    await until("it to run", async () => (await ask("HEAD", `/sessions/${sessionId}/files/begun`)).status === 200);
    await engine("POST", `/containers/${sessionId}/signal`, { signal: 9 });
    const error = (events: string): unknown => /event: error\n(?:id: \d+\n)?data: (.*)\n\n$/.exec(events)?.[1];
    const told = error(await first.text());
    expect(told).toContain('"outcome":"unknown"');
    const again = await send("/execute", key, body);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(error(await again.text())).toBe(told);
  });

  it("again breaks off where the output cannot be had at the moment, and has all of it later", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: "echo out; echo err >&2", stream: true };
    const first = await (await send("/execute", key, body)).text();
    const { fetch } = globalThis;
    const away = vi.spyOn(globalThis, "fetch").mockImplementation(async (...call) => {
      if (new URL(new Request(...call).url).pathname.endsWith("/output")) {
        throw new Error("the connection broke");
      }
      return fetch(...call);
    });
    const broken = await send("/execute", key, body);
    expect(broken.headers.get("idempotency-replayed")).toBe("true");
    await expect(broken.text()).rejects.toThrow();
    away.mockRestore();
    const again = await (await send("/execute", key, body)).text();
    expect(again).toContain("event: stderr");
    expect(last(again)).toEqual(last(first));
  });

  it("that its client left is told to the end when it asks again", async () => {
    const { id: sessionId } = await createSession();
    const key = newKey();
    const body = { sessionId, command: `${COUNT}; while [ ! -e go ]; do sleep 0.05; done; echo done`, stream: true };
    const first = await send("/execute", key, body);
    const reader = first.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const second = send("/execute", key, body).then((response) => response.text());
    await ask("PUT", `/sessions/${sessionId}/files/go`, { body: "" });
    expect(last(await second)).toMatchObject({ stdout: "1\ndone\n" });
  });
});

describe("keys", () => {
  it("above what is kept of an account are refused with the time until the oldest is forgotten, and nothing runs", async () => {
    await inAccount((sql) => {
      sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO idempotency (key, fingerprint, started_at, ids) SELECT 'full ' || i, '', ?, '{}' FROM n`,
        IDEMPOTENCY_KEYS,
        Date.now() - IDEMPOTENCY_KEPT_MS + 60_000,
      );
    });
    await loseObject(account());
    const { id: sessionId } = await createSession();
    const refused = await send("/execute", newKey(), { sessionId, command: COUNT });
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    await expectProblem(refused, "rate_limit_exceeded");
    await inAccount((sql) => sql.exec("DELETE FROM idempotency WHERE key LIKE 'full %'"));
    await loseObject(account());
    expect(await run(newKey(), { sessionId, command: COUNT })).toMatchObject({ stdout: "1\n" });
  });

  it("are forgotten after 24 hours, with their answers, by alarm", async () => {
    const { id: sessionId } = await createSession({ ttl: 604_800 });
    const key = newKey();
    // Of other tests, whose clocks may have been ahead.
    await inAccount((sql) => {
      sql.exec("DELETE FROM idempotency");
      sql.exec("DELETE FROM idempotency_part");
    });
    await run(key, { sessionId, command: COUNT });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + IDEMPOTENCY_KEPT_MS });
    // The alarm may be late.
    expect(await run(key, { sessionId, command: COUNT })).toMatchObject({ stdout: "2\n", replayed: false });
    vi.setSystemTime(Date.now() + IDEMPOTENCY_KEPT_MS);
    expect(await runDurableObjectAlarm(account())).toBe(true);
    const left = await inAccount((sql) =>
      ["idempotency", "idempotency_part"].map((table) => sql.exec(`SELECT 1 FROM ${table}`).toArray().length),
    );
    expect(left).toEqual([0, 0]);
    expect(await runDurableObjectAlarm(account())).toBe(false);
  });
});
