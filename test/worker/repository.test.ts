import { env, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId } from "../../src/contract/ids.ts";
import { SNAPSHOTS_KEPT } from "../../src/contract/limits.ts";
import { keyOf } from "../../src/storage/objects.ts";
import { repositoryOf } from "../../src/storage/rpc.ts";
import type { RepositoryRpc } from "../../src/storage/rpc.ts";
import { loseObject, until } from "./client.ts";
import {
  bucketKeys,
  expectFailure,
  expectNothing,
  objectOf,
  put,
  record,
  save,
  stored,
  stubOf,
  valueOf,
} from "./repository-client.ts";

const ALL = { limit: 1000, offset: 0 };
const HOUR_MS = 3_600_000;
let session: string;
let repository: RepositoryRpc;

beforeEach(() => {
  session = newId("ses");
  repository = repositoryOf(env, session);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const saved = (texts: readonly [string, ...string[]], label?: string): Promise<string> =>
  save(repository, session, session, texts, label);

async function sorted(...texts: string[]): Promise<string[]> {
  return (await Promise.all(texts.map(objectOf))).map((object) => object.digest).toSorted();
}

describe("a snapshot", () => {
  it("is what was committed, whoever asks first", async () => {
    await repository.begin(session);
    const objects = [await put(session, "root"), await put(session, "pack of some bytes")];
    const made = record(session, objects[0] ?? (await objectOf("")), { label: "mine", createdAt: 17 });
    const state = valueOf(await repository.commit(made, objects));
    expect(state).toEqual({ ...made, storedBytes: 22, verifiedAt: null, damaged: null });
    await loseObject(stubOf(session));
    repository = repositoryOf(env, session);
    expect(await repository.get(session, made.id)).toEqual({ ok: true, value: state });
    expect(await repository.newest(session)).toEqual({ snapshot: state, passedOver: [] });
    expect(await repository.list(session, ALL)).toEqual({ snapshots: [state], total: 1 });
  });

  it("does not exist when one of its objects was not stored, or differs in size; the answer names them", async () => {
    await repository.begin(session);
    const root = await put(session, "root");
    const absent = await objectOf("never sent");
    const short = { ...(await put(session, "short")), sizeBytes: 6 };
    const answer = await repository.commit(record(session, root), [root, absent, short]);
    expect(expectFailure(answer, "conflict")["missing"]).toEqual([absent.digest, short.digest]);
    expect(await repository.list(session, ALL)).toEqual({ snapshots: [], total: 0 });
    // What was missing is sent, and all is well.
    const objects = [root, await put(session, "never sent")];
    valueOf(await repository.commit(record(session, root), objects));
  });

  it("needs an upload that was begun, and a root among its objects", async () => {
    const root = await put(session, "root");
    expectFailure(await repository.commit(record(session, root), [root]), "conflict");
    expect(await stored(session)).toEqual({ tables: 0, alarm: null });
    await repository.begin(session);
    expectFailure(await repository.commit(record(session, root), [await put(session, "other")]), "conflict");
  });

  it("committed twice is there once, also when both come at the same time", async () => {
    await repository.begin(session);
    const root = await put(session, "root");
    const made = record(session, root);
    const [one, other] = await Promise.all([repository.commit(made, [root]), repository.commit(made, [root])]);
    expect(one.ok).toBe(true);
    expect(other).toEqual(one);
    expect(await repository.commit(made, [root])).toEqual(one);
    expect((await repository.list(session, ALL)).total).toBe(1);
  });

  it("is nobody else's", async () => {
    const id = await saved(["root"]);
    expectFailure(await repository.get("ses_other", id), "snapshot_not_found");
    expectFailure(await repository.remove("ses_other", id), "snapshot_not_found");
    expectFailure(await repository.verify("ses_other", id), "snapshot_not_found");
    const target = { id: newId("snp"), sessionId: session, label: null, reason: "fork" as const, createdAt: 1 };
    const source = { sessionId: "ses_other", snapshotId: id };
    expectFailure(await repository.copy(source, target), "snapshot_not_found");
  });

  it("is listed newest first, page by page, whatever the clock said", async () => {
    const ids: string[] = [];
    for (const createdAt of [30, 10, 20]) {
      await repository.begin(session);
      const root = await put(session, `root ${createdAt}`);
      ids.unshift(valueOf(await repository.commit(record(session, root, { createdAt }), [root])).id);
    }
    const page = await repository.list(session, { limit: 2, offset: 1 });
    expect(page.total).toBe(3);
    expect(page.snapshots.map((snapshot) => snapshot.id)).toEqual(ids.slice(1));
    expect((await repository.newest(session)).snapshot?.id).toBe(ids[0]);
  });

  it("that was asked about where there is no repository leaves no trace of the question", async () => {
    expectFailure(await repository.get(session, "snp_x"), "snapshot_not_found");
    expectFailure(await repository.verify(session, "snp_x"), "snapshot_not_found");
    expectFailure(await repository.remove(session, "snp_x"), "snapshot_not_found");
    expect(await repository.list(session, ALL)).toEqual({ snapshots: [], total: 0 });
    expect(await repository.newest(session)).toEqual({ snapshot: null, passedOver: [] });
    expect(await repository.damagedObjects()).toEqual([]);
    await repository.removeSession(session);
    await repository.sweep();
    await expectNothing(session);
  });
});

describe("retention", () => {
  it("keeps the last automatic snapshots and every labelled one, and only the objects that they need", async () => {
    const labelled = await saved(["root l", "shared", "only l"], "keep");
    const ids: string[] = [];
    for (let index = 0; index < 8; index++) {
      ids.unshift(await saved([`root ${index}`, "shared", `only ${index}`]));
    }
    const kept = [...ids.slice(0, SNAPSHOTS_KEPT.automatic), labelled];
    const { snapshots, total } = await repository.list(session, ALL);
    expect(snapshots.map((snapshot) => snapshot.id)).toEqual(kept);
    expect(total).toBe(kept.length);
    const texts = [3, 4, 5, 6, 7].flatMap((index) => [`root ${index}`, `only ${index}`]);
    const expected = await sorted("root l", "only l", "shared", ...texts);
    await until("unneeded objects are gone", async () => (await bucketKeys(session)).length === expected.length);
    expect((await bucketKeys(session)).toSorted()).toEqual(expected);
  });

  it("refuses a label too many rather than removing a snapshot that somebody named", async () => {
    const first = await saved(["root"], "0");
    for (let index = 1; index < SNAPSHOTS_KEPT.labelled; index++) {
      const target = {
        id: newId("snp"),
        sessionId: session,
        label: `${index}`,
        reason: "requested" as const,
        createdAt: 1,
      };
      valueOf(await repository.copy({ sessionId: session, snapshotId: first }, target));
    }
    await repository.begin(session);
    const root = await put(session, "root");
    const refused = await repository.commit(record(session, root, { label: "one more" }), [root]);
    expect(expectFailure(refused, "conflict")).toEqual({ limit: "labelledSnapshots", max: SNAPSHOTS_KEPT.labelled });
    valueOf(await repository.commit(record(session, root), [root]));
    expect((await repository.list(session, ALL)).total).toBe(SNAPSHOTS_KEPT.labelled + 1);
  });
});

describe("a fork", () => {
  const copyTo = async (sessionId: string, snapshotId: string): Promise<string> => {
    const target = { id: newId("snp"), sessionId, label: null, reason: "fork" as const, createdAt: Date.now() };
    return valueOf(await repository.copy({ sessionId: session, snapshotId }, target)).id;
  };

  it("shares what is stored, and outlives what it was made from", async () => {
    const original = await saved(["root", "pack"]);
    const before = await bucketKeys(session);
    const copy = await copyTo("ses_fork", original);
    expect(await bucketKeys(session)).toEqual(before);
    await repository.removeSession(session);
    expect(await bucketKeys(session)).toEqual(before);
    expectFailure(await repository.get(session, original), "snapshot_not_found");
    expect(valueOf(await repository.verify("ses_fork", copy)).damaged).toBeNull();
    await repository.removeSession("ses_fork");
    await expectNothing(session);
  });

  it("that is deleted harms nothing of its original", async () => {
    const original = await saved(["root", "pack"]);
    const copy = await copyTo("ses_fork", original);
    valueOf(await repository.remove("ses_fork", copy));
    await repository.removeSession("ses_fork");
    expect(valueOf(await repository.verify(session, original)).verifiedAt).not.toBeNull();
  });
});

describe("an upload that is given up", () => {
  it("no longer holds up anything, and cannot be committed", async () => {
    const id = await saved(["root", "pack"]);
    await repository.begin(session);
    valueOf(await repository.remove(session, id));
    expect(await bucketKeys(session)).toHaveLength(2);
    const root = await put(session, "root");
    await repository.giveUp(session);
    await expectNothing(session);
    await repository.giveUp(session);
    expectFailure(await repository.commit(record(session, root), [root]), "conflict");
    await expectNothing(session);
  });

  it("leaves the snapshots there are", async () => {
    const id = await saved(["root", "pack"]);
    await repository.begin(session);
    await repository.giveUp(session);
    expect(valueOf(await repository.verify(session, id)).damaged).toBeNull();
  });
});

describe("removing", () => {
  it("a snapshot deletes what only that one needed", async () => {
    const one = await saved(["root 1", "shared", "only 1"]);
    await saved(["root 2", "shared"]);
    valueOf(await repository.remove(session, one));
    expect((await bucketKeys(session)).toSorted()).toEqual(await sorted("root 2", "shared"));
    expectFailure(await repository.remove(session, one), "snapshot_not_found");
  });

  it("a session's last snapshot leaves nothing, and the session may go on", async () => {
    valueOf(await repository.remove(session, await saved(["root", "pack"])));
    await expectNothing(session);
    const again = await saved(["root", "pack"]);
    expect(valueOf(await repository.verify(session, again)).id).toBe(again);
  });

  it("a session leaves nothing, were there more objects than one page, and strange ones", async () => {
    await saved(["root", "pack"]);
    await Promise.all(Array.from({ length: 1100 }, (_, index) => env.SNAPSHOTS.put(`${session}/${index}`, "")));
    await env.SNAPSHOTS.put(`${session}/deep/er`, "x");
    await repository.removeSession(session);
    await expectNothing(session);
    await repository.removeSession(session);
    await expectNothing(session);
  });

  it("a session stops what it was uploading from coming back", async () => {
    const other = "ses_other";
    await save(repository, session, other, ["others"]);
    await repository.begin(session);
    const root = await put(session, "root");
    await repository.removeSession(session);
    expectFailure(await repository.commit(record(session, root), [root]), "conflict");
    await repository.begin(session);
    expectFailure(await repository.commit(record(session, root), [root]), "conflict");
    const [source] = (await repository.list(other, ALL)).snapshots;
    const target = { id: newId("snp"), sessionId: session, label: null, reason: "fork" as const, createdAt: 1 };
    const copied = await repository.copy({ sessionId: other, snapshotId: source?.id ?? "" }, target);
    expectFailure(copied, "conflict");
    // And where it was the last, so that the repository forgot all about it.
    await repository.removeSession(other);
    await put(session, "root");
    expectFailure(await repository.commit(record(session, root), [root]), "conflict");
    await env.SNAPSHOTS.delete(keyOf(session, root.digest));
    await expectNothing(session);
  });

  it("waits for an upload that relies on what is stored", async () => {
    const base = await saved(["root 1", "big"]);
    await repository.begin(session);
    valueOf(await repository.remove(session, base));
    const root = await put(session, "root 2");
    const { bytes: _bytes, ...big } = await objectOf("big");
    const id = valueOf(await repository.commit(record(session, root), [root, big])).id;
    expect(valueOf(await repository.verify(session, id)).damaged).toBeNull();
    await until("the rest is gone", async () => (await bucketKeys(session)).length === 2);
  });

  it("does not wait for ever for an upload that never ends", async () => {
    const id = await saved(["root", "pack"]);
    await repository.begin(session);
    await put(session, "an orphan");
    valueOf(await repository.remove(session, id));
    expect(await bucketKeys(session)).toHaveLength(3);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1 });
    expect(await runDurableObjectAlarm(stubOf(session))).toBe(true);
    await expectNothing(session);
  });

  it("goes on where the object was lost in the middle of it", async () => {
    const bucket = env.SNAPSHOTS;
    await saved(["root", "pack"]);
    await repository.begin("ses_pending");
    await repository.removeSession(session);
    await loseObject(stubOf(session));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1 });
    expect((await bucket.list({ prefix: `${session}/` })).objects).toHaveLength(2);
    expect(await runDurableObjectAlarm(stubOf(session))).toBe(true);
    await expectNothing(session);
  });
});

describe("the sweep", () => {
  it("deletes objects that no snapshot names once they are old, and no others", async () => {
    const id = await saved(["root", "pack"]);
    await put(session, "left by a crash");
    await repository.sweep();
    expect(await bucketKeys(session)).toHaveLength(3);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1000 });
    await repository.sweep();
    expect((await bucketKeys(session)).toSorted()).toEqual(await sorted("root", "pack"));
    expect(valueOf(await repository.verify(session, id)).damaged).toBeNull();
  });

  it("comes by itself after an upload that was given up", async () => {
    await saved(["root", "pack"]);
    await repository.begin(session);
    await put(session, "given up");
    await saved(["root 2", "pack"]);
    expect(await bucketKeys(session)).toHaveLength(4);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 60_000 });
    expect(await runDurableObjectAlarm(stubOf(session))).toBe(true);
    expect(await bucketKeys(session)).toHaveLength(3);
  });

  it("empties what a repository that is gone left behind, and writes nothing", async () => {
    await put(session, "late");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MS + 1000 });
    await repository.sweep();
    await expectNothing(session);
  });
});
