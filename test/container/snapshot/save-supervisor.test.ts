import { afterAll, beforeAll, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { decodeRoot } from "../../../src/lib/manifest.ts";
import type { Root } from "../../../src/contract/manifest.ts";
import { OBJECT_HEADER, ROOT_HEADER, type SnapshotBegun } from "../../../src/contract/supervisor.ts";
import { until } from "../../support/until.ts";
import { refusalOf, SLOW_MS, startSupervisor, type TestSupervisor } from "../process/harness.ts";
import { Saver } from "./saver.ts";

let supervisor: TestSupervisor;
const store = new Map<string, Uint8Array>();

beforeAll(async () => {
  supervisor = await startSupervisor();
});

afterAll(async () => {
  await supervisor[Symbol.asyncDispose]();
});

async function begin(base: string | null): Promise<SnapshotBegun> {
  return supervisor.json("/snapshot", { method: "POST", body: JSON.stringify({ base, avoid: [] }) });
}

/** As the session does it: two at a time. */
async function take(base: string | null): Promise<{ digest: string; root: Root }> {
  expect(await begin(base)).toEqual({ needsBase: false });
  let digest = "";
  const pull = async (): Promise<void> => {
    for (;;) {
      const response = await supervisor.fetch("/snapshot/next", { method: "POST" });
      expect(response.status).toBe(200);
      if (!response.headers.has(OBJECT_HEADER)) return;
      const name = response.headers.get(OBJECT_HEADER) ?? "";
      const bytes = await response.bytes();
      expect(Number(response.headers.get("content-length"))).toBe(bytes.length);
      store.set(name, bytes);
      if (response.headers.has(ROOT_HEADER)) digest = name;
    }
  };
  await Promise.all([pull(), pull()]);
  await supervisor.json("/snapshot/commit", { method: "POST", body: JSON.stringify({ root: digest }) });
  return { digest, root: decodeRoot(store.get(digest) ?? new Uint8Array()) };
}

const WRITER = `
import { Database } from "bun:sqlite";
const database = new Database("data.sqlite");
database.run("PRAGMA journal_mode = WAL");
database.run("CREATE TABLE pairs (id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
const insert = database.prepare("INSERT INTO pairs (a, b) VALUES (?1, ?1)");
for (let at = 0; ; at++) {
  database.transaction(() => { for (let row = 0; row < 20; row++) insert.run(crypto.randomUUID()); })();
  if (at === 20) await Bun.write("ready", "");
  if (at % 50 === 0) await Bun.sleep(1);
}
`;

test(
  "a database that is written all the time is whole in every snapshot, and its writer goes on",
  async () => {
    using reader = new Saver({}, store);
    const { pid } = await supervisor.execute({ code: WRITER, background: true });
    await until("the database is written", () => Bun.file(`${supervisor.workspace}/ready`).exists());
    let base: string | null = null;
    const counts: number[] = [];
    const written = (): number => statSync(`${supervisor.workspace}/data.sqlite-wal`).mtimeMs;
    for (let round = 0; round < 8; round++) {
      const before = written();
      await until("it is written", () => written() > before);
      const { digest, root } = await take(base);
      base = digest;
      const directory = mkdtempSync(`${tmpdir()}/buntime-database-`);
      for (const node of reader.nodes(root)) {
        if (node.path.startsWith("data.sqlite")) writeFileSync(`${directory}/${node.path}`, reader.contents(node));
      }
      using database = new Database(`${directory}/data.sqlite`);
      expect(database.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
      expect(database.query("SELECT count(*) FROM pairs WHERE a <> b").values()).toEqual([[0]]);
      const [[rows = 0] = []] = database.query<unknown, []>("SELECT count(*) FROM pairs").values() as number[][];
      expect(rows % 20).toBe(0);
      counts.push(rows);
      rmSync(directory, { recursive: true });
    }
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBeGreaterThan(counts[0] ?? 0);
    expect((await supervisor.kill({ pid: pid ?? 0 })).killed).toBe(1);
  },
  SLOW_MS,
);

test("the records of executions are in it, and what is only of the moment is not", async () => {
  using reader = new Saver({}, store);
  const { executionId } = await supervisor.execute({ command: "echo kept" });
  const { root } = await take(null);
  const nodes = reader.nodes(root);
  const paths = nodes.map(({ path }) => path);
  const records = nodes.filter(({ type, path }) => type === "file" && path.startsWith(".buntime/executions/"));
  expect(records.map((node) => Buffer.from(reader.contents(node)).toString()).join("")).toContain(executionId);
  expect(paths).toContain(".buntime/install");
  expect(paths.filter((path) => /^\.buntime\/(processes|sources)/.test(path))).toEqual([]);
});

test("what is asked for in the wrong order is refused, and changes nothing", async () => {
  await supervisor.fetch("/snapshot", { method: "DELETE" });
  const refused = async (method: string, path: string, body: string | null = null) =>
    (await refusalOf(await supervisor.fetch(path, { method, body }))).error.code;
  expect(await refused("POST", "/snapshot/next")).toBe("conflict");
  expect(await refused("PUT", "/snapshot/base", "nothing")).toBe("conflict");
  expect(await refused("POST", "/snapshot/commit", `{"root":"${"0".repeat(64)}"}`)).toBe("conflict");
  expect(await refused("GET", "/snapshot")).toBe("method_not_allowed");
  expect(await begin("0".repeat(64))).toEqual({ needsBase: true });
  expect(await refused("PUT", "/snapshot/base", "nothing")).toBe("conflict");
  expect(await refused("POST", "/snapshot/next")).toBe("conflict");
  await take(null);
});

test("a session that goes away in the middle leaves nobody stopped", async () => {
  const { pid } = await supervisor.execute({
    command: "i=0; while true; do i=$((i+1)); echo $i > counter; sleep 0.01; done",
    background: true,
  });
  const counter = (): number => Number(readFileSync(`${supervisor.workspace}/counter`, "utf8"));
  await until("it counts", () => Bun.file(`${supervisor.workspace}/counter`).exists());
  await begin(null);
  await supervisor.fetch("/snapshot/next", { method: "POST" });
  const before = counter();
  await until("it goes on counting", () => counter() > before + 3);
  await supervisor.kill({ pid: pid ?? 0 });
});
