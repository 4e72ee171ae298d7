// What a session's history takes: an append, events in batches, and pages and replays of a log of a million. The session
// sleeps, as nothing of it needs a container. Floors are the platform's shortest answer, and SQLite itself.
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { api } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence, timed } from "./statistics.ts";

const EVENTS = 1_000_000;
const BATCH = 1000;
const ROUNDS = 5;

export async function historyFigures(bench: Bench): Promise<Figure[]> {
  const { id } = await bench.client.createSession({ container: "on-demand" });
  const session = `/sessions/${id}`;
  const sqlite = bareDatabase(path.join(bench.directory, "history.db"));
  try {
    const appended = await appendFigure(bench, session, sqlite);
    return [appended, await batchFigure(bench, session, sqlite), ...(await readFigures(bench, session))];
  } finally {
    sqlite.close();
    await bench.client.request("DELETE", session);
  }
}

const payloadOf = (index: number): unknown => ({
  content: `Event ${index}: the tests of module ${index % 97} are green, ${index.toString(36)} lines were looked at`,
  metadata: { step: index },
});

function post(bench: Bench, session: string, events: readonly unknown[]): Promise<Buffer> {
  return call(api(bench, "POST", `${session}/events`, { thread: "log", events }));
}

async function appendFigure(bench: Bench, session: string, sqlite: Bare): Promise<Figure> {
  const append = (index: number): Promise<Buffer> => post(bench, session, [{ payload: payloadOf(index) }]);
  await sequence(50, append);
  const { floors, figures } = await inTurns(
    ROUNDS,
    async () => median(await sequence(200, () => health(bench))),
    async () => median(await sequence(200, append)),
  );
  const bare = median(await sequence(200, async (index) => sqlite.insert([payloadOf(index)])));
  const value = median(figures);
  return {
    name: "append of an event, p50",
    aim: "≤ 2 ms",
    value,
    unit: "ms",
    floor: { name: "GET /health", value: median(floors) },
    met: value <= 2,
    note: `a bare SQLite insert ${bare.toFixed(2)} ms`,
  };
}

/** Fills the log for the figures that follow. */
async function batchFigure(bench: Bench, session: string, sqlite: Bare): Promise<Figure> {
  const events = (batch: number): unknown[] =>
    Array.from({ length: BATCH }, (_, index) => ({
      type: ["session/update", "session/update", "session/update", "agent_response", "user_message"][index % 5],
      sender: index % 5 === 4 ? "user" : "agent",
      payload: payloadOf(batch * BATCH + index),
    }));
  const batches = EVENTS / BATCH / ROUNDS;
  const perSecond = (ms: number): number => (batches * BATCH * 1000) / ms;
  let batch = 0;
  const { floors, figures } = await inTurns(
    ROUNDS,
    async () => perSecond(await timed(() => sequence(batches, (index) => insertBare(sqlite, events(index))))),
    async () => perSecond(await timed(() => sequence(batches, () => post(bench, session, events(batch++))))),
  );
  const value = median(figures);
  return {
    name: "events appended in batches of 1,000",
    aim: "≥ 5,000/s",
    value,
    unit: "/s",
    floor: { name: "bare SQLite, a transaction each", value: median(floors) },
    met: value >= 5000,
    note: `one writer; the slowest of ${ROUNDS} rounds up to ${EVENTS.toLocaleString("en")} events ${Math.min(...figures).toFixed(0)}/s`,
  };
}

async function readFigures(bench: Bench, session: string): Promise<Figure[]> {
  const reads: readonly (readonly [name: string, aim: number | null, path: (index: number) => string])[] = [
    [
      "a page of 100 from a log of 1,000,000, p50",
      10,
      (index) => `events?thread=log&cursor=${(index * 7919) % EVENTS}`,
    ],
    ["the newest 100, p50", 10, () => "events?thread=log&order=desc"],
    ["its newest messages, p50", null, () => "messages?thread=log&order=desc"],
    ["100 that have two words, p50", null, () => "events?thread=log&q=module%2042&order=desc"],
    ["a replay of it, p50", 20, () => "replay?thread=log"],
  ];
  const figures: Figure[] = [];
  for (const [name, aim, pathOf] of reads) {
    const read = (index: number): Promise<Buffer> => call(api(bench, "GET", `${session}/${pathOf(index)}`));
    await sequence(10, read);
    const measured = await inTurns(
      ROUNDS,
      async () => median(await sequence(50, () => health(bench))),
      async () => median(await sequence(50, read)),
    );
    const value = median(measured.figures);
    figures.push({
      name,
      aim: aim === null ? "for scale" : `≤ ${aim} ms`,
      value,
      unit: "ms",
      floor: { name: "GET /health", value: median(measured.floors) },
      met: aim === null || value <= aim,
    });
  }
  return figures;
}

/** Others get their turn in between: connections that lie idle are to be noticed. */
async function insertBare(sqlite: Bare, events: readonly unknown[]): Promise<void> {
  sqlite.insert(events);
  await setImmediate();
}

function health(bench: Bench): Promise<Buffer> {
  return call({ url: new URL("/health", bench.client.url) });
}

interface Bare {
  /** In one transaction. */
  insert(payloads: readonly unknown[]): void;
  close(): void;
}

function bareDatabase(file: string): Bare {
  const database = new DatabaseSync(file);
  database.exec(
    "PRAGMA journal_mode = WAL; CREATE TABLE event (seq INTEGER PRIMARY KEY, payload TEXT NOT NULL) STRICT",
  );
  const insert = database.prepare("INSERT INTO event (payload) VALUES (?)");
  return {
    insert(payloads) {
      database.exec("BEGIN");
      for (const payload of payloads) insert.run(JSON.stringify(payload));
      database.exec("COMMIT");
    },
    close: () => database.close(),
  };
}
