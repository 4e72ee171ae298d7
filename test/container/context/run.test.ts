import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../../src/contract/ids.ts";
import { CONTEXTS } from "../../../src/contract/limits.ts";
import { command, events, refusalOf, SLOW_MS, startSupervisor } from "../process/harness.ts";
import type { TestSupervisor } from "../process/harness.ts";
import { hasLibraries, hasPython, listContexts, PROGRAMS, TestContext } from "./contexts.ts";

describe.skipIf(!hasPython)("in a Python context", () => {
  let supervisor: TestSupervisor;
  let context: TestContext;
  beforeAll(async () => {
    supervisor = await startSupervisor({ env: PROGRAMS });
    context = await TestContext.create(supervisor);
  });
  afterAll(() => supervisor[Symbol.asyncDispose]());

  test("variables, functions, classes and imports stay from run to run", async () => {
    await context.run("import math as m\nfrom os.path import join\nx = 2\ndef double(n): return 2 * n\nclass A: y = 3");
    expect(await context.value("(double(x), A().y, m.floor(2.5), join('a', 'b'))")).toBe("(4, 3, 2, 'a/b')");
  });

  test("top-level await works, and what was started in the background goes on while a later run waits", async () => {
    await context.run("import asyncio\nseen = []\nasync def work():\n  await asyncio.sleep(0)\n  seen.append(1)");
    await context.run("async def start(): return asyncio.ensure_future(work())\ntask = await start()");
    expect(await context.value("await task\nseen")).toBe("[1]");
    expect(await context.value("asyncio.run(asyncio.sleep(0, 'of its own'))")).toBe("'of its own'");
  });

  test("where something is awaited, all of the run has the loop, and what it sets stays", async () => {
    const code = `
import asyncio, contextvars
async def work(n): return n
number = contextvars.ContextVar("number")
number.set(5)
tasks = [asyncio.create_task(work(n)) for n in range(3)]
await asyncio.gather(*tasks)`;
    expect(await context.value(code)).toBe("[0, 1, 2]");
    expect(await context.value("number.get()")).toBe("5");
    expect(await context.value("await asyncio.sleep(0)\nasyncio.current_task().done()")).toBe("False");
    expect((await context.run("asyncio.current_task()\n1 / 0\nawait work(1)")).error).toMatchObject({ line: 2 });
  });

  test("output belongs to the run that printed it, of subprocesses and to file descriptors too", async () => {
    const code = `
import os, subprocess, sys
print("one", end="", flush=True)
subprocess.run(["echo", " two"])
os.write(1, b"three\\n")
print("oops", file=sys.stderr)`;
    expect(await context.run(code)).toMatchObject({ stdout: "one two\nthree\n", stderr: "oops\n", exitCode: 0 });
    expect(await context.run("pass")).toMatchObject({ stdout: "", stderr: "", results: [] });
  });

  test("bytes that are not UTF-8 come whole, as base64", async () => {
    const answer = await context.run("os.write(1, bytes(range(256)))", { encoding: "base64" });
    expect(Buffer.from(answer.stdout, "base64")).toEqual(Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at)));
  });

  test("the value of the last expression is a result, unless it is None or muted", async () => {
    expect((await context.run("1 + 1")).results).toEqual([{ type: "text", main: true, text: "2" }]);
    for (const code of ["None", "1 + 1;", "(1 + 1) ;  # quiet", "y = 5", "print('x')", ""]) {
      expect({ code, results: (await context.run(code)).results }).toEqual({ code, results: [] });
    }
    expect(await context.value("'a;b'")).toBe("'a;b'");
    expect(await context.value("5 # a; b")).toBe("5");
  });

  test("what is displayed comes in order, before the value", async () => {
    const { results } = await context.run("display(1)\ndisplay('two', [3])\n4");
    expect(results.map(({ main, type, text }) => [main, type, text])).toEqual([
      [false, "text", "1"],
      [false, "text", "'two'"],
      [false, "json", "[3]"],
      [true, "text", "4"],
    ]);
  });

  test("dicts and lists are JSON, where they can be", async () => {
    const [result] = (await context.run("{'a': [1, None, 'ü']}")).results;
    expect(result).toMatchObject({ type: "json", json: { a: [1, null, "ü"] }, text: "{'a': [1, None, 'ü']}" });
    expect((await context.run("{'a': {1, 2}}")).results[0]).toEqual({
      type: "text",
      main: true,
      text: "{'a': {1, 2}}",
    });
    for (const text of ["[nan]", "[9007199254740993]", "{1: 2, '1': 3}", "[{'a': {True: 1, 'true': 2}}]"]) {
      const { results } = await context.run(text.replace("nan", "float('nan')"));
      expect(results).toEqual([{ type: "text", main: true, text }]);
    }
    expect((await context.run("{1: [-9007199254740991]}")).results[0]?.json).toEqual({ 1: [-9_007_199_254_740_991] });
  });

  test("objects show the forms that they have themselves", async () => {
    const forms = `
class Rich:
  def __repr__(self): return "rich"
  def _repr_html_(self): return "<b>rich</b>"
  def _repr_markdown_(self): return "**rich**"
class Picture:
  def __repr__(self): return "picture"
  def _repr_png_(self): return b"\\x89PNG"
class Drawing:
  def __repr__(self): return "drawing"
  def _repr_svg_(self): return "<svg/>"
class Data:
  def __repr__(self): return "data"
  def _repr_json_(self): return {"a": 1}
class Broken:
  def __repr__(self): return "broken"
  def _repr_html_(self): raise ValueError
class Any:
  def __getattr__(self, name): return lambda: name
  def __repr__(self): return "any"
display(Rich(), Picture(), Drawing(), Data(), Broken(), Any(), Rich)`;
    const { results, error } = await context.run(forms);
    expect(error).toBeNull();
    const main = false;
    expect(results.slice(0, 6)).toEqual([
      { type: "html", main, text: "rich", html: "<b>rich</b>", markdown: "**rich**" },
      { type: "image", main, text: "picture", mime: "image/png", data: btoa("\u0089PNG") },
      { type: "image", main, text: "drawing", mime: "image/svg+xml", data: "<svg/>" },
      { type: "json", main, text: "data", json: { a: 1 } },
      { type: "text", main, text: "broken" },
      { type: "text", main, text: "any" },
    ]);
    expect(results[6]?.type).toBe("text");
  });

  test.if(hasLibraries)(
    "figures are images, shown once, and frames are tables",
    async () => {
      const { results } = await context.run(`
import matplotlib.pyplot as plt, pandas as pd
plt.plot([1, 2])
pd.DataFrame({"a": [1, 2], "b": ["x", None]})`);
      expect(results).toMatchObject([
        { type: "table", main: true, columns: ["a", "b"], rows: [[1, "x"], [2, null]] }, // prettier-ignore
        { type: "image", main: false, mime: "image/png" },
      ]);
      expect(results[0]?.html).toContain("<table");
      expect(await context.value("plt.get_fignums()")).toBe("[]");
    },
    SLOW_MS,
  );

  test("an error tells the line of this run, and shows no frame but the code's own", async () => {
    await context.run("def fail():\n    raise ValueError('no')");
    const { error, exitCode } = await context.run("# one\n\nfail()");
    expect(exitCode).toBe(1);
    expect(error).toMatchObject({ name: "ValueError", message: "no", line: 3, column: 1 });
    const text = error?.traceback.join("\n") ?? "";
    expect(text).toContain("raise ValueError('no')");
    expect(text).toContain("line 3, in <module>");
    expect(text).not.toContain("python.py");
    expect((await context.run("import asyncio\nasync def late():\n  1 / 0\nawait late()")).error?.line).toBe(3);
  });

  test("a warning tells the line of its run, and that run alone", async () => {
    const code = "import warnings\ndef warn(): warnings.warn('careful', stacklevel=3)\nwarn()";
    for (let time = 0; time < 2; time++) {
      const { stderr } = await context.run(code);
      expect(stderr).toMatch(/^<run \d+>:3: UserWarning: careful\n {2}warn\(\)\n$/);
    }
    const { stderr } = await context.run("async def later(): pass\nlater()");
    expect(stderr).toContain("RuntimeWarning: coroutine 'later' was never awaited");
    expect(stderr).not.toContain("python.py");
    expect((await context.run("1")).stderr).toBe("");
  });

  test("a syntax error tells its line, and nothing of the code has run", async () => {
    const { error } = await context.run("touched = 1\nif True\n  pass");
    expect(error).toMatchObject({ name: "SyntaxError", line: 2 });
    expect(await context.value("'touched' in globals()")).toBe("False");
  });

  test("what ran before an error stays, and is shown", async () => {
    const { error, stdout, results } = await context.run("kept = 7\nprint('so far')\ndisplay(kept)\n1 / 0");
    expect({ name: error?.name, stdout, shown: results.length }).toEqual({
      name: "ZeroDivisionError",
      stdout: "so far\n",
      shown: 1,
    });
    expect(await context.value("kept")).toBe("7");
  });

  test("exit ends the run and not the context; input has nothing to read", async () => {
    expect((await context.run("import sys; sys.exit(3)")).error).toMatchObject({ name: "SystemExit", message: "3" });
    expect((await context.run("quit()")).error?.name).toBe("SystemExit");
    expect((await context.run("input()")).error?.name).toBe("EOFError");
    expect(await context.value("kept")).toBe("7");
  });

  test("streams that the code has closed are open again in the next run", async () => {
    await context.run("import sys; sys.stdout.close()");
    expect((await context.run("print('again')")).stdout).toBe("again\n");
    expect((await context.run("import os; os.close(2)")).error).toBeNull();
    expect(await context.value("kept")).toBe("7");
  });

  test("variables of the environment are those of their run alone", async () => {
    const code = "import os; os.environ['STAYS'] = 'yes'; (os.environ.get('GIVEN'), os.environ['PATH'][:1])";
    expect(await context.value(code, { env: { GIVEN: "here", PATH: "-" } })).toBe("('here', '-')");
    expect(await context.value(code)).toBe("(None, '/')");
    expect(await context.value("os.environ['STAYS']")).toBe("'yes'");
  });

  test("the names of the kernel are not those of the code", async () => {
    expect(await context.value("__name__")).toBe("'__main__'");
    const fresh = await TestContext.create(supervisor);
    expect(await fresh.value("sorted(n for n in dir() if not n.startswith('__'))")).toBe("['display']");
    await fresh.run("import json, sys, os\njson = sys = os = None");
    expect(await fresh.value("40 + 2")).toBe("42");
    await fresh.delete();
  });

  test("code can say the mark and the words of the protocol without being taken for it", async () => {
    const hostile = `
import os, json
print("\\x1e" + "0" * 24)
print("\\x1e")
os.write(1, b"\\x1e")
os.write(4, b'{"event": "nonsense", "id": 1}\\n[1]\\nnot json\\n{"event":"result","id":0,"result":{}}\\n')
for fork in range(3):
    if os.fork() == 0:
        display("of a fork")
        break
`;
    const { stdout, results, exitCode } = await context.run(hostile);
    expect({ exitCode, results }).toEqual({ exitCode: 0, results: [] });
    expect(stdout).toStartWith(`\u001E${"0".repeat(24)}\n\u001E\n\u001E`);
    expect(await context.value("kept")).toBe("7");
  });

  test("a line of megabytes comes whole; more than an answer holds is cut and said to be", async () => {
    const { stdout, truncated } = await context.run("print('x' * 900_000)");
    expect({ length: stdout.length, truncated }).toEqual({ length: 900_001, truncated: false });
    const more = await context.run("print('x' * 3_000_000)");
    expect({ length: more.stdout.length, truncated: more.truncated }).toEqual({ length: 1024 * 1024, truncated: true });
    const { results } = await context.run("'x' * 3_000_000");
    expect(results[0]?.text.length).toBe(100_001);
  });

  test("results beyond what a run may show are left out and said to be", async () => {
    const code = "for n in range(12): display({'n': n, 'x': 'x' * 1_000_000})";
    const { results, truncated } = await context.run(code);
    expect(truncated).toBe(true);
    expect(results.length).toBeLessThan(9);
  });

  test(
    "an error with a message of megabytes is cut, and does no harm",
    async () => {
      const { error } = await context.run("raise ValueError('x' * 30_000_000)");
      expect(error?.name).toBe("ValueError");
      expect(JSON.stringify(error).length).toBeLessThan(100_000);
      const deep = await context.run("def down(n): return down(n + 1) if n % 2 else down(n + 1) or 1\ndown(0)");
      expect(deep.error?.name).toBe("RecursionError");
      expect(await context.value("kept")).toBe("7");
    },
    SLOW_MS,
  );

  test("code of megabytes is run, and files that were written are told", async () => {
    const long = `text = "${"y".repeat(3_000_000)}"\nopen("written.txt", "w").write(text[:10])\nlen(text)`;
    const answer = await context.run(long);
    expect(answer.results[0]?.text).toBe("3000000");
    expect(answer.filesWritten).toEqual(["written.txt"]);
  });

  test("what a thread prints between two runs is shown by the next", async () => {
    await context.run(`
import threading, sys
go, gone = threading.Event(), threading.Event()
def late():
    go.wait()
    print("late")
    gone.set()
threading.Thread(target=late, daemon=True).start()`);
    const { stdout } = await context.run("go.set()\ngone.wait()");
    expect(stdout).toBe("late\n");
  });

  test("runs are done in the order in which they come, and contexts side by side", async () => {
    const other = await TestContext.create(supervisor);
    await context.run("order = []");
    const first = context.run("import time\nwhile not os.path.exists('go'): time.sleep(0.01)\norder.append(0)");
    const rest = [1, 2, 3, 4].map((n) => context.run(`order.append(${n})`));
    expect((await context.look()).state).toBe("running");
    expect(await other.value("open('go', 'w').close()\n'side by side'")).toBe("'side by side'");
    await Promise.all([first, ...rest]);
    expect(await context.value("order")).toBe("[0, 1, 2, 3, 4]");
    expect((await context.look()).state).toBe("idle");
    await other.delete();
  });

  test("a run is an execution with its code in its record, and its id is used once", async () => {
    const sent = context.command("print('recorded')\n1 / 0");
    const body = JSON.stringify(sent);
    await supervisor.json("/execute", { method: "POST", body });
    const record = await supervisor.record(sent.executionId);
    expect(record).toMatchObject({ outcome: "exited", exitCode: 1, code: sent.code ?? null, outputBytes: 9 });
    expect(record.context).toMatchObject({ contextId: context.id, error: { name: "ZeroDivisionError", line: 2 } });
    expect(await refusalOf(await supervisor.post("/execute", sent))).toMatchObject({ status: 409 });
  });

  test("a stream has output and results as they come, then the answer", async () => {
    const sent = context.command("print('a')\ndisplay(1)\n2", { stream: true });
    const response = await supervisor.post("/execute", sent);
    const seen = await Array.fromAsync(events(response));
    const named = seen.filter(({ event }) => event !== "comment");
    expect(named.map(({ event }) => event).toSorted()).toEqual(["exit", "result", "result", "stdout"]);
    expect(named.filter(({ event }) => event === "result").map(({ data }) => data.result.text)).toEqual(["1", "2"]);
    expect(named.at(-1)?.data).toMatchObject({ stdout: "a\n", exitCode: 0 });
  });

  test("a context that is not there, or not any more, is said to be unknown", async () => {
    const gone = await TestContext.create(supervisor);
    await gone.delete();
    expect(await gone.refusal("1")).toMatchObject({ status: 404, error: { code: "context_not_found" } });
    const sent = command({ context: newId("ctx"), code: "1" });
    expect((await refusalOf(await supervisor.post("/execute", sent))).error.code).toBe("context_not_found");
    expect(await supervisor.processes()).toHaveLength(1);
  });

  test(
    "the same id again is the same context, and there are so many at the most",
    async () => {
      const more: TestContext[] = [];
      const { total } = await listContexts(supervisor);
      for (let at = total; at < CONTEXTS.most; at++) more.push(await TestContext.create(supervisor));
      const body = { id: newId("ctx"), language: "python", name: null, workingDir: "/workspace" };
      const refusal = await refusalOf(await supervisor.post("/contexts", body));
      expect(refusal).toMatchObject({ status: 409, error: { code: "conflict" } });
      const again = await supervisor.post("/contexts", { ...body, id: context.id });
      expect(await again.json()).toMatchObject({ id: context.id, state: "idle" });
      await Promise.all(more.map((each) => each.delete()));
      expect((await listContexts(supervisor)).total).toBe(total);
    },
    SLOW_MS,
  );

  test("a working directory that is not there is refused, and leaves no context behind", async () => {
    const body = { id: newId("ctx"), language: "python", name: null, workingDir: "/workspace/nowhere" };
    expect((await refusalOf(await supervisor.post("/contexts", body))).error.code).toBe("file_not_found");
    expect((await listContexts(supervisor)).contexts.map(({ id }) => id)).not.toContain(body.id);
  });
});

test("where there is no Python, it is said, and there is no context", async () => {
  await using supervisor = await startSupervisor({ env: { PATH: "/nowhere", BUNTIME_IMAGE: "bun" } });
  const body = { id: newId("ctx"), language: "python", name: null, workingDir: "/workspace" };
  const { error } = await refusalOf(await supervisor.post("/contexts", body));
  expect(error.code).toBe("invalid_request");
  expect(error.message).toContain("polyglot");
  expect((await listContexts(supervisor)).total).toBe(0);
});
