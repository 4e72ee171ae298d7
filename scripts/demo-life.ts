// The second half of the demo: a session's life. Its services, a snapshot to go back to, its sleep, a fork, its wake.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ProcessList } from "../src/contract/execute.ts";
import { FileContent } from "../src/contract/files.ts";
import { Session, SessionDeleted, SessionInfo } from "../src/contract/session.ts";
import { RestoreAnswer, Snapshot, SnapshotDiff, SnapshotList } from "../src/contract/snapshot.ts";
import { readText } from "./client.ts";
import type { Client } from "./client.ts";

export type Step = (title: string, run: () => Promise<string>) => Promise<void>;

const PORT = 3000;
/** Counts its visits in the workspace, so that what it says shows whether that was kept. */
const SERVER = `import { Database } from "bun:sqlite";
const db = new Database("visits.db", { create: true });
db.run("create table if not exists visit (at integer)");
Bun.serve({ port: ${PORT}, fetch() {
  db.run("insert into visit values (unixepoch())");
  return new Response("visit " + db.query("select count(*) as n from visit").get().n + ", by process " + process.pid);
} });`;

export async function life(client: Client, sessionId: string, step: Step): Promise<void> {
  const at = `/sessions/${sessionId}`;
  const info = (): Promise<SessionInfo> => client.ask(SessionInfo, "GET", at);
  const read = async (id: string, path: string): Promise<string> =>
    (await client.ask(FileContent, "GET", `/files/read?sessionId=${id}&path=${path}`)).content.trim();
  const visit = async (): Promise<string> => {
    const response = await client.preview(sessionId, "/", { port: PORT });
    const text = await readText(response);
    assert.equal(response.statusCode, 200, text);
    return text;
  };

  await step("have a service that starts whenever it wakes", async () => {
    await client.execute({ sessionId, files: [{ path: "visits.ts", content: SERVER }], command: "true" });
    const services = [{ name: "visits", command: "exec bun visits.ts", port: PORT }];
    await client.ask(Session, "PATCH", at, { services });
    const text = await visit();
    assert.match(text, /^visit 1,/);
    return `its preview says: ${text}`;
  });

  await step("take a snapshot, lose a file, and go back", async () => {
    const { snapshotId, files } = await client.ask(Snapshot, "POST", `${at}/snapshots`, {
      label: "before the mistake",
    });
    await client.execute({ sessionId, command: "rm -r notes" });
    await client.ask(Snapshot, "POST", `${at}/snapshots`, {});
    const { changes } = await client.ask(SnapshotDiff, "GET", `${at}/snapshots/${snapshotId}/diff`);
    const removed = changes.filter(({ change }) => change === "removed").map(({ path }) => path);
    assert.deepEqual(removed, ["notes", "notes/a.txt"]);
    await client.ask(RestoreAnswer, "POST", `${at}/snapshots/${snapshotId}/restore`, { path: "notes" });
    assert.equal(await read(sessionId, "notes/a.txt"), "Remember the milk.");
    return `${files} files saved; removed since then: ${removed.join(", ")}\nrestored from it: notes`;
  });

  await step("let it fall asleep", async () => {
    await client.ask(Session, "PATCH", at, { idleAfter: "1s", deepSleepAfter: "2s" });
    const startedAt = performance.now();
    const reached = async (state: SessionInfo["state"]): Promise<string> => {
      while ((await info()).state !== state) await delay(20);
      return `after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    };
    const idle = await reached("idle");
    const asleep = await reached("deep-sleep");
    const { snapshots } = await client.ask(SnapshotList, "GET", `${at}/snapshots`);
    const { processes, ended } = await client.ask(ProcessList, "GET", `${at}/processes`);
    assert.deepEqual([processes, ended?.reason], [[], "deep-sleep"]);
    const kilobytes = Math.ceil((snapshots[0]?.storedBytes ?? 0) / 1024);
    return `${idle} idle: its processes stand still\n${asleep} asleep: ${kilobytes} KB are stored, there is no container any more`;
  });

  await step("read a file while it sleeps", async () => {
    const content = await read(sessionId, "notes/a.txt");
    assert.equal(content, "Remember the milk.");
    assert.equal((await info()).state, "deep-sleep");
    return `notes/a.txt: ${content}\nand it sleeps on`;
  });

  await step("fork it, and change the fork", async () => {
    const startedAt = performance.now();
    const fork = await client.ask(Session, "POST", `${at}/fork`, { metadata: { purpose: "an experiment" } });
    const time = `${Math.round(performance.now() - startedAt)} ms`;
    const command = "echo 'Forget the milk.' > notes/a.txt; cat notes/a.txt";
    const { stdout, stderr } = await client.execute({ sessionId: fork.id, command });
    assert.equal(stdout, "Forget the milk.\n", stderr);
    assert.equal(await read(sessionId, "notes/a.txt"), "Remember the milk.");
    assert.equal((await info()).state, "deep-sleep");
    await client.ask(SessionDeleted, "DELETE", `/sessions/${fork.id}`);
    return `${fork.id} was there in ${time}; in it: ${stdout.trim()}\nthe original sleeps on, and says: Remember the milk.`;
  });

  await step("wake it through the preview of its service", async () => {
    const text = await visit();
    assert.match(text, /^visit 2,/);
    const { state, lastRestore, lastLoss } = await info();
    assert.deepEqual([state, lastLoss], ["active", null]);
    assert.ok(lastRestore);
    return `the request was held until the server listened: ${text}`;
  });
}
