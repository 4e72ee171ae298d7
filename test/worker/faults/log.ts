// A session's history while something fails: several writers, each of which sends what was not acknowledged again.
import { expect } from "vitest";
import { Appended, HistoryPage } from "../../../src/contract/history.ts";
import type { HistoryEvent } from "../../../src/contract/history.ts";
import { ask, createSession } from "../client.ts";
import { trapOf } from "./faults.ts";
import { ordersCarriedOut } from "./operator.ts";
import type { Scenario } from "./scenarios.ts";
import { arm, disarm } from "./steps.ts";

const WRITERS = 3;
const BATCHES = 4;
const TRIES = 20;

type Place = Appended["items"][number];

/** Writers append side by side. */
export const appends: Scenario = async (faults) => {
  const { id } = await createSession({ container: "on-demand" });
  arm(faults.map((fault) => trapOf(fault, { sessionId: id, repositoryId: id })));
  const acknowledged = await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(id, writer)));
  const { steps, sprung: injected } = disarm();
  await ordersCarriedOut();
  const events = await readAll(id);
  expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index + 1));
  const written = events.filter(({ sender }) => sender !== "system");
  // Each exactly once, where its writer was told, and its writers' order is theirs.
  for (const [writer, places] of acknowledged.entries()) {
    const own = written.filter(({ id: event }) => event.startsWith(`${writer} `));
    expect(own.map((event) => ({ id: event.id, eventIndex: event.eventIndex, createdAt: event.createdAt }))).toEqual(
      places,
    );
  }
  expect(written).toHaveLength(acknowledged.flat().length);
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  await ask("DELETE", `/sessions/${id}`);
  return { steps, injected, treesCompared: 0, bytesCompared: 0 };
};

/** Gives what was acknowledged, in order. Batches are whole: their events stand side by side. */
async function write(id: string, writer: number): Promise<Place[]> {
  const places: Place[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const events = Array.from({ length: 1 + (batch % 3) }, (_, part) => ({
      id: `${writer} ${batch} ${part}`,
      payload: { writer, batch, part },
    }));
    const items = await appendUntilAcknowledged(id, { events });
    expect(items.map(({ eventIndex }) => eventIndex)).toEqual(
      events.map((_, part) => (items[0]?.eventIndex ?? 0) + part),
    );
    places.push(...items);
  }
  return places;
}

async function appendUntilAcknowledged(id: string, body: unknown): Promise<readonly Place[]> {
  const answers: string[] = [];
  while (answers.length < TRIES) {
    const response = await ask("POST", `/sessions/${id}/events`, { body });
    const text = await response.text();
    if (response.status === 201) return Appended.parse(JSON.parse(text)).items;
    answers.push(`${response.status} ${text}`);
    expect(response.status, text).toBeGreaterThanOrEqual(500);
  }
  throw new Error(`not acknowledged: ${answers.join("; ")}`);
}

async function readAll(id: string): Promise<HistoryEvent[]> {
  const response = await ask("GET", `/sessions/${id}/events?limit=1000`);
  return HistoryPage.parse(await response.json()).items;
}
