// The whole platform is killed while several write into a history: what was acknowledged is there afterwards, once.
// Embedded only: it needs the host's process ids.
import { expect, onTestFinished, test } from "vitest";
import { Appended, HistoryPage } from "../../src/contract/history.ts";
import { Session } from "../../src/contract/session.ts";
import { ON_DOCKER } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { descendants, isAlive } from "../support/processes.ts";
import { until } from "../support/until.ts";

const WRITERS = 4;
const KILLS = 1;

interface Written {
  readonly id: string;
  readonly eventIndex: number;
}

test.skipIf(ON_DOCKER)("acknowledged events outlive the platform, each once and without gaps", async () => {
  let platform = await startTestPlatform();
  onTestFinished(() => platform.stop());
  const { id } = await platform.client.ask(Session, "POST", "/sessions", { container: "on-demand" });
  const acknowledged: Written[] = [];
  /** Sent, and nobody knows whether it was written. */
  const unknown: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const killed = { yet: false };
    const before = acknowledged.length;
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      write(platform, `${kill}-${writer}`, id, { acknowledged, unknown, isOver: () => killed.yet }),
    );
    await until("every writer has begun", () => acknowledged.length - before > WRITERS * 10);
    platform = await killedAndStarted(platform);
    killed.yet = true;
    await Promise.all(writers);
  }
  const events = await readAll(platform, id);
  expect(events.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, index) => index + 1));
  const places = new Map(events.map((event) => [event.id, event.eventIndex]));
  expect(places.size).toBe(events.length);
  expect(acknowledged.filter((event) => places.get(event.id) !== event.eventIndex)).toEqual([]);
  // Of what nobody was told, each batch is there as a whole or not at all; sent again, it is there.
  for (const batch of unknown) {
    const found = [0, 1].filter((part) => places.has(`${batch}-${part}`));
    expect([0, 2]).toContain(found.length);
    await append(platform, id, batch);
  }
  expect(await readAll(platform, id)).toHaveLength(acknowledged.length + unknown.length * 2 + 1);
});

async function append(platform: TestPlatform, id: string, batch: string): Promise<Appended["items"]> {
  const events = [0, 1].map((part) => ({ id: `${batch}-${part}`, payload: { batch, part } }));
  return (await platform.client.ask(Appended, "POST", `/sessions/${id}/events`, { events })).items;
}

async function write(
  platform: TestPlatform,
  name: string,
  id: string,
  told: { readonly acknowledged: Written[]; readonly unknown: string[]; readonly isOver: () => boolean },
): Promise<void> {
  for (let turn = 0; !told.isOver(); turn++) {
    const batch = `${name}-${turn}`;
    try {
      told.acknowledged.push(...(await append(platform, id, batch)));
    } catch {
      told.unknown.push(batch);
      return;
    }
  }
}

async function killedAndStarted(platform: TestPlatform): Promise<TestPlatform> {
  const below = descendants(platform.pid).map(({ pid }) => pid);
  await platform.end("SIGKILL");
  await until("every process of it to be gone", () => below.every((pid) => !isAlive(pid)));
  return startTestPlatform({ dataDir: platform.dataDir, port: Number(platform.client.url.port) });
}

async function readAll(platform: TestPlatform, id: string): Promise<HistoryPage["items"]> {
  const items: HistoryPage["items"] = [];
  for (let cursor: string | null = "0"; cursor !== null;) {
    const page: HistoryPage = await platform.client.ask(
      HistoryPage,
      "GET",
      `/sessions/${id}/events?limit=1000&cursor=${cursor}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}
