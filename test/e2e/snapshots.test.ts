// Snapshots: kept, listed, compared, gone back to.
import { describe, expect, test } from "vitest";
import { ExecuteAnswer } from "../../src/contract/execute.ts";
import type { RestoreAnswer, Snapshot, SnapshotDiff, SnapshotList } from "../../src/contract/snapshot.ts";
import * as contract from "../../src/contract/snapshot.ts";
import { containerOf } from "../support/container.ts";
import { newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { infoOf, processesOf, SOON, takeSnapshot, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

const pathOf = (id: string, snapshotId = ""): string => `/sessions/${id}/snapshots${snapshotId && `/${snapshotId}`}`;
const list = (id: string, query = ""): Promise<SnapshotList> =>
  client.ask(contract.SnapshotList, "GET", `${pathOf(id)}?${query}`);
const get = (id: string, snapshotId: string): Promise<Snapshot> =>
  client.ask(contract.Snapshot, "GET", pathOf(id, snapshotId));
const restore = (id: string, snapshotId: string, path?: string): Promise<RestoreAnswer> =>
  client.ask(contract.RestoreAnswer, "POST", `${pathOf(id, snapshotId)}/restore`, path === undefined ? {} : { path });
const diff = (id: string, from: string, query = ""): Promise<SnapshotDiff> =>
  client.ask(contract.SnapshotDiff, "GET", `${pathOf(id, from)}/diff?${query}`);
const run = async (sessionId: string, command: string): Promise<string> => {
  const { stdout, stderr } = await client.execute({ sessionId, command });
  return (stdout + stderr).trim();
};

describe("snapshots", () => {
  test("tell what they hold; those with a label stay, of the others the last five", async () => {
    const { id } = await newSession(client);
    expect(await list(id)).toEqual({ snapshots: [], total: 0 });
    await run(id, "printf 12345 > five; head -c 100000 /dev/urandom > random");
    const first = await takeSnapshot(client, id, "Étape ☃ 1");
    expect(first).toMatchObject({
      label: "Étape ☃ 1",
      reason: "requested",
      damaged: null,
      skipped: [],
      skippedCount: 0,
    });
    expect(first.files).toBeGreaterThanOrEqual(2);
    expect(first.sizeBytes).toBeGreaterThanOrEqual(100_005);
    expect(first.storedBytes).toBeGreaterThan(99_000);

    const unlabelled: string[] = [];
    for (let round = 0; round < 7; round++) {
      await run(id, `echo ${round} > round`);
      unlabelled.unshift((await takeSnapshot(client, id)).snapshotId);
    }
    const { snapshots, total } = await list(id);
    expect(snapshots.map(({ snapshotId }) => snapshotId)).toEqual([...unlabelled.slice(0, 5), first.snapshotId]);
    expect(total).toBe(6);
    expect((await list(id, "limit=2&offset=4")).snapshots).toEqual(snapshots.slice(4));
    // Each needs the large file, and none of them has it for itself.
    expect(snapshots.every(({ storedBytes }) => storedBytes > 99_000)).toBe(true);
    expect(await get(id, first.snapshotId)).toEqual(snapshots.at(-1));
    const gone = { status: 404, code: "snapshot_not_found" };
    expect(await problem(client, "GET", pathOf(id, unlabelled[6]))).toMatchObject(gone);

    const deleted = await client.ask(contract.SnapshotDeleted, "DELETE", pathOf(id, first.snapshotId));
    expect(deleted).toEqual({ deleted: true, snapshotId: first.snapshotId });
    for (const method of ["GET", "DELETE"]) {
      expect(await problem(client, method, pathOf(id, first.snapshotId))).toMatchObject(gone);
    }
    expect((await list(id)).total).toBe(5);
  });

  test("of equal trees have equal hashes, of different ones different", async () => {
    const { id } = await newSession(client);
    const make = "mkdir -p d; printf same > d/a; touch -d 2001-01-01 d/a d; rm -f b";
    await run(id, make);
    const one = await takeSnapshot(client, id, "one");
    // Executions leave records, so the whole tree is never twice the same: an idle one is.
    const two = await takeSnapshot(client, id, "two");
    expect(two.treeHash).toBe(one.treeHash);
    await run(id, "printf other > d/a");
    expect((await takeSnapshot(client, id)).treeHash).not.toBe(one.treeHash);
  });

  test("name the sockets and FIFOs that cannot be saved, and are whole all the same", async () => {
    const { id } = await newSession(client);
    const socket = `require("net").createServer().listen("deep/sock\\\\et", () => process.kill(process.pid, "SIGKILL"))`;
    await run(id, `mkdir deep; mkfifo deep/pipe; echo 1 > deep/file; bun -e '${socket}'; ls deep`);
    const snapshot = await takeSnapshot(client, id);
    expect(snapshot.skippedCount).toBe(2);
    expect(snapshot.skipped.map(({ path }) => path).toSorted()).toEqual(["deep/pipe", "deep/sock\\et"]);
    for (const { reason } of snapshot.skipped) expect(reason).toMatch(/socket|fifo|pipe/i);
    await restore(id, snapshot.snapshotId);
    expect(await run(id, "ls deep")).toBe("file");
  });

  test("are made of a sleeping session without waking it, and were read back before it slept", async () => {
    const { id } = await newSession(client, SOON);
    await run(id, "echo 1 > a");
    await untilState(client, id, "deep-sleep");
    const [newest] = (await list(id)).snapshots;
    expect(Date.parse(newest?.verifiedAt ?? "")).toBeGreaterThan(0);
    const labelled = await takeSnapshot(client, id, "asleep");
    expect(labelled).toMatchObject({ label: "asleep", treeHash: newest?.treeHash, files: newest?.files });
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    expect((await client.request("DELETE", pathOf(id, labelled.snapshotId))).status).toBe(200);
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    expect(await run(id, "cat a")).toBe("1");
  });

  test("can all be deleted, the newest too, and the session keeps its files", async () => {
    const { id } = await newSession(client, SOON);
    await run(id, "echo 1 > a");
    await takeSnapshot(client, id, "one");
    await untilState(client, id, "deep-sleep");
    for (const { snapshotId } of (await list(id)).snapshots) {
      expect((await client.request("DELETE", pathOf(id, snapshotId))).status).toBe(200);
    }
    expect(await run(id, "cat a")).toBe("1");
  });

  test("made by many calls at once are each a snapshot of its own", async () => {
    const { id } = await newSession(client);
    await run(id, "echo 1 > a");
    const labels = ["a", "b", "c", "d"];
    const made = await Promise.all(labels.map((label) => takeSnapshot(client, id, label)));
    expect(new Set(made.map(({ snapshotId }) => snapshotId)).size).toBe(4);
    expect(new Set((await list(id)).snapshots.map(({ label }) => label))).toEqual(new Set(labels));
  });
});

test("a diff names what was added, removed and changed, in the order of paths", async () => {
  const { id } = await newSession(client, SOON);
  await run(id, "mkdir d; for f in a b c d/x mode time; do echo $f > $f; done; touch -d 2001-01-01 d");
  const one = (await takeSnapshot(client, id, "one")).snapshotId;
  await run(id, "rm a; echo more >> b; echo y > d/y; touch -d 2001-01-01 d; chmod 600 mode; touch time; mkdir ü");
  const two = (await takeSnapshot(client, id, "two")).snapshotId;
  const changes = [
    { path: "a", change: "removed" },
    { path: "b", change: "changed" },
    { path: "d/y", change: "added" },
    { path: "mode", change: "changed" },
    { path: "time", change: "changed" },
    { path: "ü", change: "added" },
  ];
  const ofUser = (answer: SnapshotDiff): unknown[] => answer.changes.filter(({ path }) => !path.startsWith(".buntime"));
  expect(ofUser(await diff(id, one))).toEqual(changes);
  const there = await diff(id, one, `to=${two}`);
  expect(there).toMatchObject({ from: one, to: two });
  expect(there.total).toBe(there.changes.length);
  const inverse = { added: "removed", removed: "added", changed: "changed" } as const;
  expect((await diff(id, two, `to=${one}`)).changes).toEqual(
    there.changes.map(({ path, change }) => ({ path, change: inverse[change] })),
  );
  expect((await diff(id, two, `to=${two}`)).total).toBe(0);
  expect(await diff(id, one, `to=${two}&limit=2&offset=1`)).toMatchObject({
    changes: there.changes.slice(1, 3),
    total: there.total,
  });
  await untilState(client, id, "deep-sleep");
  expect(await diff(id, one, `to=${two}`)).toEqual(there);
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
});

describe("a restore", () => {
  test("puts everything back, ends what ran and says so, and can itself be undone", async () => {
    const { id } = await newSession(client);
    const query = (sql: string): string =>
      `bun -e 'const db = new (require("bun:sqlite").Database)("data.db"); ${sql}; console.log(db.query("select * from t").values().join())'`;
    await run(
      id,
      `${query('db.run("create table t (n)"); db.run("insert into t values (1)")')}; mkdir only-old; echo 1 > a`,
    );
    const { snapshotId } = await takeSnapshot(client, id, "good");
    await run(id, `${query('db.run("insert into t values (2)")')}; rmdir only-old; rm a; mkdir a; echo new > a/b`);
    const server = 'Bun.serve({ port: 8080, fetch: () => new Response("up") })';
    await client.execute({ sessionId: id, code: server });
    const waiting = client.request("POST", "/execute", { json: { sessionId: id, command: "touch begun; sleep 25" } });
    await until("it runs", async () => (await client.request("HEAD", `/sessions/${id}/files/begun`)).status === 200);
    const container = await containerOf(client, id);

    const answer = await restore(id, snapshotId);
    expect(answer).toMatchObject({ snapshotId, path: null });
    expect(ExecuteAnswer.parse(await (await waiting).json())).toMatchObject({ signal: "SIGTERM", timedOut: false });
    expect(await run(id, `${query("")}; cat a; ls`)).toBe("1\n1\na\ndata.db\nonly-old");
    expect(container.isThere()).toBe(false);
    expect((await processesOf(client, id)).ended).toMatchObject({ reason: "restore" });
    const { lastLoss, lastRestore } = await infoOf(client, id);
    expect({ lastLoss, passedOver: lastRestore?.passedOver }).toEqual({ lastLoss: null, passedOver: [] });
    // What was gone back to is the newest snapshot from then on.
    const [newest] = (await list(id)).snapshots;
    expect(newest).toMatchObject({ snapshotId: lastRestore?.snapshotId, reason: "restore" });
    expect(newest?.treeHash).toBe((await get(id, snapshotId)).treeHash);

    const undone = await restore(id, answer.previousSnapshotId);
    expect(await run(id, `${query("")}; cat a/b`)).toBe("1,2\nnew");
    expect(undone.previousSnapshotId).not.toBe(answer.previousSnapshotId);
  });

  test("of a sleeping session works as well, and can be undone", async () => {
    const { id } = await newSession(client, SOON);
    await run(id, "echo old > a");
    const { snapshotId } = await takeSnapshot(client, id, "old");
    await run(id, "echo new > a; touch b");
    await untilState(client, id, "deep-sleep");
    const { previousSnapshotId } = await restore(id, snapshotId);
    expect(await run(id, "cat a; ls")).toBe("old\na");
    await untilState(client, id, "deep-sleep");
    await restore(id, previousSnapshotId);
    expect(await run(id, "cat a; ls")).toBe("new\na\nb");
  });

  test("of one path leaves everything else, and what runs, alone", async () => {
    const { id } = await newSession(client);
    await run(
      id,
      "mkdir -p dir/deep; echo one > dir/deep/a; echo one > 'odd ü name'; echo one > b; touch -d 2001-01-01 b",
    );
    const { snapshotId } = await takeSnapshot(client, id, "one");
    await run(id, "rm -r dir; for f in 'odd ü name' b c; do echo two > \"$f\"; done");
    const { pid } = await client.execute({ sessionId: id, command: "exec sleep 1000", background: true });

    expect(await restore(id, snapshotId, "dir")).toMatchObject({ snapshotId, path: "dir" });
    expect(await run(id, "cat dir/deep/a b c")).toBe("one\ntwo\ntwo");
    await restore(id, snapshotId, "/workspace/odd ü name");
    const { previousSnapshotId } = await restore(id, snapshotId, "b");
    expect(await run(id, "cat odd*; stat -c %y b | cut -c1-10; cat b c")).toBe("one\n2001-01-01\none\ntwo");
    expect((await processesOf(client, id)).processes.map((process) => process.pid)).toContain(pid);
    await restore(id, previousSnapshotId, "b");
    expect(await run(id, "cat b")).toBe("two");
  });

  test("of a path that leads out, or is not in the snapshot, changes nothing", async () => {
    const { id } = await newSession(client);
    await run(id, "echo one > a; ln -s /etc out");
    const { snapshotId } = await takeSnapshot(client, id, "one");
    await run(id, "echo two > a");
    const into = `${pathOf(id, snapshotId)}/restore`;
    for (const path of ["b", "a/b", "out/passwd"]) {
      expect([path, await problem(client, "POST", into, { json: { path } })]).toMatchObject([
        path,
        { status: 404, code: "file_not_found" },
      ]);
    }
    for (const path of ["../x", "/etc/passwd", "a\0b", "", "x".repeat(5000), "a/../../b", 7, null]) {
      expect([path, await problem(client, "POST", into, { json: { path } })]).toMatchObject([
        path,
        { status: 400, code: "invalid_request" },
      ]);
    }
    expect(await run(id, "cat a; ls")).toBe("two\na\nout");
  });
});

describe("hostile input to snapshots", () => {
  const SOMEBODYS = "ses_00000000000000000000";
  const NOTHING = "snp_00000000000000000000";

  test("a session that is not there has no snapshots, whatever is asked", async () => {
    for (const [method, path] of [
      ["GET", pathOf(SOMEBODYS)],
      ["POST", pathOf(SOMEBODYS)],
      ["GET", pathOf(SOMEBODYS, NOTHING)],
      ["DELETE", pathOf(SOMEBODYS, NOTHING)],
      ["POST", `${pathOf(SOMEBODYS, NOTHING)}/restore`],
      ["GET", `${pathOf(SOMEBODYS, NOTHING)}/diff`],
    ] as const) {
      const options = method === "POST" ? { json: {} } : {};
      expect([path, await problem(client, method, path, options)]).toMatchObject([
        path,
        { status: 404, code: "session_not_found" },
      ]);
    }
  });

  test("another session's snapshots are not found, and stay", async () => {
    const [one, other] = [await newSession(client), await newSession(client)];
    await run(one.id, "echo 1 > a");
    await run(other.id, "echo 2 > a");
    const { snapshotId: theirs } = await takeSnapshot(client, one.id, "mine");
    const { snapshotId: mine } = await takeSnapshot(client, other.id, "mine");
    const notFound = { status: 404, code: "snapshot_not_found" };
    const at = pathOf(other.id, theirs);
    expect(await problem(client, "GET", at)).toMatchObject(notFound);
    expect(await problem(client, "DELETE", at)).toMatchObject(notFound);
    expect(await problem(client, "POST", `${at}/restore`, { json: {} })).toMatchObject(notFound);
    expect(await problem(client, "POST", `${at}/restore`, { json: { path: "a" } })).toMatchObject(notFound);
    expect(await problem(client, "GET", `${at}/diff`)).toMatchObject(notFound);
    expect(await problem(client, "GET", `${pathOf(other.id, mine)}/diff?to=${theirs}`)).toMatchObject(notFound);
    expect((await get(one.id, theirs)).label).toBe("mine");
    expect(await run(other.id, "cat a")).toBe("2");
  });

  const shared = sharedSession(client);

  test.each<[string, unknown]>([
    ["an empty label", { label: "" }],
    ["a label of 201 characters", { label: "x".repeat(201) }],
    ["a number for a label", { label: 7 }],
    ["null for a label", { label: null }],
    ["a reason of one's own", { reason: "save" }],
    ["a list", []],
    ["null", null],
    ["a text", "label"],
  ])("a snapshot with %s is refused", async (_, json) => {
    const refused = { status: 400, code: "invalid_request" };
    expect(await problem(client, "POST", pathOf(shared.id), { json })).toMatchObject(refused);
  });

  test("ids and queries that are none are refused", async () => {
    const { id } = shared;
    for (const snapshotId of [
      "snp_",
      "snp_0000000000000000000O",
      `${NOTHING}0`,
      "..",
      "%00",
      "%ff",
      NOTHING.toUpperCase(),
      id,
    ]) {
      for (const [method, path] of [
        ["GET", pathOf(id, snapshotId)],
        ["DELETE", pathOf(id, snapshotId)],
        ["GET", `${pathOf(id, snapshotId)}/diff`],
        ["POST", `${pathOf(id, snapshotId)}/restore`],
      ] as const) {
        const { status } = await problem(client, method, path, method === "POST" ? { json: {} } : {});
        expect([path, [400, 404, 405]]).toEqual([path, expect.arrayContaining([status])]);
      }
    }
    for (const query of ["limit=0", "limit=101", "limit=x", "offset=-1", "limit=1&limit=2"]) {
      expect([query, (await problem(client, "GET", `${pathOf(id)}?${query}`)).code]).toEqual([
        query,
        "invalid_request",
      ]);
    }
    const to = await problem(client, "GET", `${pathOf(id, NOTHING)}/diff?to=newest`);
    expect(to).toMatchObject({ status: 400, code: "invalid_request" });
  });
});
