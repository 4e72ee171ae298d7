// Forks: a session that begins with another one's files, and from then on has nothing to do with it.
import { describe, expect, onTestFinished, test } from "vitest";
import { FileContent } from "../../src/contract/files.ts";
import { Session } from "../../src/contract/session.ts";
import type { Session as SessionView } from "../../src/contract/session.ts";
import { newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { infoOf, SOON, takeSnapshot, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();

async function fork(id: string, body: Record<string, unknown> = {}): Promise<SessionView> {
  const session = await client.ask(Session, "POST", `/sessions/${id}/fork`, body);
  onTestFinished(async () => void (await client.request("DELETE", `/sessions/${session.id}`)));
  return session;
}

const read = async (id: string, path: string): Promise<string> =>
  (await client.ask(FileContent, "GET", `/files/read?sessionId=${id}&path=${path}`)).content;
const run = async (sessionId: string, command: string): Promise<string> =>
  (await client.execute({ sessionId, command })).stdout.trim();
const remove = async (id: string): Promise<void> => {
  expect((await client.request("DELETE", `/sessions/${id}`)).status).toBe(200);
};

const LARGE = "head -c 2000000 /dev/urandom > large.bin; sha256sum large.bin";

describe("a fork", () => {
  test("begins asleep with the files of this moment, and neither changes the other", async () => {
    const services = [{ name: "idler", command: "exec sleep 1000" }];
    const { id } = await newSession(client, { ...SOON, deepSleepAfter: "1h", metadata: { a: 1 }, services });
    const hash = await run(id, `echo one > a.txt; ${LARGE}`);
    const copy = await fork(id);
    expect(copy).toMatchObject({ state: "deep-sleep", name: null, metadata: { a: 1 }, idleAfter: "1s" });
    expect(copy.services).toMatchObject(services);
    expect(copy.id).not.toBe(id);
    expect(await read(copy.id, "a.txt")).toBe("one\n");
    expect((await infoOf(client, copy.id)).state).toBe("deep-sleep");

    expect(await run(copy.id, "sha256sum large.bin; echo two > a.txt; touch b.txt")).toBe(hash);
    expect(await run(id, "cat a.txt; ls b.txt 2>&1 | wc -l; rm a.txt large.bin")).toBe("one\n1");
    expect(await run(copy.id, "cat a.txt; sha256sum large.bin")).toBe(`two\n${hash}`);
  });

  test("has the name, metadata and time to live that are asked for", async () => {
    const { id } = await newSession(client, { metadata: { a: 1 } });
    await run(id, "true");
    const name = `fork-${id.slice(4)}`;
    const copy = await fork(id, { name, metadata: { b: 2 }, ttl: 300 });
    expect(copy).toMatchObject({ name, metadata: { b: 2 } });
    expect(Date.parse(copy.expiresAt) - Date.parse(copy.createdAt)).toBe(300_000);
    expect((await infoOf(client, name)).id).toBe(copy.id);
    expect(await problem(client, "POST", `/sessions/${id}/fork`, { json: { name } })).toMatchObject({
      status: 409,
      code: "conflict",
    });
  });

  test("lives on when its original is deleted, as does a fork of it; and the other way round", async () => {
    const { id } = await newSession(client);
    const hash = await run(id, LARGE);
    const [first, other] = [await fork(id), await fork(id)];
    await remove(other.id);
    expect(await run(id, "sha256sum large.bin")).toBe(hash);
    const second = await fork(first.id);
    await remove(id);
    expect(await run(first.id, "sha256sum large.bin; echo more > more.txt")).toBe(hash);
    const third = await fork(first.id);
    await remove(first.id);
    expect(await run(second.id, "sha256sum large.bin; ls")).toBe(`${hash}\nlarge.bin`);
    expect(await run(third.id, "sha256sum large.bin; cat more.txt")).toBe(`${hash}\nmore`);
  });

  test("of an older snapshot begins with that; of one that sleeps does not wake it", async () => {
    const { id } = await newSession(client, SOON);
    await run(id, "echo old > a.txt");
    const { snapshotId } = await takeSnapshot(client, id, "old");
    await run(id, "echo new > a.txt");
    await untilState(client, id, "deep-sleep");
    expect(await read((await fork(id, { snapshotId })).id, "a.txt")).toBe("old\n");
    const newest = await fork(id);
    expect(await read(newest.id, "a.txt")).toBe("new\n");
    expect((await infoOf(client, id)).state).toBe("deep-sleep");
    // What a fork begins with stays its own, whatever its original keeps.
    expect((await client.request("DELETE", `/sessions/${id}/snapshots/${snapshotId}`)).status).toBe(200);
    expect(await run(newest.id, "cat a.txt")).toBe("new");
  });

  test("of a session whose database is being written has it at one instant", async () => {
    const { id } = await newSession(client);
    const code = `import { Database } from "bun:sqlite";
const db = new Database("busy.db", { create: true });
db.run("pragma journal_mode = wal"); db.run("create table t (n integer, text text)");
for (let n = 0; ; n++) {
  db.transaction(() => { for (let i = 0; i < 10; i++) db.run("insert into t values (?, ?)", [n, "x".repeat(500)]); })();
  if (n === 20) await Bun.write("going", "");
  if (n % 10 === 0) await Bun.sleep(1);
}`;
    await client.execute({ sessionId: id, code, background: true });
    await until("it writes", async () => (await client.request("HEAD", `/sessions/${id}/files/going`)).status === 200);
    const check = `import { Database } from "bun:sqlite";
const db = new Database("busy.db");
const { odd } = db.query("select count(*) as odd from (select n from t group by n having count(*) <> 10)").get();
console.log(db.query("pragma integrity_check").get().integrity_check, odd, db.query("select max(n) >= 20 as far from t").get().far);`;
    for (let round = 0; round < 3; round++) {
      const copy = await fork(id);
      expect(await client.execute({ sessionId: copy.id, code: check })).toMatchObject({ stdout: "ok 0 1\n" });
    }
  });

  test("that is sent again with its Idempotency-Key is the same one", async () => {
    const { id } = await newSession(client);
    await run(id, "echo 1 > a.txt");
    const options = { json: {}, headers: { "idempotency-key": `fork-${id}` } };
    const answers = await Promise.all(
      [1, 2].map(async () => await (await client.request("POST", `/sessions/${id}/fork`, options)).json()),
    );
    const [one, two] = answers.map((answer) => Session.parse(answer));
    expect(two).toEqual(one);
    await client.request("DELETE", `/sessions/${one?.id}`);
  });
});

describe("hostile input to a fork", () => {
  const shared = sharedSession(client);

  test.each<[string, unknown]>([
    ["half a snapshot id", { snapshotId: "snp_" }],
    ["a path for a snapshot id", { snapshotId: "../snp_00000000000000000000" }],
    ["null for a snapshot id", { snapshotId: null }],
    ["too short a life", { ttl: 299 }],
    ["too long a life", { ttl: 604_801 }],
    ["an id for a name", { name: "ses_mine" }],
    ["a null byte in its name", { name: "a\0" }],
    ["17 KB of metadata", { metadata: { big: "x".repeat(17_000) } }],
    ["a repository", { repositoryId: "ses_00000000000000000000" }],
    ["another origin", { forkOf: { sessionId: "ses_00000000000000000000" } }],
    ["a list", []],
    ["null", null],
  ])("with %s is refused", async (_, json) => {
    const refused = { status: 400, code: "invalid_request" };
    expect(await problem(client, "POST", `/sessions/${shared.id}/fork`, { json })).toMatchObject(refused);
  });

  test("a session that is not there, and another session's snapshot, are not found", async () => {
    const [one, other] = [await newSession(client), await newSession(client)];
    await run(one.id, "true");
    const { snapshotId } = await takeSnapshot(client, one.id, "mine");
    const notFound = { status: 404, code: "snapshot_not_found" };
    expect(await problem(client, "POST", `/sessions/${other.id}/fork`, { json: { snapshotId } })).toMatchObject(
      notFound,
    );
    const nothing = { snapshotId: "snp_00000000000000000000" };
    expect(await problem(client, "POST", `/sessions/${one.id}/fork`, { json: nothing })).toMatchObject(notFound);
    const nobody = "/sessions/ses_00000000000000000000/fork";
    expect(await problem(client, "POST", nobody, { json: {} })).toMatchObject({
      status: 404,
      code: "session_not_found",
    });
  });
});
