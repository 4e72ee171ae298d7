import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { accountOf } from "../../src/account/rpc.ts";
import type { MeterReport } from "../../src/account/rpc.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { UsageReport } from "../../src/contract/usage.ts";
import type { Usage } from "../../src/contract/usage.ts";
import { NO_TOTALS } from "../../src/lib/meter.ts";
import { askAs, createAccount } from "./accounts.ts";
import { ask, createSession, engine, execute, expectProblem, loseObject, previewUrl, until, visit } from "./client.ts";

const MINUTE = 60_000;
const stubOf = (sessionId: string): DurableObjectStub => env.SESSION.getByName(sessionId);

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function usage(query = ""): Promise<UsageReport> {
  return UsageReport.parse(await (await ask("GET", `/usage${query}`)).json());
}

/** The row of a session; null: those made for one execution. */
async function usageOf(sessionId: string | null): Promise<Usage | undefined> {
  return (await usage("?by=session&limit=100")).rows.find((row) => row.sessionId === sessionId);
}

async function stateOf(sessionId: string): Promise<SessionInfo["state"]> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${sessionId}`)).json()).state;
}

function passTime(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
}

/** Answers without a length; `/endless` until its reader has left, `/left` how often that was. */
const STREAMING = `let left = 0;
  const zeros = new Uint8Array(100_000);
  Bun.serve({ port: 8080, idleTimeout: 0, fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/whole": return new Response(async function* () { for (let i = 0; i < 3; i++) { yield zeros; await Bun.sleep(1); } });
      case "/packed": return new Response(
        new ReadableStream({ start(c) { c.enqueue(Bun.gzipSync(new Uint8Array(300_000).fill(97))); c.close(); } }),
        { headers: { "content-encoding": "gzip", "content-type": "text/plain" } });
      case "/endless": {
        request.signal.addEventListener("abort", () => { left++; });
        return new Response(new ReadableStream({ async pull(c) { c.enqueue(zeros); await Bun.sleep(1); } }));
      }
      default: return new Response(String(left));
    }
  } });`;

describe("usage", () => {
  it("of a session is its time by state, what its container took, its executions and what was sent", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "head -c 1000000 /dev/zero > file" });
    await execute({ sessionId: id, command: "true" });
    await (await ask("GET", `/sessions/${id}/files/file`)).arrayBuffer();
    passTime(6 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stateOf(id)).toBe("idle");
    passTime(30 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect(await stateOf(id)).toBe("deep-sleep");
    await until("its account knows that it sleeps", async () => ((await usageOf(id))?.idleSeconds ?? 0) >= 1800);
    passTime(60 * MINUTE);
    const row = await usageOf(id);
    expect(row?.activeSeconds).toBeGreaterThanOrEqual(360);
    expect(row?.activeSeconds).toBeLessThan(400);
    expect(row?.idleSeconds).toBeLessThan(1840);
    expect(row?.asleepSeconds).toBeGreaterThanOrEqual(3600);
    expect(row?.asleepSeconds).toBeLessThan(3640);
    expect(row?.vcpuSeconds).toBeCloseTo((row?.activeSeconds ?? 0) / 4, 1);
    expect(row?.gibSeconds).toBeCloseTo((row?.activeSeconds ?? 0) + (row?.idleSeconds ?? 0), 1);
    expect(row?.storedGibSeconds).toBeGreaterThan(0);
    expect(row?.executions).toBe(2);
    expect(row?.egressBytes).toBeGreaterThanOrEqual(1_000_000);
    expect(row?.egressBytes).toBeLessThan(1_010_000);
  });

  it("is still there when the session is deleted, and has the last of it", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    passTime(30_000);
    await ask("DELETE", `/sessions/${id}`);
    const row = await usageOf(id);
    expect(row?.executions).toBe(1);
    expect(row?.activeSeconds).toBeGreaterThanOrEqual(30);
    passTime(60 * MINUTE);
    expect(await usageOf(id)).toEqual(row);
  });

  it("of calls without a session is told as one", async () => {
    const before = (await usageOf(null))?.executions ?? 0;
    const count = (await usage("?by=session")).total;
    await Promise.all([execute({ command: "true" }), execute({ command: "true" })]);
    await until("both are counted", async () => (await usageOf(null))?.executions === before + 2);
    expect((await usage("?by=session")).total - count).toBeLessThanOrEqual(1);
  });

  it("does not count an execution that was refused", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    const refused = await ask("POST", "/execute", {
      body: { sessionId: id, command: "true", workingDir: "/workspace/absent" },
    });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    await ask("DELETE", `/sessions/${id}`);
    expect((await usageOf(id))?.executions).toBe(1);
  });

  it("of streams and previews counts what is sent where its length is known", async () => {
    const { id } = await createSession();
    const code = 'Bun.serve({ port: 8080, fetch: () => new Response("x".repeat(5000)) })';
    await execute({ sessionId: id, code });
    for (let visits = 0; visits < 3; visits++) {
      expect(await (await visit(previewUrl(id))).text()).toHaveLength(5000);
    }
    // What is streamed is sent twice: as it comes, and in the answer at the end.
    const stream = await ask("POST", "/execute", {
      body: { sessionId: id, command: "head -c 20000 /dev/zero | tr '\\0' y", stream: true },
    });
    await stream.text();
    await ask("DELETE", `/sessions/${id}`);
    const row = await usageOf(id);
    expect(row?.executions).toBe(2);
    expect(row?.egressBytes).toBeGreaterThanOrEqual(35_000);
    expect(row?.egressBytes).toBeLessThan(60_000);
  });

  it("counts what is streamed without a length, as far as its reader took it", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, code: STREAMING });
    const bytesOf = async (): Promise<number> => (await usageOf(id))?.egressBytes ?? 0;
    const whole = await visit(previewUrl(id, "/whole"));
    expect(whole.headers.has("content-length")).toBe(false);
    expect((await whole.arrayBuffer()).byteLength).toBe(300_000);
    const packed = await visit(previewUrl(id, "/packed"), { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect((await packed.text()).length).toBe(300_000);

    const endless = await visit(previewUrl(id, "/endless"));
    let taken = 0;
    for await (const piece of endless.body ?? []) {
      taken += piece.byteLength;
      if (taken >= 200_000) {
        break;
      }
    }
    await until("its server knows", async () => (await (await visit(previewUrl(id, "/left"))).text()) === "1");
    await ask("DELETE", `/sessions/${id}`);
    expect(await bytesOf()).toBeGreaterThanOrEqual(300_000 + taken);
    // A few pieces were on their way, and what was packed is small.
    expect(await bytesOf()).toBeLessThan(300_000 + taken + 2_500_000);
  });

  it("goes on where it was when the object is lost, and counts what was stored", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    passTime(2 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    await loseObject(stubOf(id));
    passTime(MINUTE);
    await execute({ sessionId: id, command: "true" });
    await ask("DELETE", `/sessions/${id}`);
    const row = await usageOf(id);
    expect(row?.activeSeconds).toBeGreaterThanOrEqual(180);
    expect(row?.activeSeconds).toBeLessThan(220);
    expect(row?.executions).toBe(2);
  });

  it("does not count the time in which nobody knew that a container was lost", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    passTime(2 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    await loseObject(stubOf(id));
    await engine("DELETE", `/containers/${id}`);
    passTime(120 * MINUTE);
    await execute({ sessionId: id, command: "true" });
    await ask("DELETE", `/sessions/${id}`);
    const row = await usageOf(id);
    expect(row?.activeSeconds).toBeGreaterThanOrEqual(120);
    expect(row?.activeSeconds).toBeLessThan(160);
  });

  it("is told to the account again when that did not hear it", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    const account = env.ACCOUNT.getByName("default");
    await runInDurableObject(account, (object) => {
      const metered = Object.getPrototypeOf(object) as { meter: () => never };
      vi.spyOn(metered, "meter").mockImplementation(() => {
        throw new Error("the account is away");
      });
    });
    vi.spyOn(console, "error").mockReturnValue();
    passTime(2 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    vi.restoreAllMocks();
    passTime(2 * MINUTE);
    await runDurableObjectAlarm(stubOf(id));
    expect((await usageOf(id))?.activeSeconds).toBeGreaterThanOrEqual(240);
  });

  it("comes by day and by session, in pages, with the same totals", async () => {
    await ask("DELETE", `/sessions/${(await createSession()).id}`);
    const [days, sessions] = [await usage("?by=day"), await usage("?by=session&limit=1")];
    expect(days).toMatchObject({ by: "day", total: days.rows.length });
    expect(days.to).toBe(new Date().toISOString().slice(0, 10));
    expect(Date.parse(days.to) - Date.parse(days.from)).toBe(29 * 24 * 60 * MINUTE);
    expect(sessions.rows).toHaveLength(1);
    expect(sessions.total).toBeGreaterThan(1);
    expect(sessions.totals.executions).toBe(days.totals.executions);
    const beyond = await usage(`?by=session&offset=${sessions.total}`);
    expect(beyond).toMatchObject({ rows: [], total: sessions.total });
    expect((await usage("?from=2020-01-01&to=2020-01-02")).totals.executions).toBe(0);
  });

  it("refuses days that are none, or in the wrong order, or too many", async () => {
    for (const query of ["?from=yesterday", "?to=2026-02-30", "?from=2026-02-02&to=2026-02-01", "?by=week"]) {
      await expectProblem(await ask("GET", `/usage${query}`), "invalid_request");
    }
    await expectProblem(await ask("GET", "/usage?from=2020-01-01&to=2026-01-01"), "invalid_request");
  });
});

describe("an account", () => {
  const spent = async (): Promise<UsageReport["spent"]> => (await usage()).spent;
  const levels = { cpu: 1, memoryGib: 1, storedGib: 0 };
  const day = (name: string, activeMs: number): MeterReport["days"][number] => ({
    day: name,
    totals: { ...NO_TOTALS, activeMs, executions: activeMs / 1000 },
  });

  it("counts reports that come twice, out of order or late once", async () => {
    const account = accountOf(env, "default");
    const today = new Date().toISOString().slice(0, 10);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 100 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat({ max: 7 }), { maxLength: 16 }),
        async (increments, order) => {
          const sessionId = `ses_${String(run++).padStart(20, "0")}`;
          const before = await spent();
          let seconds = 0;
          const reports = increments.map((increment, revision): MeterReport => {
            seconds += increment;
            return {
              sessionId,
              oneShot: false,
              revision,
              days: [day(today, seconds * 1000)],
              current: { kind: "asleep", levels, at: Date.now() },
              until: Date.now(),
              activeMs: seconds * 1000,
              executions: seconds,
              pending: 0,
            };
          });
          const delivered = [...order.map((index) => reports[index % reports.length]), reports.at(-1), reports[0]];
          for (const report of delivered) {
            if (report !== undefined) {
              await account.meter(report, { reserve: false });
            }
          }
          const row = await usageOf(sessionId);
          expect(row).toMatchObject({ activeSeconds: seconds, executions: seconds });
          const after = await spent();
          expect(after.executions - before.executions).toBe(seconds);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("keeps the sum of what was made for one execution each, and 400 days", async () => {
    const { id, key } = await createAccount();
    const account = accountOf(env, id);
    const start = Date.now();
    const told = async (sessionId: string, oneShot: boolean, now: number): Promise<void> => {
      vi.useFakeTimers({ toFake: ["Date"], now });
      const days = [day(new Date(now).toISOString().slice(0, 10), 1000)];
      const report = { sessionId, oneShot, revision: 1, days, current: null, until: now };
      await account.meter({ ...report, activeMs: 1000, executions: 1, pending: 0 }, { reserve: false });
    };
    const rows = async (query: string): Promise<UsageReport["rows"]> =>
      UsageReport.parse(await (await askAs(key, "GET", `/usage${query}`)).json()).rows;
    const stored = (): Promise<number> =>
      runInDurableObject(env.ACCOUNT.getByName(id), (_object, { storage }) =>
        Number(storage.sql.exec("SELECT count(*) AS count FROM usage_day").one()["count"]),
      );
    for (let index = 0; index < 5; index++) {
      await told(`ses_one_shot_${index}`, true, start);
    }
    await told("ses_kept", false, start);
    const before = await rows("?by=session");
    expect(before).toMatchObject([
      { sessionId: null, executions: 5 },
      { sessionId: "ses_kept", executions: 1 },
    ]);
    expect(await stored()).toBe(6);
    await told("ses_other", false, start + 2 * 60 * MINUTE);
    expect(await stored()).toBe(3);
    expect((await rows("?by=session")).filter(({ sessionId }) => sessionId !== "ses_other")).toEqual(before);
    await told("ses_late", false, start + 401 * 24 * 60 * MINUTE);
    expect(await stored()).toBe(1);
    const report = UsageReport.parse(await (await askAs(key, "GET", "/usage")).json());
    expect(report).toMatchObject({ totals: { executions: 1 }, spent: { executions: 8, activeSeconds: 8 } });
  });

  it("that does not exist is not made by a report, nor by being asked", async () => {
    const id = "acc_00000000000000000000";
    const report = { sessionId: "ses_x", oneShot: false, revision: 1, days: [day("2026-01-01", 1000)] };
    const answer = await accountOf(env, id).meter(
      { ...report, current: null, until: 0, activeMs: 1000, executions: 1, pending: 0 },
      { reserve: false },
    );
    expect(answer).toBeNull();
    await accountOf(env, id).usage({ from: "2026-01-01", to: "2026-01-02", by: "day", limit: 1, offset: 0 });
    const tables = await runInDurableObject(
      env.ACCOUNT.getByName(id),
      (_object, { storage }) =>
        storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray().length,
    );
    expect(tables).toBe(0);
  });
});
