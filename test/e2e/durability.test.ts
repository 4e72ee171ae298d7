// A program writes to SQLite databases without a pause while its session is put to sleep and whatever carries it is
// killed. FAULT_ROUNDS, a number, goes round that often.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { ExecutionRecord } from "../../src/contract/execute.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { containerOf, docker } from "../support/docker-container.ts";
import { ON_DOCKER, platformOfRun } from "../support/e2e.ts";
import type { Client } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { descendants } from "../support/processes.ts";
import { until } from "../support/until.ts";

const ROUNDS = Number(process.env["FAULT_ROUNDS"]) || (ON_DOCKER ? 2 : 1);
const DATABASES = ["wal", "delete"];

/** A row is committed before the next one begins; each says what it has to be. */
const WRITER = `import { Database } from "bun:sqlite";
const databases = ${JSON.stringify(DATABASES)}.map((mode) => {
  const db = new Database(mode + ".db");
  // First: to choose the mode waits for whoever brings the database back after a loss, too.
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = " + mode);
  db.run("CREATE TABLE IF NOT EXISTS entry (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  return db;
});
for (;;) {
  for (const db of databases) {
    const { n } = db.query("SELECT coalesce(max(n), 0) + 1 AS n FROM entry").get();
    db.run("INSERT INTO entry VALUES (?, ?)", [n, String(n).repeat(100 + (n * 37) % 900)]);
  }
  await Bun.sleep(1);
}`;

/** Opens them as any program would, and reads everything. */
const CHECK = `import { Database } from "bun:sqlite";
const seen = {};
for (const mode of ${JSON.stringify(DATABASES)}) {
  const db = new Database(mode + ".db");
  db.run("PRAGMA busy_timeout = 5000");
  const integrity = db.query("PRAGMA integrity_check").all().map((row) => row.integrity_check).join();
  let last = 0, wrong = 0, bytes = 0;
  for (const { n, text } of db.query("SELECT n, text FROM entry ORDER BY n").iterate()) {
    bytes += text.length;
    if (n !== last + 1 || text !== String(n).repeat(100 + (n * 37) % 900)) wrong++;
    last = n;
  }
  seen[mode] = { integrity, last, wrong, bytes };
}
console.log(JSON.stringify(seen));`;

const Seen = z.record(z.string(), z.object({ integrity: z.string(), last: z.int(), wrong: z.int(), bytes: z.int() }));
type Seen = z.infer<typeof Seen>;

describe("a SQLite database that is written without a pause", () => {
  let platform: TestPlatform | null = null;
  beforeAll(async () => {
    platform = ON_DOCKER ? null : await startTestPlatform({ env: { SAVE_AFTER: "1s" } });
  });
  afterAll(() => platform?.stop());

  const client = (): Client => platform?.client ?? platformOfRun();
  const info = (id: string): Promise<SessionInfo> => client().ask(SessionInfo, "GET", `/sessions/${id}`);

  /** What went wrong in between is told to the caller, who may ask again, as here. */
  async function check(sessionId: string): Promise<Seen> {
    const answer = await until(
      "the session to answer",
      async () => {
        const response = await client().request("POST", "/execute", { json: { sessionId, command: "bun check.ts" } });
        const text = await response.text();
        return response.status === 200 && text;
      },
      { deadlineMs: 60_000 },
    );
    const { stdout, stderr } = z.object({ stdout: z.string(), stderr: z.string() }).parse(JSON.parse(answer));
    expect(stderr).toBe("");
    const seen = Seen.parse(JSON.parse(stdout));
    for (const mode of DATABASES) expect(seen[mode]).toMatchObject({ integrity: "ok", wrong: 0 });
    return seen;
  }

  /** A program that has written something new in both. */
  async function write(sessionId: string): Promise<Seen> {
    const before = await check(sessionId);
    const command = "exec bun writer.ts 2> writer.log";
    const { executionId } = await client().execute({ sessionId, command, background: true });
    return await until("rows to be added", async () => {
      const path = `/sessions/${sessionId}/executions/${executionId}`;
      const { outcome } = await client().ask(ExecutionRecord, "GET", path);
      if (outcome !== "running") {
        const log = await client().request("GET", `/sessions/${sessionId}/files/writer.log`);
        throw new Error(`the writer has ended: ${outcome}, ${await log.text()}`);
      }
      const now = await check(sessionId);
      return DATABASES.every((mode) => (now[mode]?.last ?? 0) > (before[mode]?.last ?? 0) + 5) && now;
    });
  }

  async function save(id: string, explicitly: boolean): Promise<void> {
    if (explicitly) {
      const response = await client().request("POST", `/sessions/${id}/snapshots`, { json: {} });
      expect(response.status).toBe(201);
      return;
    }
    const since = Date.now();
    await until("it to be saved by itself", async () => Date.parse((await info(id)).savedAt ?? "") > since, {
      deadlineMs: 30_000,
    });
  }

  const disturbances: Readonly<Record<string, (id: string) => Promise<void> | void>> = {
    async "deep sleep"(id) {
      await until("it to sleep", async () => (await info(id)).state === "deep-sleep", { deadlineMs: 40_000 });
    },
    async "container killed"(id) {
      if (ON_DOCKER) docker("kill", await containerOf(client(), id));
      else killOne(/^(\/bin\/)?sh \S*init\.sh/);
    },
    async "supervisor killed"(id) {
      const program = "^bun .*/opt/buntime/main.js";
      if (ON_DOCKER) docker("exec", await containerOf(client(), id), "pkill", "-KILL", "-f", program);
      else killOne(/^bun .*\/buntime\/main\.js$/);
    },
    ...(ON_DOCKER ? {} : { "platform killed": () => restart("SIGKILL"), "platform ended": () => restart("SIGTERM") }),
  };

  function killOne(command: RegExp): void {
    const found = descendants(platform?.pid ?? 0).find((process) => command.test(process.command));
    if (found === undefined) throw new Error(`no process is called ${command.source}`);
    process.kill(found.pid, "SIGKILL");
  }

  async function restart(signal: NodeJS.Signals): Promise<void> {
    if (platform === null) return;
    const { dataDir, client: before } = platform;
    await platform.end(signal);
    platform = await startTestPlatform({ dataDir, port: Number(before.url.port), env: { SAVE_AFTER: "1s" } });
  }

  test(
    "opens after every sleep and every loss, is whole, and has each row that was there at the last save",
    async () => {
      const { id } = await client().createSession({ idleAfter: "1s", deepSleepAfter: "2s" });
      onTestFinished(async () => {
        await client().request("DELETE", `/sessions/${id}`);
      });
      await client().execute({
        sessionId: id,
        files: [
          { path: "writer.ts", content: WRITER },
          { path: "check.ts", content: CHECK },
        ],
        command: "timeout 0.5 bun writer.ts || true",
      });
      const total = { disturbances: 0, rows: 0, bytes: 0, rowsAfterTheSave: 0 };
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, disturb] of Object.entries(disturbances)) {
          const acknowledged = await write(id);
          await save(id, round % 2 === 0);
          await disturb(id);
          const seen = await check(id);
          for (const mode of DATABASES) {
            const [kept, expected] = [seen[mode]?.last ?? 0, acknowledged[mode]?.last ?? 0];
            expect(kept, `${mode} after: ${name}`).toBeGreaterThanOrEqual(expected);
            total.rows += kept;
            total.bytes += seen[mode]?.bytes ?? 0;
            total.rowsAfterTheSave += kept - expected;
          }
          total.disturbances++;
        }
      }
      if (ROUNDS > 1) console.log(`durability: ${JSON.stringify(total)}`);
    },
    120_000 * ROUNDS,
  );
});
