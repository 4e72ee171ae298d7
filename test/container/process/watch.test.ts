import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { OBJECT_HEADER, ROOT_HEADER } from "../../../src/contract/supervisor.ts";
import type { WatchAnswer } from "../../../src/contract/supervisor.ts";
import { LastSave } from "../../../container/supervisor/last-save.ts";
import { readStatus } from "../../../container/supervisor/process/proc-filesystem.ts";
import { until } from "../../support/until.ts";
import { SLOW_MS, command, refusalOf, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

setDefaultTimeout(SLOW_MS);

let supervisor: TestSupervisor;
beforeEach(async () => {
  supervisor = await startSupervisor({ env: { BUNTIME_LAST_SAVE_MS: "4000" } });
});
afterEach(() => supervisor[Symbol.asyncDispose]());

const post = (path: string, body?: unknown): Promise<Response> =>
  supervisor.fetch(path, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const watch = async (): Promise<WatchAnswer["event"]> => (await supervisor.json<WatchAnswer>("/watch")).event;
/** Other calls have come and gone: a watch that was sent before them is held by now. */
const isHeld = async (): Promise<void> => {
  for (let call = 0; call < 10; call++) await supervisor.json("/health");
};
const terminate = (): void => void process.kill(supervisor.pid, "SIGTERM");
const read = (name: string): string | null => {
  const path = `${supervisor.workspace}/${name}`;
  return existsSync(path) ? readFileSync(path, "utf8") : null;
};

interface Save {
  readonly root: string;
  readonly bytes: number;
}

/** Takes all objects, as the session does before it stores them. */
async function pull(base: string | null = null): Promise<Save> {
  const begun = await post("/snapshot", { base, avoid: [] });
  if (!begun.ok) throw new Error(await begun.text());
  let bytes = 0;
  for (;;) {
    const response = await post("/snapshot/next");
    if (!response.ok || response.status === 204) throw new Error(`${response.status} ${await response.text()}`);
    bytes += (await response.bytes()).length;
    const digest = response.headers.get(OBJECT_HEADER) ?? "";
    if (response.headers.get(ROOT_HEADER) !== null) return { root: digest, bytes };
  }
}

async function save(base: string | null = null): Promise<Save> {
  const saved = await pull(base);
  expect((await post("/snapshot/commit", { root: saved.root })).status).toBe(200);
  return saved;
}

test("a supervisor that nobody watches ends at once when it is told to", async () => {
  await supervisor.execute({ command: "sleep 60", background: true });
  expect(await supervisor.stop()).toBe(0);
});

test("one that was watched but is not any more ends too", async () => {
  const left = new AbortController();
  const watching = supervisor.fetch("/watch", { signal: left.signal }).catch(() => null);
  await isHeld();
  left.abort();
  await watching;
  await isHeld();
  expect(await supervisor.stop()).toBe(0);
});

test(
  "one that is watched has its workspace saved, answers those who wait, has that saved too, and ends",
  async () => {
    const first = watch();
    const done = command({ command: "trap 'echo bye > bye; exit 9' TERM; touch set; while :; do sleep 0.01; done" });
    const answer = supervisor.post("/execute", done);
    await until("the trap is set", () => read("set") !== null);
    const { executionId } = await supervisor.execute({
      command: "while :; do echo x >> ticks; done",
      background: true,
    });
    await supervisor.json("/services", {
      method: "PUT",
      body: JSON.stringify({ services: [{ name: "web", command: "while :; do echo s >> service; done", env: {} }] }),
    });
    await until("both print", () => read("ticks") !== null && read("service") !== null);

    terminate();
    expect(await first).toBe("terminating");
    const frozen = [read("ticks"), read("service")];
    const second = watch();
    const { root } = await pull();
    expect([read("ticks"), read("service"), read("bye")]).toEqual([...frozen, null]);
    expect((await supervisor.record(executionId)).outcome).toBe("running");
    expect((await post("/snapshot/commit", { root })).status).toBe(200);

    expect(await (await answer).json()).toMatchObject({ exitCode: 9, background: false });
    expect(await second).toBe("terminating");
    const records = [await supervisor.record(done.executionId), await supervisor.record(executionId)];
    expect(records.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["killed", "shutdown"],
      ["killed", "shutdown"],
    ]);
    expect(read("bye")).toBe("bye\n");
    const news = await save(root);
    expect(news.root).not.toBe(root);
    expect(await supervisor.stop()).toBe(0);
  },
  SLOW_MS,
);

test("nothing that would be lost is accepted once the last save has begun; reading goes on", async () => {
  await supervisor.fetch("/raw/kept.txt", { method: "PUT", body: "kept" });
  const { readable, writable } = new TransformStream<Uint8Array>();
  const upload = supervisor.fetch("/raw/late.txt", { method: "PUT", body: readable });
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(10));
  const watching = watch();
  await isHeld();
  terminate();
  expect(await watching).toBe("terminating");
  await writer.close();
  const refused = [
    await upload,
    await supervisor.fetch("/raw/new.txt", { method: "PUT", body: "lost" }),
    await supervisor.fetch("/raw/kept.txt", { method: "DELETE" }),
    await post("/files/mkdir", { path: "directory" }),
    await post("/files/write", { files: [{ path: "new.txt", content: "lost" }] }),
    await post("/execute", command({ command: "true" })),
    await post("/thaw"),
    await post("/freeze"),
    await post("/kill", {}),
    await supervisor.fetch("/services", { method: "PUT", body: JSON.stringify({ services: [] }) }),
  ];
  for (const response of refused) expect((await refusalOf(response)).error.code).toBe("container_unavailable");
  expect(await (await supervisor.fetch("/raw/kept.txt")).text()).toBe("kept");
  await save();
  expect(await supervisor.stop()).toBe(0);
});

test("a session that was frozen is saved as it is, and what it ran is ended", async () => {
  const { pid } = await supervisor.execute({ command: "while :; do echo x >> ticks; done", background: true });
  await until("it prints", () => read("ticks") !== null);
  await post("/freeze");
  const before = read("ticks");
  const watching = watch();
  await isHeld();
  terminate();
  expect(await watching).toBe("terminating");
  const { root } = await pull();
  expect(read("ticks")).toBe(before);
  await post("/snapshot/commit", { root });
  expect(await supervisor.stop()).toBe(0);
  expect(readStatus(pid ?? 0)).toBe(null);
});

test(
  "a session that is told and does not save keeps nobody from ending",
  async () => {
    const watching = watch();
    await isHeld();
    terminate();
    expect(await watching).toBe("terminating");
    expect(await supervisor.stop()).toBe(0);
  },
  SLOW_MS,
);

describe("the last save", () => {
  const never = new AbortController().signal;

  test("a watch that nothing happens to is answered when its time is over", async () => {
    expect(await new LastSave(1).watch(never)).toEqual({ event: "none" });
  });

  test("only a snapshot that was begun after the session was told counts", async () => {
    const lastSave = new LastSave(60_000);
    const watching = lastSave.watch(never);
    lastSave.began();
    const events: string[] = [];
    const saved = lastSave.ask(60_000).then((isSaved) => events.push(`saved ${isSaved}`));
    expect(await watching).toEqual({ event: "terminating" });
    lastSave.committed();
    await new Promise((resolve) => setImmediate(resolve));
    events.push("an older one was stored");
    lastSave.began();
    lastSave.committed();
    await saved;
    expect(events).toEqual(["an older one was stored", "saved true"]);
  });

  test("a session that is between two watches is waited for", async () => {
    const lastSave = new LastSave(20);
    expect(await lastSave.isWatched()).toBe(false);
    expect(await lastSave.watch(never)).toEqual({ event: "none" });
    const isWatched = lastSave.isWatched();
    const watching = lastSave.watch(never);
    expect(await isWatched).toBe(true);
    await watching;
  });

  test("one that has gone is no watcher", async () => {
    const lastSave = new LastSave(60_000);
    const left = new AbortController();
    const watching = lastSave.watch(left.signal);
    left.abort();
    expect(await watching).toEqual({ event: "none" });
    expect(await lastSave.isWatched()).toBe(false);
  });
});
