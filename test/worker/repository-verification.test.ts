import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/contract/ids.ts";
import { keyOf } from "../../src/storage/objects.ts";
import { repositoryOf } from "../../src/storage/rpc.ts";
import type { RepositoryRpc } from "../../src/storage/rpc.ts";
import { expectFailure, objectOf, put, record, save, stubOf, valueOf } from "./repository-client.ts";

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;
let session: string;
let repository: RepositoryRpc;

beforeEach(() => {
  session = newId("ses");
  repository = repositoryOf(env, session);
  vi.spyOn(console, "error").mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const saved = (...texts: [string, ...string[]]): Promise<string> => save(repository, session, session, texts);

const DAMAGES: Readonly<Record<string, (key: string) => Promise<void>>> = {
  missing: (key) => env.SNAPSHOTS.delete(key),
  longer: async (key) => void (await env.SNAPSHOTS.put(key, "pack!")),
  "other bytes": async (key) => void (await env.SNAPSHOTS.put(key, "kcap")),
};

/** Damages the object whose bytes are `text`; gives its digest. */
async function damage(text: string, how = "other bytes"): Promise<string> {
  const { digest } = await objectOf(text);
  await DAMAGES[how]?.(keyOf(session, digest));
  return digest;
}

/** Lets the alarm come due again and again until that time. */
async function pass(ms: number): Promise<void> {
  const end = Date.now() + ms;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  for (let alarms = 0; alarms < 200; alarms++) {
    const at = await runInDurableObject(stubOf(session), (_object, { storage }) => storage.getAlarm());
    if (at === null || at > end) {
      break;
    }
    vi.setSystemTime(Math.max(Date.now(), at));
    await runDurableObjectAlarm(stubOf(session));
  }
  vi.setSystemTime(end);
}

describe("verifying", () => {
  it("reads everything back once, and says when", async () => {
    const id = await saved("root", "pack");
    expect(valueOf(await repository.get(session, id)).verifiedAt).toBeNull();
    const before = Date.now();
    const { verifiedAt, damaged } = valueOf(await repository.verify(session, id));
    expect(damaged).toBeNull();
    expect(verifiedAt).toBeGreaterThanOrEqual(before);
    // What was read back well is not read again: a later snapshot that shares it needs its own objects read alone.
    await damage("pack");
    const next = await saved("root 2", "pack");
    expect(valueOf(await repository.verify(session, next)).damaged).toBeNull();
  });

  it.for(Object.keys(DAMAGES))("finds an object that is damaged: %s", async (how) => {
    const good = await saved("root 0");
    const id = await saved("root", "pack");
    const copy = { id: newId("snp"), sessionId: session, label: null, reason: "restore" as const, createdAt: 1 };
    valueOf(await repository.copy({ sessionId: session, snapshotId: id }, copy));
    const digest = await damage("pack", how);
    const details = expectFailure(await repository.verify(session, id), "conflict");
    expect(details["damaged"]).toContain(digest);
    const state = valueOf(await repository.get(session, id));
    expect(state).toMatchObject({ damaged: details["damaged"], verifiedAt: null });
    expect(await repository.damagedObjects()).toEqual([digest]);
    // Every snapshot that needs it is passed over, and the newest without it is used.
    const { snapshot, passedOver } = await repository.newest(session);
    expect(snapshot?.id).toBe(good);
    expect(passedOver).toEqual([copy.id, id]);
    const again = { ...copy, id: newId("snp") };
    expectFailure(await repository.copy({ sessionId: session, snapshotId: id }, again), "conflict");
  });

  it("clears a snapshot whose object was put again", async () => {
    const id = await saved("root", "pack");
    await damage("pack");
    expectFailure(await repository.verify(session, id), "conflict");
    await put(session, "pack");
    expect(valueOf(await repository.verify(session, id)).damaged).toBeNull();
    expect(await repository.damagedObjects()).toEqual([]);
  });
});

describe("a damaged object", () => {
  it("fails the snapshot that relies on it, until it is put anew", async () => {
    const id = await saved("root", "pack");
    const digest = await damage("pack");
    await repository.reportDamage(digest);
    expect(valueOf(await repository.get(session, id)).damaged).toContain(digest);
    await repository.begin(session);
    const { bytes: _bytes, ...pack } = await objectOf("pack");
    const root = await put(session, "root 2");
    const made = record(session, root);
    const refused = await repository.commit(made, [root, pack]);
    expect(expectFailure(refused, "conflict")["missing"]).toEqual([digest]);
    await put(session, "pack");
    expect(valueOf(await repository.commit(made, [root, pack])).damaged).toBeNull();
    expect(valueOf(await repository.get(session, id)).damaged).toBeNull();
  });

  it("that was reported but reads back well is none", async () => {
    const id = await saved("root", "pack");
    await repository.reportDamage((await objectOf("pack")).digest);
    await repository.reportDamage((await objectOf("unknown")).digest);
    expect(valueOf(await repository.get(session, id)).damaged).toBeNull();
  });

  it("does not make a snapshot that can be restored give way", async () => {
    const good = await saved("good");
    for (let index = 0; index < 5; index++) {
      await saved(`root ${index}`, "pack");
    }
    // Six were made, and five stay.
    expectFailure(await repository.get(session, good), "snapshot_not_found");
    const newest = await saved("good 2");
    await repository.reportDamage(await damage("pack"));
    for (let index = 0; index < 4; index++) {
      await saved(`later ${index}`);
    }
    expect(valueOf(await repository.get(session, newest)).damaged).toBeNull();
  });
});

describe("in the background", () => {
  it("every object is read back some time after it was stored, and every week again", async () => {
    const id = await saved("root", "pack");
    await pass(20 * MINUTE_MS);
    const first = valueOf(await repository.get(session, id)).verifiedAt ?? 0;
    expect(first).toBeGreaterThan(0);
    await pass(WEEK_MS + MINUTE_MS);
    expect(valueOf(await repository.get(session, id)).verifiedAt).toBeGreaterThanOrEqual(first + WEEK_MS);
    const digest = await damage("pack");
    await pass(WEEK_MS + MINUTE_MS);
    expect(valueOf(await repository.get(session, id)).damaged).toContain(digest);
  });

  it("only some is read at a time, and in the end all", async () => {
    const big = "x".repeat(12 * 1024 * 1024);
    const id = await saved("root", `${big}1`, `${big}2`, `${big}3`);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20 * MINUTE_MS });
    const checked: number[] = [];
    for (let alarm = 0; alarm < 3; alarm++) {
      await runDurableObjectAlarm(stubOf(session));
      checked.push(
        await runInDurableObject(
          stubOf(session),
          (_object, { storage }) =>
            storage.sql.exec("SELECT 1 FROM object WHERE checked_at IS NOT NULL").toArray().length,
        ),
      );
      vi.setSystemTime(Date.now() + 10_000);
    }
    expect(checked.at(-1)).toBe(4);
    expect(checked[0]).toBeLessThan(4);
    expect(valueOf(await repository.get(session, id)).verifiedAt).not.toBeNull();
  });
});
