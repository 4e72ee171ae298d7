// A restore in the midst of a session: what runs, what is recorded, and what an execution is told it wrote.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { newId } from "../../../src/contract/ids.ts";
import { ROOT_HEADER } from "../../../src/contract/supervisor.ts";
import { newExecutionRecord } from "../../../src/lib/execution-record.ts";
import { decodeRoot } from "../../../src/lib/manifest.ts";
import { until } from "../../support/until.ts";
import { isRoot, SLOW_MS, startSupervisor, type TestSupervisor } from "../process/harness.ts";
import { archiveOf, sha256, type SavedEntry } from "./restore-archive.ts";
import { refusedRestore, restore } from "./restore-client.ts";

const mtimeNs = 1_700_000_000_000_000_000n;
const file = (path: string, content: string): SavedEntry => ({
  type: "file",
  path,
  mode: 0o644,
  mtimeNs,
  extents: [Buffer.from(content)],
});
const directory = (path: string): SavedEntry => ({ type: "directory", path, mode: 0o755, mtimeNs });
const saved = archiveOf([directory("src"), directory("src/deep"), file("src/deep/a", "saved"), file("top", "saved")]);

/** A server that would live for ever, and says in a file that it does. */
function inBackground(supervisor: TestSupervisor): Promise<unknown> {
  return supervisor.execute({ command: "while :; do date +%N > ticks; sleep 0.01; done", background: true });
}

test("records come from the snapshot; what ran when it was taken has an unknown end", async () => {
  await using supervisor = await startSupervisor();
  const [running, finished] = [newId("exe"), newId("exe")];
  const start = { command: "sleep 1", code: undefined, workingDir: "/workspace", startedAt: Date.now() };
  const records = [
    newExecutionRecord({ ...start, executionId: running }),
    { ...newExecutionRecord({ ...start, executionId: finished }), outcome: "exited", exitCode: 7 },
  ];
  const journal = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const { executionId: forgotten } = await supervisor.execute({ command: "true" });
  await restore(
    supervisor,
    archiveOf([
      directory(".buntime"),
      directory(".buntime/executions"),
      file(".buntime/executions/records-000003.jsonl", journal),
      directory(".buntime/home"),
      file(".buntime/home/theirs", "x"),
    ]),
  );
  expect(await supervisor.record(running)).toMatchObject({ outcome: "unknown" });
  expect(await supervisor.record(finished)).toMatchObject({ outcome: "exited", exitCode: 7 });
  expect((await supervisor.fetch(`/executions/${forgotten}`)).status).toBe(404);
  const { executionId, stdout } = await supervisor.execute({ command: "echo new" });
  expect([stdout, (await supervisor.record(executionId)).outcome]).toEqual(["new\n", "exited"]);
  const own = `${supervisor.workspace}/.buntime`;
  expect(readdirSync(`${own}/executions`)).toContain("records-000004.jsonl");
  if (!isRoot) return;
  const owners = [
    own,
    `${own}/executions`,
    `${own}/executions/records-000003.jsonl`,
    `${own}/home`,
    `${own}/home/theirs`,
  ];
  expect(owners.map((path) => statSync(path).uid)).toEqual([0, 0, 0, supervisor.uid, supervisor.uid]);
  await supervisor.stop("SIGKILL");
  await supervisor.start();
  expect(await supervisor.record(executionId)).toMatchObject({ outcome: "exited" });
});

test("restoring everything ends what runs in the background", async () => {
  await using supervisor = await startSupervisor();
  await inBackground(supervisor);
  await restore(supervisor, saved);
  expect(await supervisor.processes()).toEqual([]);
  expect(existsSync(`${supervisor.workspace}/ticks`)).toBe(false);
});

test("restoring everything ends what is frozen", async () => {
  await using supervisor = await startSupervisor();
  await inBackground(supervisor);
  await supervisor.json("/freeze", { method: "POST" });
  await restore(supervisor, saved);
  expect(await supervisor.processes()).toEqual([]);
  expect((await supervisor.execute({ command: "cat top" })).stdout).toBe("saved");
});

test("a restore is refused while somebody waits for an execution, which goes on; later it can be finished", async () => {
  await using supervisor = await startSupervisor();
  const waiting = supervisor.execute({
    command: "touch started; while [ ! -e go ]; do sleep 0.01; done; echo went on",
  });
  await until("it runs", () => existsSync(`${supervisor.workspace}/started`));
  expect(await refusedRestore(supervisor, saved)).toMatchObject({ status: 409, error: { code: "conflict" } });
  await supervisor.post("/files/write", { files: [{ path: "go", content: "" }] });
  expect((await waiting).stdout).toBe("went on\n");
  await supervisor.json("/restore/finish", { method: "POST" });
  expect(readFileSync(`${supervisor.workspace}/top`, "utf8")).toBe("saved");
  expect(existsSync(`${supervisor.workspace}/started`)).toBe(false);
});

test("restoring one path leaves running processes alone", async () => {
  await using supervisor = await startSupervisor();
  await inBackground(supervisor);
  await restore(supervisor, saved, "src/deep/a");
  expect(readFileSync(`${supervisor.workspace}/src/deep/a`, "utf8")).toBe("saved");
  expect(await supervisor.processes()).not.toEqual([]);
  const before = readFileSync(`${supervisor.workspace}/ticks`, "utf8");
  await until("it goes on", () => readFileSync(`${supervisor.workspace}/ticks`, "utf8") !== before);
});

test("after a restore an execution is still told what it wrote, and nothing that the restore wrote", async () => {
  await using supervisor = await startSupervisor();
  await supervisor.execute({ command: "mkdir -p src/deep; touch src/deep/a" });
  await restore(supervisor, saved);
  expect((await supervisor.execute({ command: "cat top" })).filesWritten).toEqual([]);
  const { filesWritten } = await supervisor.execute({ command: "echo x > src/deep/b; echo y >> top" });
  expect(filesWritten).toEqual(["src/deep/b", "top"]);
});

test(
  "an upload that began before a restore is not lost: it is refused, or in the new tree",
  async () => {
    await using supervisor = await startSupervisor();
    await supervisor.post("/files/mkdir", { path: "src" });
    for (const path of ["src/uploaded", "uploaded"]) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const answer = supervisor.fetch(`/raw/${path}`, { method: "PUT", body: readable });
      await writer.write(Buffer.from("first half, "));
      await until("the upload has begun", () =>
        [supervisor.workspace, `${supervisor.workspace}/src`].some((place) =>
          readdirSync(place).some((name) => name.startsWith(".put_")),
        ),
      );
      await restore(supervisor, saved);
      await writer.write(Buffer.from("second half"));
      await writer.close();
      const { ok } = await answer;
      expect(existsSync(`${supervisor.workspace}/${path}`)).toBe(ok);
    }
  },
  SLOW_MS,
);

test("restore trees are hidden from lists, searches and archives", async () => {
  await using supervisor = await startSupervisor();
  await restore(supervisor, saved);
  const begun = await supervisor.fetch("/restore", { method: "POST", body: saved.bundle });
  expect(begun.status).toBe(200);
  const { files } = await supervisor.json<{ files: { path: string }[] }>(
    "/files/list?path=.&limit=100&offset=0&recursive=true",
  );
  expect(files.map(({ path }) => path)).toEqual(["src", "src/deep", "src/deep/a", "top"]);
  const archive = Bun.spawnSync(["tar", "-tz"], {
    stdin: new Uint8Array(await (await supervisor.fetch("/archive")).arrayBuffer()),
  });
  expect(archive.stdout.toString()).not.toContain("restore");
});

test("the snapshot after a restore reads and sends nothing that was restored", async () => {
  await using supervisor = await startSupervisor();
  const extents = [crypto.getRandomValues(new Uint8Array(1_000_000))];
  const archive = archiveOf([directory("src"), { type: "file", path: "src/large", mode: 0o600, mtimeNs, extents }]);
  await restore(supervisor, archive);
  // SAFETY: a bundle begins with the length of its root, and the root.
  const rootBytes = archive.bundle.subarray(4, 4 + new DataView(archive.bundle.buffer).getUint32(0, true));
  const base = sha256(rootBytes);
  const begun = await supervisor.post("/snapshot", { base, avoid: [] });
  expect(await begun.json()).toEqual({ needsBase: false });
  let sentBytes = 0;
  for (let isRoot = false; !isRoot;) {
    const object = await supervisor.fetch("/snapshot/next", { method: "POST" });
    isRoot = object.headers.has(ROOT_HEADER);
    const bytes = await object.bytes();
    sentBytes += bytes.length;
    if (isRoot) expect(decodeRoot(bytes).packs.map(({ id }) => id)).toContain([...archive.packs.keys()][0] ?? "");
  }
  expect(sentBytes).toBeLessThan(20_000);
});
