// What has to hold once a session has come to rest, whatever happened: its container, its repository, the bucket.
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { engine } from "../client.ts";
import { expectNothing, stubOf } from "../repository-client.ts";
import { passTime } from "./time.ts";

const HOUR_MS = 3_600_000;

interface Tables {
  readonly objects: readonly string[];
  readonly needed: readonly string[];
  readonly sessions: readonly string[];
  readonly uploads: number;
}

/** Containers of the session that run, as the host sees it. */
export async function containersOf(sessionId: string): Promise<number> {
  const { WARDEN_URL } = env as unknown as Record<string, string>;
  const answer = await fetch(`${WARDEN_URL}/containers/${sessionId}`);
  return (await answer.json<{ count: number }>()).count;
}

/**
 * After the repository's alarms have had their time, the bucket holds what its snapshots need, all of it as it was named,
 * and nothing else; all snapshots are of these sessions. Gives the bytes that were read.
 */
export async function expectTidy(repositoryId: string, sessionIds: readonly string[]): Promise<number> {
  // An upload that was given up is over after an hour, and swept after another one.
  for (let hours = 0; hours < 3; hours++) {
    passTime(HOUR_MS + 1000);
    await runDurableObjectAlarm(stubOf(repositoryId));
  }
  const tables = await tablesOf(repositoryId);
  const { objects } = await env.SNAPSHOTS.list({ prefix: `${repositoryId}/` });
  const keys = objects.map(({ key }) => key.slice(repositoryId.length + 1)).toSorted();
  expect(keys, "the bucket has what the snapshots need").toEqual(tables.needed);
  expect(tables.objects, "the tables have what the snapshots need").toEqual(tables.needed);
  expect(tables.uploads, "no upload is under way").toBe(0);
  expect(sessionIds, "snapshots are of sessions that exist").toEqual(expect.arrayContaining([...tables.sessions]));
  const sizes = await Promise.all(keys.map((digest) => checkObject(`${repositoryId}/${digest}`, digest)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Of the session and, where it was alone in it, its repository. */
export async function expectGone(sessionId: string, repositoryId: string | null): Promise<void> {
  const left = await runInDurableObject(env.SESSION.getByName(sessionId), async (_object, { storage }) => ({
    tables: storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray().length,
    alarm: await storage.getAlarm(),
  }));
  expect(left, "the session's storage is empty").toEqual({ tables: 0, alarm: null });
  expect(await containersOf(sessionId), "no container is left").toBe(0);
  expect(await engine("GET", `/containers/${sessionId}`)).toMatchObject({ running: false });
  if (repositoryId !== null) {
    for (let hours = 0; hours < 3; hours++) {
      passTime(HOUR_MS + 1000);
      await runDurableObjectAlarm(stubOf(repositoryId));
    }
    await expectNothing(repositoryId);
  }
}

async function checkObject(key: string, digest: string): Promise<number> {
  const object = await env.SNAPSHOTS.get(key);
  const bytes = (await object?.arrayBuffer()) ?? new ArrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  expect(hash, "an object is what its name says").toBe(digest);
  return bytes.byteLength;
}

function tablesOf(repositoryId: string): Promise<Tables> {
  return runInDurableObject(stubOf(repositoryId), (_object, { storage }) => {
    const column = (query: string): string[] =>
      storage.sql
        .exec<{ value: string }>(query)
        .toArray()
        .map(({ value }) => value);
    return {
      objects: column("SELECT digest AS value FROM object ORDER BY digest"),
      needed: column("SELECT DISTINCT digest AS value FROM need ORDER BY digest"),
      sessions: column("SELECT DISTINCT session_id AS value FROM snapshot"),
      uploads: storage.sql.exec("SELECT 1 FROM pin").toArray().length,
    };
  });
}
