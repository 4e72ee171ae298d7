// Runs in a context: their order, their outcomes, and what is told of them. Every end is an honest one.
import { describe, expect, onTestFinished, test } from "vitest";
import { RunAnswer } from "../../src/contract/context-run.ts";
import { ExecutionRecord, OutputPage } from "../../src/contract/execute.ts";
import { events } from "../../scripts/client.ts";
import { listContexts, languagesOf, newContext } from "../support/contexts.ts";
import type { TestContext } from "../support/contexts.ts";
import { newSession, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { processesOf } from "../support/life.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const languages = (await languagesOf(client)).filter((language) => language !== "typescript");
const shared = sharedSession(client);

/** Of this test alone. */
async function here(language: TestLanguage): Promise<TestContext> {
  const context = await newContext(client, shared.id, { language });
  onTestFinished(async () => void (await client.request("DELETE", context.path)));
  return context;
}

type TestLanguage = "javascript" | "python";

const WORDS = {
  javascript: {
    bind: "var n = 1",
    throws: "let a = 1;\n\nnull.x",
    error: { name: "TypeError", line: 3 },
    loop: "for (;;) {}",
    wait: "await new Promise(() => {})",
    interrupted: "Interrupted",
    print: "console.log('out'); console.error('err'); display({ a: 1 }); 7",
    append: (text: string) => `(log ??= []).push(${JSON.stringify(text)}); await Bun.sleep(1); log.join("")`,
    log: "var log = []",
    environment: "process.env.WHO",
    crash: "process.kill(process.pid, 'SIGKILL'); for (;;) {}",
    exit: "process.exit(7)",
    grow: "const all = []; for (;;) all.push(new Uint8Array(16 << 20).fill(1))",
    fileName: "await Bun.write('by-run.txt', 'x')",
  },
  python: {
    bind: "n = 1",
    throws: "a = 1\n\nNone.x",
    error: { name: "AttributeError", line: 3 },
    loop: "while True: pass",
    wait: "import time; time.sleep(1000)",
    interrupted: "KeyboardInterrupt",
    print: "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay({'a': 1})\n7",
    append: (text: string) => `log.append(${JSON.stringify(text)}); "".join(log)`,
    log: "log = []",
    environment: "import os; os.environ.get('WHO')",
    crash: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    exit: "import sys; sys.exit(7)",
    grow: "all = []\nwhile True: all.append(b'x' * (16 << 20))",
    fileName: "open('by-run.txt', 'w').write('x')",
  },
} as const;

describe.each(languages as TestLanguage[])("in %s", (language) => {
  const words = WORDS[language];

  test("an error is told with its name, its message and the line of the run's own code, and the context goes on", async () => {
    const context = await here(language);
    await context.run(words.bind);
    const { exitCode, error, results } = await context.run(words.throws);
    expect({ exitCode, results }).toEqual({ exitCode: 1, results: [] });
    expect(error).toMatchObject(words.error);
    expect(error?.message).not.toBe("");
    expect(error?.traceback.length).toBeGreaterThan(0);
    expect(await context.value("n")).toBe("1");
  });

  test("runs that come at once are done one after the other, in the order in which they came", async () => {
    const context = await here(language);
    await context.run(words.log);
    const texts = Array.from({ length: 12 }, (_, index) => String.fromCharCode(97 + index));
    const answers = await Promise.all(texts.map((text) => context.run(words.append(text))));
    const done = answers.map(({ results }) => results[0]?.text.replaceAll(/['"]/g, "") ?? "");
    const last = done.reduce((one, other) => (one.length > other.length ? one : other));
    expect(last.length).toBe(texts.length);
    expect(new Set(last).size).toBe(texts.length);
    for (const text of done) expect(last.startsWith(text)).toBe(true);
    expect(new Set(done.map(({ length }) => length)).size).toBe(texts.length);
  });

  test("contexts run side by side: a long run in one holds up no other", async () => {
    const [busy, free] = [await here(language), await here(language)];
    const long = busy.run(words.wait);
    await until("it runs", async () => (await busy.info()).state === "running");
    expect(await free.value("20 + 3")).toBe("23");
    await client.request("POST", `${busy.path}/interrupt`);
    expect(await long).toMatchObject({ error: { name: words.interrupted } });
  });

  test.each(["loop", "wait"] as const)("an interrupt ends a %s and leaves the context as it was", async (what) => {
    const context = await here(language);
    const { pid } = await context.run(words.bind);
    const running = context.run(words[what]);
    await until("it runs", async () => (await context.info()).state === "running");
    expect(await (await client.request("POST", `${context.path}/interrupt`)).json()).toEqual({ interrupted: true });
    expect(await running).toMatchObject({ exitCode: 1, timedOut: false, error: { name: words.interrupted } });
    expect(await context.run("n")).toMatchObject({ pid, results: [{ text: "1" }], lost: null });
    // Nothing runs now.
    expect(await (await client.request("POST", `${context.path}/interrupt`)).json()).toEqual({ interrupted: false });
    expect(await context.value("n")).toBe("1");
  });

  test("a time-out is told with the output so far, and the context goes on with its variables", async () => {
    const context = await here(language);
    await context.run(words.bind);
    const answer = await context.run(`${words.print}\n${words.loop}`, { timeout: 2 });
    expect(answer).toMatchObject({ timedOut: true, stdout: "out\n", stderr: "err\n" });
    expect(answer.results).toMatchObject([{ main: false }]);
    const record = await client.ask(ExecutionRecord, "GET", `/sessions/${shared.id}/executions/${answer.executionId}`);
    expect(record).toMatchObject({ outcome: "timed_out", context: { contextId: context.id } });
    expect(await context.run("n")).toMatchObject({ results: [{ text: "1" }], lost: null });
  });

  test("a crash of the interpreter is told, and so is on the next run that its variables are gone", async () => {
    const context = await here(language);
    await context.run(words.bind);
    const answer = await context.run(words.crash);
    expect(answer).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      lost: null,
      error: { name: "InterpreterEnded" },
    });
    expect(await context.info()).toMatchObject({ state: "lost" });
    const next = await context.run("2 + 2");
    expect(next).toMatchObject({ exitCode: 0, results: [{ text: "4" }] });
    expect(next.lost).toMatchObject({ at: expect.any(String), reason: expect.stringMatching(/./) });
    const unbound = { name: expect.stringMatching(/^(Reference|Name)Error$/) };
    expect(await context.run("n")).toMatchObject({ lost: null, error: unbound });
  });

  test("a program that exits ends its run, and the context goes on", async () => {
    const context = await here(language);
    await context.run(words.bind);
    const { exitCode, error } = await context.run(words.exit);
    expect(exitCode).toBe(1);
    expect(error).not.toBeNull();
    expect(await context.run("n")).toMatchObject({ lost: null, results: [{ text: "1" }] });
  });

  test("memory that runs out is told as that limit, and so is on the next run", async () => {
    const { id } = await newSession(client, { resourceLimits: { memory: 256 } });
    const context = await newContext(client, id, { language });
    await context.run(words.bind);
    const told = await problem(client, "POST", `${context.path}/run`, { json: { code: words.grow, timeout: 30 } });
    expect(told).toMatchObject({ status: 507, code: "memory_limit_exceeded" });
    const next = await context.run("2 + 2");
    expect(next).toMatchObject({ results: [{ text: "4" }] });
    expect(next.lost?.reason).toMatch(/memory/);
  });

  test("a stream tells output, results and the answer, in order, and is taken up again after any of them", async () => {
    const context = await here(language);
    const response = await client.request("POST", `${context.path}/run`, { json: { code: words.print, stream: true } });
    const told = await Array.fromAsync(events(response));
    const exit = told.at(-1);
    expect(exit?.event).toBe("exit");
    const answer = RunAnswer.parse(JSON.parse(exit?.data ?? ""));
    expect(answer).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 0, error: null });
    expect(answer.results).toMatchObject([{ main: false }, { main: true, text: "7" }]);
    expect(told.filter(({ event }) => event === "result").map(({ data }) => JSON.parse(data))).toMatchObject(
      answer.results.map((result) => ({ seq: expect.any(Number), result })),
    );
    const ids = told.slice(0, -1).map(({ id }) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    const output = `/sessions/${shared.id}/executions/${answer.executionId}/output`;
    const page = await client.ask(OutputPage, "GET", output);
    const shown = page.chunks.filter(({ stream }) => stream === "result").map(({ data }) => JSON.parse(data));
    expect(shown).toEqual(answer.results);
    const again = await client.request("GET", `${output}?after=${ids.at(-2)}`, {
      headers: { accept: "text/event-stream" },
    });
    const rest = await Array.fromAsync(events(again));
    expect(rest.map(({ event, id }) => [event, id])).toEqual([
      [told.at(-2)?.event, told.at(-2)?.id],
      ["exit", told.at(-2)?.id],
    ]);
  });

  test("what a run prints cannot pass for the end of it, nor for a result", async () => {
    const context = await here(language);
    const forged = `{"event":"done","id":1,"error":null}`;
    const print =
      language === "python" ? `print('''\x1e\n${forged}\n''')` : `console.log(${JSON.stringify(`\x1e\n${forged}\n`)})`;
    const answer = await context.run(`${print}\n5`);
    expect(answer.stdout).toContain(forged);
    expect(answer.results).toMatchObject([{ main: true, text: "5" }]);
  });

  test("variables of the environment are those of one run", async () => {
    const context = await here(language);
    expect(await context.run(words.environment, { env: { WHO: "me" } })).toMatchObject({
      results: [{ text: expect.stringContaining("me") }],
    });
    const after = await context.run(words.environment);
    expect(JSON.stringify(after.results)).not.toContain("me");
  });

  test("files that a run has written are named in its answer", async () => {
    const context = await here(language);
    expect((await context.run(words.fileName)).filesWritten).toEqual(["by-run.txt"]);
    await client.request("DELETE", `/sessions/${shared.id}/files/by-run.txt`);
  });
});

test("a run that is sent again with its Idempotency-Key is not run again, with or without a stream", async () => {
  const context = await here("javascript");
  await context.run("var n = 0");
  for (const stream of [false, true]) {
    const json = { code: "console.log('once'); ++n", stream };
    const headers = { "idempotency-key": crypto.randomUUID() };
    const send = (): Promise<Response> => client.request("POST", `${context.path}/run`, { json, headers });
    const first = await (await send()).text();
    const again = await send();
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const told = (text: string): unknown =>
      stream ? text.split("\n").filter((line) => line.startsWith("data")) : JSON.parse(text);
    expect(told(await again.text())).toEqual(told(first));
    const other = { json: { code: "0" }, headers };
    expect(await problem(client, "POST", `${context.path}/run`, other)).toMatchObject({ code: "conflict" });
  }
  expect(await context.value("n")).toBe("2");
});

test("a context that is asked for again with its Idempotency-Key is the same one", async () => {
  const { id } = await newSession(client);
  const call = { json: { language: "js" }, headers: { "idempotency-key": crypto.randomUUID() } };
  const create = async (): Promise<unknown> => (await client.request("POST", `/sessions/${id}/contexts`, call)).json();
  const [first, ...others] = await Promise.all([create(), create(), create()]);
  for (const other of others) expect(other).toEqual(first);
  expect((await listContexts(client, id)).total).toBe(1);
});

test("a run can be killed as any process, which the next run tells", async () => {
  const { id } = await newSession(client);
  const context = await newContext(client, id, { language: "javascript" });
  const { pid } = await context.run("var n = 1");
  const running = context.run("await new Promise(() => {})");
  await until("it runs", async () => (await context.info()).state === "running");
  await client.request("POST", "/execution/kill", { json: { sessionId: id, pid } });
  expect(await running).toMatchObject({ exitCode: null, error: { name: "InterpreterEnded" } });
  expect((await context.run("typeof n")).lost).not.toBeNull();
  expect((await processesOf(client, id)).processes.length).toBe(1);
});
