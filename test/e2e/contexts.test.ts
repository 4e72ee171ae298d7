// Contexts: what is bound in one run is there in the next, over idle, over sleep, and what could not be kept is named.
import { describe, expect, test } from "vitest";
import type { ContextLanguage } from "../../src/contract/contexts.ts";
import { containerOf } from "../support/container.ts";
import { contextsOf, languagesOf, listContexts, newContext, TestContext } from "../support/contexts.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";
import { infoOf, processesOf, takeSnapshot, untilState } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const languages = await languagesOf(client);

/** The same promises in each language's words. */
interface Words {
  /** Binds n, a list, a class with one instance, a function, and something of a module. */
  readonly bind: string;
  /** Of what `bind` has bound; its value is 47. */
  readonly use: string;
  /** Binds `socket`, which nothing can save. */
  readonly open: string;
  readonly endless: string;
  /** Counts `ticks` of 5 ms, and makes the file `reached` at the 200th. */
  readonly ticking: string;
  /** Is there, or not: `yes` or `no`. */
  readonly isBound: (name: string) => string;
}

const JAVASCRIPT: Words = {
  bind: `import { basename } from "node:path";
let n = 40;
const list = [1, 2, 3];
class Cart { items = []; add(item) { this.items.push(item); return this; } get size() { return this.items.length; } }
const cart = new Cart().add("a");
function half(x) { return x / 2; }`,
  use: `n + half(list[1]) + list.length + cart.size + basename("/a/bc").length`,
  open: `const socket = new WebSocket("ws://127.0.0.1:1");`,
  endless: `console.log("begun"); while (true);`,
  ticking: `import { writeFileSync } from "node:fs";
let ticks = 0;
setInterval(() => { if (++ticks === 200) writeFileSync("reached", ""); }, 5);`,
  isBound: (name) => `typeof ${name} === "undefined" ? "no" : "yes"`,
};
const WORDS: Record<ContextLanguage, Words> = {
  javascript: JAVASCRIPT,
  typescript: { ...JAVASCRIPT, bind: JAVASCRIPT.bind.replace("half(x)", "half(x: number): number") },
  python: {
    bind: `from posixpath import basename
n = 40
list_ = [1, 2, 3]
class Cart:
    def __init__(self): self.items = []
    def add(self, item):
        self.items.append(item)
        return self
cart = Cart().add("a")
def half(x): return x // 2`,
    use: `n + half(list_[1]) + len(list_) + len(cart.items) + len(basename("/a/bc"))`,
    open: `import socket as s\nsocket = s.socket()`,
    endless: `print("begun")\nwhile True: pass`,
    ticking: `import threading, time
ticks = 0
def tick():
    global ticks
    while True:
        time.sleep(0.005)
        ticks += 1
        if ticks == 200: open("reached", "w").close()
threading.Thread(target=tick, daemon=True).start()`,
    isBound: (name) => `"yes" if "${name}" in globals() else "no"`,
  },
};

const sleep = async (id: string): Promise<void> => {
  expect((await client.request("POST", `/sessions/${id}/sleep`)).status).toBe(200);
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
};

describe.each(languages)("a context of %s", (language) => {
  const words = WORDS[language];

  test("has in the next run what was bound in the one before: variables, functions, classes, imports", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    expect(await context.run(words.bind)).toMatchObject({ exitCode: 0, error: null, dropped: [], lost: null });
    const answer = await context.run(words.use);
    expect(answer).toMatchObject({ contextId: context.id, exitCode: 0, signal: null, timedOut: false, stdout: "" });
    expect(answer.results).toMatchObject([{ main: true, text: "47" }]);
    expect((await context.info()).lastRunAt).not.toBeNull();
  });

  test("has it after the session was idle, in the same interpreter", async () => {
    const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "1h" });
    const context = await newContext(client, id, { language });
    const { pid } = await context.run(words.bind);
    await untilState(client, id, "idle");
    expect(await context.info()).toMatchObject({ state: "idle" });
    expect((await infoOf(client, id)).state).toBe("idle");
    const answer = await context.run(words.use);
    expect(answer).toMatchObject({ pid, results: [{ text: "47" }], dropped: [], lost: null });
  });

  test("has it after deep sleep, and names what could not be kept, once", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language, name: "kept" });
    await context.run(words.bind);
    await context.run(words.open);
    await sleep(id);
    expect((await listContexts(client, id)).contexts).toMatchObject([{ id: context.id, name: "kept", state: "saved" }]);
    expect(await context.info()).toMatchObject({ id: context.id, language, state: "saved" });
    expect((await infoOf(client, id)).state).toBe("deep-sleep");

    const first = await context.run(words.use);
    expect(first).toMatchObject({ error: null, results: [{ text: "47" }], lost: null });
    expect(first.dropped).toEqual([{ name: "socket", reason: expect.stringMatching(/./) }]);
    expect(await context.run(words.isBound("socket"))).toMatchObject({
      results: [{ text: expect.stringContaining("no") }],
      dropped: [],
    });
    expect(await context.info()).toMatchObject({ state: "idle" });
    // And a second time, with what was brought back.
    await sleep(id);
    expect(await context.run(words.use)).toMatchObject({ results: [{ text: "47" }], dropped: [], lost: null });
  });

  test("has what was saved when its container is killed, and says that the container was lost, once", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    await context.run(words.bind);
    await takeSnapshot(client, id);
    await context.run("n = 1000");
    const container = await containerOf(client, id);
    container.signal("SIGKILL");
    await untilState(client, id, "deep-sleep");
    const first = await context.run(words.use);
    expect(first).toMatchObject({ error: null, results: [{ text: "47" }] });
    expect(first.lost?.reason).toContain("container was lost");
    expect(first.lost?.at).toBe((await infoOf(client, id)).lastLoss?.at);
    expect(await context.run(words.use)).toMatchObject({ results: [{ text: "47" }], lost: null });
    await sleep(id);
    expect(await context.run(words.use)).toMatchObject({ results: [{ text: "47" }], lost: null });
  });

  test("has after deep sleep what changed between two runs, after it had been saved", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    await context.run(words.ticking);
    await takeSnapshot(client, id);
    await until("it has ticked", async () => {
      return (await client.request("GET", `/sessions/${id}/files/reached`)).status === 200;
    });
    await sleep(id);
    expect(await context.value("ticks >= 200")).toMatch(/^true$/i);
  });

  test("has it after a sleep that was forced while others ran, whose runs end without a word lost", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    await context.run(words.bind);
    const busy = await newContext(client, id, { language });
    await busy.run(words.bind);
    const endless = busy.run(words.endless);
    const command = client.execute({ sessionId: id, command: "echo begun; sleep 600" });
    await until("both run", async () => {
      const { processes } = await processesOf(client, id);
      const sleeps = processes.some(({ command: line }) => line.includes("sleep 600"));
      return sleeps && (await busy.info()).state === "running";
    });
    await sleep(id);
    expect(await command).toMatchObject({ stdout: "begun\n", signal: "SIGTERM" });
    expect(await endless).toMatchObject({ stdout: "begun\n", exitCode: 1, timedOut: false });
    expect(await context.run(words.use)).toMatchObject({ results: [{ text: "47" }], dropped: [], lost: null });
    expect(await busy.run(words.use)).toMatchObject({ results: [{ text: "47" }], dropped: [], lost: null });
  });

  test("goes back with its session to a snapshot", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    await context.run(words.bind);
    const { snapshotId } = await takeSnapshot(client, id);
    await context.run("n = 1000");
    expect((await client.request("POST", `/sessions/${id}/snapshots/${snapshotId}/restore`)).status).toBe(200);
    expect(await context.value(words.use)).toBe("47");
  });

  test("is in a fork of its session, with its values, and each goes its own way", async () => {
    const { id } = await newSession(client);
    const context = await newContext(client, id, { language });
    await context.run(words.bind);
    const response = await client.request("POST", `/sessions/${id}/fork`, { json: {} });
    const { id: forkId } = (await response.json()) as { id: string };
    const other = new TestContext(client, forkId, await context.info());
    await context.run("n = 1000");
    expect(await other.value(words.use)).toBe("47");
    expect(await context.value("n")).toBe("1000");
    await client.request("DELETE", `/sessions/${forkId}`);
  });
});

test("contexts of one session know nothing of each other, and are listed in the order of their making", async () => {
  const { id } = await newSession(client);
  const [one, other] = [
    await newContext(client, id, { language: "js", name: "one" }),
    await newContext(client, id, { language: "ts" }),
  ];
  await one.run("var n = 1");
  await other.run("var n = 2");
  expect([await one.value("n"), await other.value("n")]).toEqual(["1", "2"]);
  const { contexts, total } = await listContexts(client, id);
  expect(total).toBe(2);
  expect(contexts).toMatchObject([
    { id: one.id, name: "one", language: "javascript", state: "idle" },
    { id: other.id, name: null, language: "typescript", state: "idle" },
  ]);
});

test("an interpreter is a process of the session like any other, in the folder that it was given", async () => {
  const { id } = await newSession(client);
  await client.execute({ sessionId: id, command: "mkdir app" });
  const context = await newContext(client, id, { language: "javascript", workingDir: "app" });
  const { pid } = await context.run("await Bun.write('made', process.cwd())");
  const { processes } = await processesOf(client, id);
  expect(processes.map((process) => process.pid)).toContain(pid);
  expect(await (await client.request("GET", `/sessions/${id}/files/app/made`)).text()).toBe("/workspace/app");
});

test("a context that is deleted is gone with its process and its values, asleep and awake", async () => {
  const { id } = await newSession(client);
  const context = await newContext(client, id, { language: "javascript" });
  const { pid } = await context.run("var n = 1");
  expect(await (await client.request("DELETE", context.path)).json()).toEqual({ deleted: true, contextId: context.id });
  await until("its process is gone", async () =>
    (await processesOf(client, id)).processes.every((process) => process.pid !== pid),
  );
  const unknown = { status: 404, code: "context_not_found", message: expect.stringContaining(context.id) };
  const calls: [string, string, unknown?][] = [
    ["GET", context.path],
    ["DELETE", context.path],
    ["POST", `${context.path}/interrupt`],
    ["POST", `${context.path}/run`, { code: "1" }],
  ];
  for (const [method, path, json] of calls)
    expect(await problem(client, method, path, { json })).toMatchObject(unknown);
  await sleep(id);
  expect(await listContexts(client, id)).toEqual({ contexts: [], total: 0 });
  expect(await problem(client, "GET", context.path)).toMatchObject(unknown);
  expect(await problem(client, "POST", `${context.path}/interrupt`)).toMatchObject(unknown);
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
});

test("looking at contexts, and interrupting what does not run, neither wakes a session nor keeps it awake", async () => {
  const { id } = await newSession(client, { idleAfter: "1s", deepSleepAfter: "2s" });
  const context = await newContext(client, id, { language: "javascript" });
  await context.run("var n = 1");
  const { lastActive } = await infoOf(client, id);
  await until(
    "it sleeps",
    async () => {
      await listContexts(client, id);
      await context.info();
      const info = await infoOf(client, id);
      expect(info.lastActive).toBe(lastActive);
      return info.state === "deep-sleep";
    },
    { deadlineMs: 30_000 },
  );
  expect(await (await client.request("POST", `${context.path}/interrupt`)).json()).toEqual({ interrupted: false });
  expect(await context.info()).toMatchObject({ state: "saved" });
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
  expect(await context.value("n")).toBe("1");
});

test("a session that has slept since it was made has no contexts, and need not wake to say so", async () => {
  const { id } = await newSession(client);
  await sleep(id);
  expect(await listContexts(client, id)).toEqual({ contexts: [], total: 0 });
  const path = `${contextsOf(id)}/ctx_${"0".repeat(20)}`;
  expect(await problem(client, "GET", path)).toMatchObject({ code: "context_not_found" });
  expect((await infoOf(client, id)).state).toBe("deep-sleep");
});

test("files in the place of what is kept of contexts change nothing but what is known of them", async () => {
  const { id } = await newSession(client);
  const context = await newContext(client, id, { language: "javascript" });
  await context.run("var n = 1");
  await client.execute({
    sessionId: id,
    command: `cd .buntime/contexts || exit; mkdir -p ctx_${"1".repeat(20)} ctx_${"2".repeat(20)}/context.json x
echo '{"id":"ctx_${"3".repeat(20)}"' > ctx_${"1".repeat(20)}/context.json; echo '[]' > x/context.json`,
  });
  const awake = await listContexts(client, id);
  expect(awake.contexts).toMatchObject([{ id: context.id }]);
  await sleep(id);
  expect((await listContexts(client, id)).contexts).toMatchObject([{ id: context.id, state: "saved" }]);
  expect(await context.value("n")).toBe("1");
});
