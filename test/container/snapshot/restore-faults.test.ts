// What is damaged, cut off, hostile or interrupted leaves the workspace as it was.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import * as fc from "fast-check";
import type { Piece, TreeNode } from "../../../src/contract/manifest.ts";
import { until } from "../../support/until.ts";
import { isRoot, refusalOf, SLOW_MS, startSupervisor, type TestSupervisor } from "../process/harness.ts";
import { archiveOf, archiveOfNodes, type Archive, type SavedEntry } from "./restore-archive.ts";
import { beginRestore, bytesOf, putPack, refusedRestore, restore } from "./restore-client.ts";
import { expected, lookAt, type Seen } from "./restore-tree.ts";

let supervisor: TestSupervisor;
let before: Seen[];
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());

const time = 1_700_000_000_123_456_789n;
const entries: SavedEntry[] = [
  { type: "directory", path: "d", mode: 0o755, mtimeNs: time },
  { type: "file", path: "d/a", mode: 0o644, mtimeNs: time, extents: [Buffer.from("the first file, of some text")] },
  { type: "file", path: "d/b", mode: 0o644, mtimeNs: time, extents: [crypto.getRandomValues(new Uint8Array(700))] },
  { type: "symlink", path: "d/l", mtimeNs: time, target: "a" },
];
const sound = archiveOf(entries, { frameBytes: 256 });

beforeEach(async () => {
  await restore(
    supervisor,
    archiveOf([{ type: "file", path: "kept", mode: 0o600, mtimeNs: time, extents: [Buffer.from("as it was")] }]),
  );
  before = lookAt(supervisor.workspace);
});

function expectUntouched(): void {
  expect(lookAt(supervisor.workspace)).toEqual(before);
}

async function untilOnly(names: string): Promise<void> {
  await until(`only ${names} are left`, () => readdirSync(supervisor.workspace).toSorted().join() === names);
}

test(
  "every damaged byte of a file's contents is noticed, and the pack is named",
  async () => {
    const [pack, bytes] = packOfFiles(sound);
    // Before the segments, which the bundle holds as well: those are not read from the pack.
    const end = Math.min(
      ...sound.root.segments.filter((ref) => ref.pack === pack).map(({ offset }) => offset),
      bytes.length,
    );
    let harmless = 0;
    for (let at = 0; at < end; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      await beginRestore(supervisor, sound);
      const answer = await putPack(supervisor, pack, damaged);
      if (answer.ok) {
        // A bit of a frame's header that changes nothing of what it unpacks to.
        await supervisor.json("/restore/finish", { method: "POST" });
        expect(lookAt(supervisor.workspace)).toEqual(expected(entries));
        harmless++;
        await restore(
          supervisor,
          archiveOf([{ type: "file", path: "kept", mode: 0o600, mtimeNs: time, extents: [Buffer.from("as it was")] }]),
        );
        continue;
      }
      expect(await refusalOf(answer)).toMatchObject({ status: 409, error: { code: "conflict", details: { pack } } });
      expect(await refusalOf(await supervisor.fetch("/restore/finish", { method: "POST" }))).toMatchObject({
        status: 409,
      });
    }
    expect(harmless).toBeLessThan(end / 20);
    expectUntouched();
    await untilOnly(".buntime,kept");
  },
  SLOW_MS * 3,
);

test(
  "every damaged byte of a segment is noticed, and the pack that holds it is named",
  async () => {
    const [segment] = sound.root.segments;
    if (segment === undefined) throw new Error("no segment");
    for (let at = sound.bundle.length - segment.length; at < sound.bundle.length; at++) {
      const bundle = sound.bundle.slice();
      bundle[at] = (bundle[at] ?? 0) ^ 0x10;
      const answer = await beginRestore(supervisor, { ...sound, bundle });
      // A zstd header has a bit or two that change nothing.
      if (!answer.ok) {
        expect(await refusalOf(answer)).toMatchObject({
          status: 409,
          error: { code: "conflict", details: { pack: segment.pack } },
        });
      }
    }
    expectUntouched();
  },
  SLOW_MS,
);

test(
  "a manifest of any bytes is refused or restored, and never a failure of the supervisor",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(sound.bundle.length), async (noise, at) => {
        const bundle = sound.bundle.slice();
        bundle.set(noise.subarray(0, Math.max(0, bundle.length - at)), at);
        for (const body of [new Uint8Array(noise), bundle]) {
          const answer = await beginRestore(supervisor, { ...sound, bundle: body });
          expect([200, 409]).toContain(answer.status);
        }
      }),
      { numRuns: 100 },
    );
    expectUntouched();
  },
  SLOW_MS,
);

test("a pack that is too short or too long is refused by its name", async () => {
  const [pack, bytes] = packOfFiles(sound);
  for (const wrong of [bytes.slice(0, -1), bytes.slice(0, 10), new Uint8Array(), new Uint8Array([...bytes, 0])]) {
    await beginRestore(supervisor, sound);
    expect(await refusalOf(await putPack(supervisor, pack, wrong))).toMatchObject({
      status: 409,
      error: { details: { pack } },
    });
  }
  expectUntouched();
});

test("a restore that lacks a pack, or was never begun, cannot be finished", async () => {
  await beginRestore(supervisor, sound);
  const [pack, bytes] = packOfFiles(sound);
  expect(await refusalOf(await supervisor.fetch("/restore/finish", { method: "POST" }))).toMatchObject({
    status: 409,
    error: { code: "conflict", details: { packs: [pack] } },
  });
  expectUntouched();
  // It goes on where it was.
  expect((await putPack(supervisor, pack, bytes)).status).toBe(200);
  expect((await supervisor.fetch("/restore/finish", { method: "POST" })).status).toBe(200);
  expect(await refusalOf(await supervisor.fetch("/restore/finish", { method: "POST" }))).toMatchObject({ status: 409 });
  expect(await refusalOf(await putPack(supervisor, pack, bytes))).toMatchObject({ status: 409 });
  expect(lookAt(supervisor.workspace)).toEqual(expected(entries));
});

test("a pack whose connection broke is put again, and the restore is whole", async () => {
  const large = archiveOf([
    {
      type: "file",
      path: "large",
      mode: 0o600,
      mtimeNs: time,
      extents: [crypto.getRandomValues(new Uint8Array(3_000_000))],
    },
  ]);
  const [pack, bytes] = packOfFiles(large);
  await beginRestore(supervisor, large);
  const socket = connect(supervisor.port, "127.0.0.1");
  const head = `PUT /restore/${pack} HTTP/1.1\r\nhost: supervisor\r\nauthorization: Bearer ${supervisor.token}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  socket.write(head);
  socket.write(bytes.subarray(0, bytes.length / 2), () => socket.destroy());
  await until("the socket is closed", () => socket.destroyed);
  expectUntouched();
  await until("the broken put is over, and the pack put again", async () => {
    const answer = await putPack(supervisor, pack, bytes);
    return answer.ok;
  });
  await until(
    "nothing is being put any more",
    async () => (await supervisor.fetch("/restore/finish", { method: "POST" })).ok,
  );
  expect(readFileSync(`${supervisor.workspace}/large`).length).toBe(3_000_000);
});

test("a supervisor that dies in the middle leaves the workspace as it was, and the next one cleans up", async () => {
  await beginRestore(supervisor, sound);
  const [pack, bytes] = packOfFiles(sound);
  await putPack(supervisor, pack, bytes);
  await supervisor.stop("SIGKILL");
  await supervisor.start();
  expectUntouched();
  await untilOnly(".buntime,kept");
  expect(await refusalOf(await supervisor.fetch("/restore/finish", { method: "POST" }))).toMatchObject({ status: 409 });
});

test("a supervisor that dies while names change places leaves it to the next one, which goes on", async () => {
  for (const moved of [".out", ".in"]) {
    await restore(
      supervisor,
      archiveOf(
        ["a", "b", "c"].map((path) => ({
          type: "file",
          path,
          mode: 0o600,
          mtimeNs: time,
          extents: [Buffer.from("old")],
        })),
      ),
    );
    await untilOnly(".buntime,a,b,c");
    await supervisor.stop("SIGKILL");
    const { workspace } = supervisor;
    const place = `${workspace}/.buntime-restore-${"0".repeat(32)}${moved}`;
    for (const path of [place, `${place}/new`, `${place}/old`]) mkdirSync(path, { mode: 0o700 });
    for (const name of ["b", "new"]) writeFileSync(`${place}/new/${name}`, "new");
    renameSync(`${workspace}/a`, `${place}/old/a`);
    if (moved === ".in") {
      for (const name of ["b", "c", ".buntime"]) renameSync(`${workspace}/${name}`, `${place}/old/${name}`);
      renameSync(`${place}/new/b`, `${workspace}/b`);
    }
    await supervisor.start();
    await untilOnly(".buntime,b,new");
    expect(readFileSync(`${workspace}/b`, "utf8")).toBe("new");
  }
});

test.if(isRoot)("a directory that user code has given such a name is not believed", async () => {
  await supervisor.stop("SIGKILL");
  const name = `.buntime-restore-${"f".repeat(32)}.out`;
  const child = Bun.spawn(["sh", "-c", `mkdir -m 700 ${name} && ln -s /etc ${name}/new && mkdir ${name}/old`], {
    cwd: supervisor.workspace,
    uid: supervisor.uid,
  });
  await child.exited;
  await supervisor.start();
  expect(lookAt(supervisor.workspace)).toEqual(before);
  expect(existsSync(`${supervisor.workspace}/${name}`)).toBe(true);
  expect(existsSync("/etc/passwd")).toBe(true);
  await Bun.spawn(["rm", "-rf", `${supervisor.workspace}/${name}`]).exited;
});

test("no manifest writes outside of the workspace", async () => {
  const outside = `${supervisor.workspace}-outside`;
  mkdirSync(outside);
  chmodSync(outside, 0o777);
  const [first] = packOfFiles(sound);
  const contents = sound.root.segments.length > 0 ? pieceOf(sound) : null;
  if (contents === null) throw new Error("no piece");
  const evil = (path: string): TreeNode => ({
    type: "file",
    path,
    mode: 0o644,
    mtimeNs: time,
    size: contents.size,
    pieces: [contents],
  });
  const hole = (path: string): TreeNode => ({
    type: "file",
    path,
    mode: 0o644,
    mtimeNs: time,
    size: 3,
    pieces: [{ hole: 3 }],
  });
  const link = (path: string, target: string): TreeNode => ({ type: "symlink", path, mtimeNs: time, target });
  const name = outside.split("/").at(-1) ?? "";
  const hostile: TreeNode[][] = [
    [hole(`../${name}/x`)],
    [hole(`${outside}/x`)],
    [{ type: "directory", path: "a", mode: 0o755, mtimeNs: time }, hole(`a/../../${name}/x`)],
    [link("a", outside), hole("a/x")],
    [link("a", outside), { type: "directory", path: "a", mode: 0o755, mtimeNs: time }, hole("a/x")],
    [{ type: "directory", path: "a", mode: 0o755, mtimeNs: time }, link("a", outside), hole("a/x")],
    [link("a", outside), { type: "directory", path: "a/d", mode: 0o755, mtimeNs: time }],
    [link("a", outside), link("a/x", "y")],
    [{ type: "hardlink", path: "h", target: "../../etc/passwd" }],
    [link("a", "/etc/passwd"), { type: "hardlink", path: "h", target: "a" }],
    // Characters of more than a byte, whose last byte is a dot or a slash.
    [hole(`\u012e\u012e/${name}/x`)],
    [hole(`\u012e\u012e\u012f${name}\u012fx`)],
    [hole("x"), hole("x")],
    [evil("a"), hole("b/c")],
  ];
  for (const nodes of hostile) {
    const refused = await refusedRestore(supervisor, archiveOfNodes(nodes));
    expect([nodes, refused.status, refused.error.code]).toEqual([nodes, 409, "conflict"]);
  }
  expect(first).toHaveLength(64);
  expect(readdirSync(outside)).toEqual([]);
  expectUntouched();
  await Bun.spawn(["rm", "-rf", outside]).exited;
});

function packOfFiles(archive: Archive): [string, Uint8Array<ArrayBuffer>] {
  const [pack] = archive.packs.keys();
  if (pack === undefined) throw new Error("no pack");
  return [pack, bytesOf(archive, pack)];
}

function pieceOf(archive: Archive): Piece {
  const [pack] = packOfFiles(archive);
  return { pack, offset: 0, length: 10, start: 0, size: 5, digest: "0".repeat(64) };
}
