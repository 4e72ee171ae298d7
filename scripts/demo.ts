// `npm run demo`: a tour of one session, on a platform of its own that is gone afterwards. Every step says what it saw
// and how long it took; the first expectation that fails ends it with 1. Nothing is pretended: what cannot be shown
// here, such as a package where no registry can be reached, is said.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ExecuteAnswer, KillAnswer, ProcessList } from "../src/contract/execute.ts";
import { FileContent, FileWritten } from "../src/contract/files.ts";
import { SessionDeleted } from "../src/contract/session.ts";
import { startPlatform } from "../src/local/platform.ts";
import { Client, readText } from "./client.ts";
import { life } from "./demo-life.ts";
import { recall, remember } from "./demo-memory.ts";

const STEP_MS = 60_000;
const [BOLD, DIM, GREEN, RED, OFF] = process.stdout.isTTY
  ? ["\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"]
  : ["", "", "", "", ""];

let steps = 0;

/** Runs one step and prints its line; `run` returns what is worth seeing of it. */
async function step(title: string, run: () => Promise<string>): Promise<void> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${STEP_MS / 1000} s`)), STEP_MS);
  });
  try {
    const seen = await Promise.race([run(), late]);
    const time = `${Math.round(performance.now() - startedAt)} ms`;
    console.log(`${GREEN}✓${OFF} ${title.padEnd(50)} ${DIM}${time.padStart(8)}${OFF}`);
    for (const line of seen.split("\n")) console.log(`    ${DIM}${line}${OFF}`);
    steps += 1;
  } catch (error) {
    console.log(`${RED}✗${OFF} ${title}`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function tour(client: Client): Promise<void> {
  let sessionId = "";
  await step("create a session", async () => {
    const session = await client.createSession({ name: "demo", metadata: { purpose: "a tour" } });
    sessionId = session.id;
    return `${session.id}, its preview at ${session.previewUrl}`;
  });

  await step("run TypeScript", async () => {
    const code = `const primes = (n: number) => [...Array(n).keys()].filter((p) => p > 1 && [...Array(p).keys()].slice(2).every((d) => p % d));
console.log(primes(30).join(" "));`;
    const { stdout, exitCode, executionTime } = await client.execute({ sessionId, code });
    assert.equal(stdout, "2 3 5 7 11 13 17 19 23 29\n");
    assert.equal(exitCode, 0);
    return `${stdout.trim()}\nin ${Math.round(executionTime)} ms, process start included`;
  });

  await step("import a package that is not there yet", () => importPackage(client, sessionId));

  await step("write a file and read it again", async () => {
    const content = "Remember the milk.\n";
    const { size } = await client.ask(FileWritten, "POST", "/files/write", { sessionId, path: "notes/a.txt", content });
    const file = await client.ask(FileContent, "GET", `/files/read?sessionId=${sessionId}&path=notes/a.txt`);
    assert.equal(file.content, content);
    return `notes/a.txt, ${size} bytes: ${file.content.trim()}`;
  });

  await step("make a SQLite database", async () => {
    const code = `import { Database } from "bun:sqlite";
const db = new Database("shop.db");
db.run("create table fruit (name text, price real)");
db.run("insert into fruit values ('apple', 0.4), ('mango', 1.9)");`;
    const { exitCode, filesWritten, stderr } = await client.execute({ sessionId, code });
    assert.equal(exitCode, 0, stderr);
    assert.ok(filesWritten.includes("shop.db"), `filesWritten: ${filesWritten.join(", ")}`);
    return `files written: ${filesWritten.join(", ")}`;
  });

  await step("open it in another execution", async () => {
    const code = `import { Database } from "bun:sqlite";
console.log(JSON.stringify(new Database("shop.db").query("select * from fruit where price > 1").all()));`;
    const { stdout, stderr } = await client.execute({ sessionId, code });
    assert.deepEqual(JSON.parse(stdout || "null"), [{ name: "mango", price: 1.9 }], stderr);
    return stdout.trim();
  });

  await step("leave a web server running", async () => {
    const code = `Bun.serve({ port: 8080, fetch: (request) => new Response("Hello from " + new URL(request.url).host) });`;
    const { background, pid, stderr } = await client.execute({ sessionId, code });
    assert.ok(background, `it does not run in the background: ${stderr}`);
    return `in the background as process ${pid}`;
  });

  await step("fetch its preview", async () => {
    const response = await client.preview(sessionId, "/");
    const text = await readText(response);
    assert.equal(response.statusCode, 200, text);
    assert.match(text, /^Hello from ses-/);
    return text;
  });

  let ticking: ReturnType<Client["stream"]> | undefined;
  const ticks: string[] = [];
  await step("stream the output of a long command", async () => {
    ticking = client.stream({ sessionId, command: "while :; do date +%T.%N; sleep 0.2; done" });
    const startedAt = performance.now();
    while (ticks.length < 3) {
      const { value: event, done } = await ticking.next();
      assert.ok(done !== true && event.event === "stdout", `no output but ${JSON.stringify(event)}`);
      ticks.push(`after ${Math.round(performance.now() - startedAt)} ms: ${JSON.parse(event.data).data.trim()}`);
    }
    return ticks.join("\n");
  });

  await step("kill it", async () => {
    const { processes } = await client.ask(ProcessList, "GET", `/sessions/${sessionId}/processes`);
    const loop = processes.find(({ command }) => command.includes("while :"));
    assert.ok(loop, `it is not among ${processes.map(({ command }) => command).join(", ")}`);
    await client.ask(KillAnswer, "POST", "/execution/kill", { sessionId, pid: loop.pid });
    for (let next = await ticking?.next(); next?.done === false; next = await ticking?.next()) {
      if (next.value.event !== "exit") continue;
      const { signal, exitCode } = ExecuteAnswer.parse(JSON.parse(next.value.data));
      assert.equal(signal, "SIGTERM");
      return `its stream ended with ${signal}, exit code ${exitCode}`;
    }
    throw new Error("its stream ended without an exit event");
  });

  const contextId = await remember(client, sessionId, step);
  await life(client, sessionId, step);
  await recall(client, sessionId, contextId, step);

  await step("delete the session", async () => {
    await client.ask(SessionDeleted, "DELETE", `/sessions/${sessionId}`);
    const { status } = await client.request("GET", `/sessions/${sessionId}`);
    assert.equal(status, 404);
    return "gone: asking for it answers 404";
  });
}

async function importPackage(client: Client, sessionId: string): Promise<string> {
  const { stdout, stderr, exitCode } = await client.execute({
    sessionId,
    code: `import _ from "lodash";\nconsole.log(JSON.stringify(_.chunk([1, 2, 3, 4, 5], 2)));`,
  });
  if (exitCode === 0) {
    assert.equal(stdout, "[[1,2],[3,4],[5]]\n");
    return `lodash was installed: chunk([1, 2, 3, 4, 5], 2) is ${stdout.trim()}`;
  }

  const registry = await client.execute({
    sessionId,
    code: `const url = process.env.NPM_CONFIG_REGISTRY ?? "https://registry.npmjs.org/";
try { await (await fetch(new URL("lodash", url), { signal: AbortSignal.timeout(10_000) })).text(); console.log("reached"); } catch {}`,
  });
  assert.notEqual(registry.stdout.trim(), "reached", `the registry can be reached, but: ${stderr}`);
  const local = await client.execute({
    sessionId,
    files: [{ path: "node_modules/greet/index.js", content: "export default (name) => `Hello, ${name}`;" }],
    code: `import greet from "greet";\nconsole.log(greet("package"));`,
  });
  assert.equal(local.stdout, "Hello, package\n", local.stderr);
  return `no package registry can be reached from here, so nothing was installed;\na package written into the workspace instead says: ${local.stdout.trim()}`;
}

async function main(): Promise<void> {
  console.log(`\n${BOLD}buntime demo${OFF}\n`);
  const startedAt = performance.now();
  const dataDirectory = await mkdtemp(path.join(tmpdir(), "buntime-demo-"));
  const stops: (() => Promise<void>)[] = [() => rm(dataDirectory, { recursive: true, force: true })];
  try {
    let client: Client | undefined;
    await step("start the platform", async () => {
      const platform = await startPlatform({ dataDirectory });
      stops.push(() => platform.stop());
      const { host: domain, port } = new URL(platform.url);
      client = new Client({ url: `http://127.0.0.1:${port}`, apiKey: platform.apiKey, domain });
      return `${platform.url}, nothing but this machine`;
    });
    assert.ok(client);
    await tour(client);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
  console.log(`\n${BOLD}${steps} steps in ${((performance.now() - startedAt) / 1000).toFixed(1)} s${OFF}\n`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`\n${RED}The demo failed:${OFF} ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
