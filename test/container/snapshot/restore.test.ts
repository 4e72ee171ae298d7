// Restoring by the real supervisor: every kind of file comes back bit for bit, or the workspace stays as it was.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { SLOW_MS, startSupervisor, type TestSupervisor } from "../process/harness.ts";
import { until } from "../../support/until.ts";
import { archiveOf, type SavedEntry } from "./restore-archive.ts";
import { beginRestore, putPack, restore } from "./restore-client.ts";
import { blocksOf, expected, lookAt } from "./restore-tree.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());

const text = (content: string): Uint8Array => Buffer.from(content);
const file = (path: string, content: string | Uint8Array, mode = 0o644, mtimeNs = 1_700_000_000_123_456_789n) =>
  ({
    type: "file",
    path,
    mode,
    mtimeNs,
    extents: content.length === 0 ? [] : [typeof content === "string" ? text(content) : content],
  }) satisfies SavedEntry;
const directory = (path: string, mode = 0o755, mtimeNs = 1_600_000_000_000_000_001n) =>
  ({ type: "directory", path, mode, mtimeNs }) satisfies SavedEntry;

test("every kind of entry comes back with its name, mode, time and content", async () => {
  const entries: SavedEntry[] = [
    file(".hidden", "h"),
    directory("a"),
    directory("a/closed", 0o000),
    file("a/closed/secret", "s", 0o000),
    directory("a/empty", 0o1777),
    file("a-b", "sorts before what is in a", 0o4755),
    file("a/set-group", "g", 0o2711),
    { type: "hardlink", path: "a/zweitname", target: "a-b" },
    { type: "symlink", path: "dangling", mtimeNs: 5n, target: "\xff nowhere\n" },
    file("empty", "", 0o600, -1_500_000_000n),
    file("large", crypto.getRandomValues(new Uint8Array(40_000)), 0o444, 1n),
    file("line\nbreak", "n"),
    file(`${"x".repeat(250)}.long`, "l", 0o777, 4_102_444_800_999_999_999n),
    file("\xc3\xa4 and \xff", "bytes"),
  ];
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  const done = await restore(supervisor, archiveOf(entries, { frameBytes: 8192, packBytes: 16_384 }));
  expect(done.files).toBe(9);
  expect(lookAt(supervisor.workspace)).toEqual(expected(entries));
  expect(statSync(`${supervisor.workspace}/a-b`).uid).toBe(supervisor.uid);
  expect(statSync(`${supervisor.workspace}/a/empty`).uid).toBe(supervisor.uid);
});

test(
  "a hole stays one, also in a file of more than four gigabytes",
  async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(5000));
    const entries: SavedEntry[] = [
      { type: "file", path: "huge", mode: 0o640, mtimeNs: 7n, extents: [bytes, 5 * 2 ** 30, bytes] },
      { type: "file", path: "only-hole", mode: 0o600, mtimeNs: 8n, extents: [1_000_000] },
      { type: "file", path: "trailing", mode: 0o600, mtimeNs: 9n, extents: [4096, bytes, 1_000_000] },
    ];
    await restore(supervisor, archiveOf(entries));
    const { workspace } = supervisor;
    expect(statSync(`${workspace}/huge`).size).toBe(5 * 2 ** 30 + 10_000);
    expect(
      Buffer.from(
        await Bun.file(`${workspace}/huge`)
          .slice(5 * 2 ** 30 + 5000)
          .bytes(),
      ),
    ).toEqual(Buffer.from(bytes));
    expect(blocksOf(workspace, "huge")).toBeLessThan(64);
    expect(blocksOf(workspace, "only-hole")).toBe(0);
    expect(readFileSync(`${workspace}/trailing`)).toEqual(
      Buffer.concat([Buffer.alloc(4096), bytes, Buffer.alloc(1_000_000)]),
    );
  },
  SLOW_MS,
);

test("an empty snapshot leaves an empty workspace", async () => {
  await restore(supervisor, archiveOf([file("a", "a"), directory("d", 0o000)]));
  expect(await restore(supervisor, archiveOf([]))).toEqual({ files: 0, sizeBytes: 0 });
  expect(lookAt(supervisor.workspace)).toEqual([]);
});

test("what was replaced is deleted, and so is a restore that was never finished", async () => {
  await restore(supervisor, archiveOf([file("old", "x"), directory("closed", 0o000)]));
  const unfinished = archiveOf([file("never", "y")]);
  await (await beginRestore(supervisor, unfinished)).json();
  await restore(supervisor, archiveOf([file("new", "z")]));
  await until(
    "only the new tree is left",
    () => readdirSync(supervisor.workspace).toSorted().join() === ".buntime,new",
  );
});

test("a single file is restored, and nothing else is touched", async () => {
  const saved = archiveOf([
    directory("src"),
    file("src/a", "saved a"),
    file("src/b", "saved b"),
    file("top", "saved top"),
  ]);
  await restore(supervisor, saved);
  for (const name of ["src/a", "src/b", "top"]) writeFileSync(`${supervisor.workspace}/${name}`, "changed");
  expect(await restore(supervisor, saved, "src/a")).toEqual({ files: 1, sizeBytes: 7 });
  expect(readFileSync(`${supervisor.workspace}/src/a`, "utf8")).toBe("saved a");
  expect(readFileSync(`${supervisor.workspace}/src/b`, "utf8")).toBe("changed");
  expect(readFileSync(`${supervisor.workspace}/top`, "utf8")).toBe("changed");
});

test("a single directory is replaced as a whole; parents that are gone are made", async () => {
  const entries = [
    directory("x"),
    directory("x/y"),
    file("x/y/a", "saved", 0o600),
    { type: "hardlink" as const, path: "x/y/b", target: "x/y/a" },
    file("z", "z"),
  ];
  const saved = archiveOf(entries);
  await restore(supervisor, archiveOf([file("z", "kept")]));
  await restore(supervisor, saved, "x/y");
  writeFileSync(`${supervisor.workspace}/x/y/extra`, "extra");
  await restore(supervisor, saved, "x/y");
  expect(readdirSync(`${supervisor.workspace}/x/y`).toSorted()).toEqual(["a", "b"]);
  expect(statSync(`${supervisor.workspace}/x`).uid).toBe(supervisor.uid);
  expect(readFileSync(`${supervisor.workspace}/z`, "utf8")).toBe("kept");
  await until("nothing is left behind", () => readdirSync(supervisor.workspace).toSorted().join() === ".buntime,x,z");
});

test("a further name of a file that is not restored becomes a file of its own", async () => {
  const saved = archiveOf([
    file("a", "content", 0o640),
    directory("d"),
    { type: "hardlink", path: "d/one", target: "a" },
    { type: "hardlink", path: "d/two", target: "a" },
  ]);
  await restore(supervisor, archiveOf([]));
  await restore(supervisor, saved, "d");
  expect(lookAt(supervisor.workspace).map(({ path, type }) => `${type} ${path}`)).toEqual([
    "directory d",
    "file d/one",
    "hardlink d/two",
  ]);
  expect(readFileSync(`${supervisor.workspace}/d/two`, "utf8")).toBe("content");
});

test("a path that is not in the snapshot is file_not_found, and a file in the way of its parents a conflict", async () => {
  const saved = archiveOf([directory("d"), file("d/a", "a")]);
  await restore(supervisor, archiveOf([file("d", "a file now")]));
  const unknown = await beginRestore(supervisor, saved, "d/b");
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: "file_not_found" } }]);
  await beginRestore(supervisor, saved, "d/a");
  for (const [id, bytes] of saved.packs) await putPack(supervisor, id, bytes);
  const blocked = await supervisor.fetch("/restore/finish", { method: "POST" });
  expect([blocked.status, await blocked.json()]).toMatchObject([409, { error: { code: "conflict" } }]);
  expect(readFileSync(`${supervisor.workspace}/d`, "utf8")).toBe("a file now");
});

test("a workspace may be larger than the session's disk, and its programs run", async () => {
  await using small = await startSupervisor({ diskMb: 4 });
  await restore(small, archiveOf([file("big", crypto.getRandomValues(new Uint8Array(8 * 1024 * 1024)))]));
  const { stdout, signal } = await small.execute({
    command: "i=0; while [ $i -lt 8 ]; do sleep 0.1; i=$((i+1)); done; rm big; echo fine",
  });
  expect([stdout, signal]).toEqual(["fine\n", null]);
});

const names = fc.constantFrom("a", "b", "c", ".x", "\xff\xfe", "ä b", "n\nl", "z".repeat(255));
const moment = fc.bigInt({ min: -1_000_000_000_000_000_000n, max: 4_000_000_000_000_000_000n });
const mode = fc.integer({ min: 0, max: 0o777 });
const extents = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3000 }) },
    fc.integer({ min: 1, max: 20 }).map((pages) => pages * 4096),
  ),
  { maxLength: 4 },
);
const leaf = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("file" as const), mode, moment, extents }) },
  fc.record({
    kind: fc.constant("symlink" as const),
    moment,
    target: fc.constantFrom("a", "../..", "/etc/passwd", "\xfe"),
  }),
  fc.record({ kind: fc.constant("hardlink" as const) }),
  fc.record({ kind: fc.constant("directory" as const), mode, moment }),
);

/** A tree from any list of paths and what shall be there: parents are directories, the first one at a path wins. */
const tree = fc
  .array(fc.tuple(fc.array(names, { minLength: 1, maxLength: 4 }), leaf), { maxLength: 25 })
  .map((wishes) => {
    const entries = new Map<string, SavedEntry>();
    for (const [parts, wish] of wishes) {
      const path = parts.join("/");
      const parents = parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join("/"));
      if (entries.has(path) || parents.some((parent) => (entries.get(parent)?.type ?? "directory") !== "directory"))
        continue;
      for (const parent of parents) if (!entries.has(parent)) entries.set(parent, directory(parent));
      if (wish.kind === "hardlink") entries.set(path, { type: "hardlink", path, target: "" });
      else if (wish.kind === "symlink")
        entries.set(path, { type: "symlink", path, mtimeNs: wish.moment, target: wish.target });
      else if (wish.kind === "directory") entries.set(path, directory(path, wish.mode, wish.moment));
      else entries.set(path, { type: "file", path, mode: wish.mode, mtimeNs: wish.moment, extents: wish.extents });
    }
    const sorted = [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    // A hard link names the first file before it.
    return sorted.flatMap((entry, at): SavedEntry[] => {
      if (entry.type !== "hardlink") return [entry];
      const target = sorted.slice(0, at).find(({ type }) => type === "file");
      return target === undefined ? [] : [{ ...entry, target: target.path }];
    });
  });

test("any tree comes back bit for bit, in whatever order its packs arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      tree,
      fc.constantFrom(64, 1000, 256 * 1024),
      fc.constantFrom(100, 5000, 8_000_000),
      async (entries, frameBytes, packBytes) => {
        await restore(supervisor, archiveOf(entries, { frameBytes, packBytes }));
        expect(lookAt(supervisor.workspace)).toEqual(expected(entries));
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
