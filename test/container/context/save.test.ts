// What of a Python context outlives its interpreter: saved before a snapshot, bound again afterwards, the rest told by name.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { StoredContext } from "../../../src/lib/context-record.ts";
import { restingContext } from "../../../src/lib/context-record.ts";
import { until } from "../../support/until.ts";
import { isRoot, SLOW_MS, startSupervisor } from "../process/harness.ts";
import type { TestSupervisor } from "../process/harness.ts";
import { archiveOf } from "../snapshot/restore-archive.ts";
import { restore } from "../snapshot/restore-client.ts";
import { beginSnapshot, hasPython, listContexts, PROGRAMS, TestContext } from "./contexts.ts";

describe.skipIf(!hasPython)("after a save", () => {
  let supervisor: TestSupervisor;
  let context: TestContext;
  beforeAll(async () => {
    supervisor = await startSupervisor({ env: PROGRAMS });
  });
  beforeEach(async () => {
    context = await TestContext.create(supervisor);
  });
  afterEach(() => context.delete());
  afterAll(() => supervisor[Symbol.asyncDispose]());

  const directory = () => `${supervisor.workspace}/.buntime/contexts/${context.id}`;
  const stored = (): StoredContext => JSON.parse(readFileSync(`${directory()}/context.json`, "utf8"));

  /** Its interpreters are gone, its files are not: as after a wake. */
  async function restart(): Promise<void> {
    await supervisor.stop("SIGKILL");
    await supervisor.start();
  }

  async function sleep(): Promise<void> {
    await beginSnapshot(supervisor);
    await restart();
  }

  test(
    "values come back, with what they share and the cycles in them",
    async () => {
      await context.run(`
shared = [1]
one, two = {"s": shared}, (shared, b"bytes", 1.5, None, {1, 2}, 10 ** 40, float("inf"))
cycle = {"self": None}; cycle["self"] = cycle
text = "ü\\ud800"`);
      await sleep();
      expect((await context.look()).state).toBe("saved");
      const answer = await context.run("one['s'] is shared is two[0], cycle['self'] is cycle, text, two[1:]");
      expect(answer).toMatchObject({ dropped: [], lost: null, error: null });
      expect(answer.results[0]?.text).toBe(
        "(True, True, 'ü\\ud800', (b'bytes', 1.5, None, {1, 2}, 10000000000000000000000000000000000000000, inf))",
      );
    },
    SLOW_MS,
  );

  test(
    "functions, classes and their instances come back, as they had become",
    async () => {
      await context.run(
        `
import functools, collections, enum, dataclasses, xml.dom.minidom, os.path as path
from math import floor as down
base = 10
def add(n, more=[base], *, key={"k": 1}): return n + base + len(more) + key["k"]
add(1)[0] if False else None
add.__defaults__[0].append(99)
square = lambda n: n * n
class Shape:
    count = 0
    def __init__(self, side): self.side = side; Shape.count += 1
    @property
    def area(self): return square(self.side)
    class Inner: pass
class Cube(Shape):
    def volume(self): return super().area * self.side
@functools.lru_cache
def slow(n): return n + 1
@dataclasses.dataclass
class Point:
    x: int
    y: int = 5
Pair = collections.namedtuple("Pair", "a b")
Color = enum.Enum("Color", "RED BLUE")
class Level(enum.IntEnum):
    LOW = 1
if True:
    def nested(): return "nested"
async def later(): return "later"
alias, table = add, {"f": square, "c": Cube, "m": functools, "i": Shape.Inner()}
cube, point, pair = Cube(2), Point(1), Pair(1, 2)`.replace("add(1)[0] if False else None\n", ""),
      );
      await sleep();
      const answer = await context.run(`
(add(1), alias is add, square(3), cube.volume(), Shape.count, slow(1), point, pair, Color.RED, Level.LOW.value,
 nested(), await later(), table["f"] is square, table["c"] is Cube, table["m"] is functools, type(table["i"]).__name__,
 down(2.5), path.join("a", "b"), xml.dom.minidom.__name__, isinstance(cube, Shape))`);
      expect(answer).toMatchObject({ error: null, dropped: [] });
      expect(answer.results[0]?.text).toBe(
        "(14, True, 9, 8, 1, 2, Point(x=1, y=5), Pair(a=1, b=2), <Color.RED: 1>, 1, 'nested', 'later', True, True, True, " +
          "'Inner', 2, 'a/b', 'xml.dom.minidom', True)",
      );
      expect((await context.run("import inspect\ninspect.getsource(add)")).results[0]?.text).toContain("base + len");
      expect((await context.run("slow('no')")).error?.traceback.join("\n")).toContain("def slow");
    },
    SLOW_MS,
  );

  test(
    "an older class of the same name stays the class of its instances",
    async () => {
      await context.run("class A:\n  def hi(self): return 'old'\nold = A()");
      await context.run("class A:\n  def hi(self): return 'new'\nnew = A()");
      await sleep();
      expect(await context.value("old.hi(), new.hi(), type(old) is A, type(new) is A")).toBe(
        "('old', 'new', False, True)",
      );
    },
    SLOW_MS,
  );

  test(
    "what was saved and bound again can be saved again",
    async () => {
      await context.run("def f(n=[1]): return n\nclass A: pass\na = A(); a.f = f; n = 0");
      for (let round = 1; round <= 3; round++) {
        await context.run("n += 1; f().append(n)");
        await sleep();
      }
      expect(await context.value("n, f(), a.f is f, type(a) is A")).toBe("(3, [1, 1, 2, 3], True, True)");
    },
    SLOW_MS,
  );

  test(
    "what cannot be saved is told by name, with why, once, and nothing else is lost with it",
    async () => {
      await context.run(`
import socket, threading, sqlite3, os, subprocess
def maker():
    hidden = 1
    return lambda: hidden
good, sock, file, lock = [1], socket.socket(), open(os.devnull), threading.Lock()
thread, generator, closure = threading.Thread(), (n for n in [1]), maker()
async def nothing(): pass
coroutine, database = nothing(), sqlite3.connect(":memory:")
holder, listed, named = {"deep": [sock]}, [lambda: 1], {"good": good}
child = subprocess.Popen(["true"])
deep = []
for _ in range(100_000): deep = [deep]`);
      await sleep();
      const answer = await context.run("good is named['good'], maker()()");
      expect(answer.results[0]?.text).toBe("(True, 1)");
      const reasons = Object.fromEntries(answer.dropped.map(({ name, reason }) => [name, reason]));
      expect(Object.keys(reasons).toSorted()).toEqual(
        // prettier-ignore
        ["child", "closure", "coroutine", "database", "deep", "file", "generator", "holder", "listed", "lock", "sock", "thread"],
      );
      expect(reasons).toMatchObject({
        sock: "a socket cannot be saved",
        file: "an open file cannot be saved",
        lock: "a lock cannot be saved",
        generator: "a generator cannot be saved",
        coroutine: "a coroutine cannot be saved",
        database: "a connection to a database cannot be saved",
        holder: "it holds a socket, which cannot be saved",
        thread: "it holds a lock, which cannot be saved",
        deep: "it is nested too deeply",
      });
      expect(reasons["closure"]).toContain("inside of another one");
      expect((await context.run("sock")).error?.name).toBe("NameError");
      expect((await context.run("1")).dropped).toEqual([]);
    },
    SLOW_MS,
  );

  test(
    "what cannot be brought back is told by name, and the rest is there",
    async () => {
      mkdirSync(`${supervisor.workspace}/gone`);
      writeFileSync(`${supervisor.workspace}/gone/__init__.py`, "class Thing:\n  pass\nhelper = len\nVALUE = [1]\n");
      await context.run(`
import gone
from gone import Thing, VALUE
thing, many, kept = Thing(), {"t": [Thing()]}, {"fine": 1}
both = [kept, thing]
class Child(Thing): pass
child = Child()
class Fragile:
    def __setstate__(self, state): open("needed.txt")
fragile = Fragile(); fragile.x = 1
pair = [fragile, kept]
open("needed.txt", "w").close()`);
      await sleep();
      renameSync(`${supervisor.workspace}/gone`, `${supervisor.workspace}/elsewhere`);
      rmSync(`${supervisor.workspace}/needed.txt`);
      const answer = await context.run("kept, VALUE, Fragile.__name__");
      expect(answer.results[0]?.text).toBe("({'fine': 1}, [1], 'Fragile')");
      expect(answer.dropped.map(({ name }) => name).toSorted()).toEqual([
        "Child",
        "Thing",
        "both",
        "child",
        "fragile",
        "gone",
        "many",
        "pair",
        "thing",
      ]);
      expect(answer.dropped.find(({ name }) => name === "thing")?.reason).toContain("No module named 'gone'");
    },
    SLOW_MS,
  );

  test(
    "values that are too large are dropped, and small ones are not",
    async () => {
      await context.run("huge, small = bytearray(80 << 20), [1]");
      await sleep();
      const answer = await context.run("small");
      expect(answer.results[0]?.text).toBe("[1]");
      expect(answer.dropped).toEqual([{ name: "huge", reason: "it is larger than 64 MiB" }]);
    },
    SLOW_MS,
  );

  test(
    "a context that has not run since is not saved again, one that runs keeps what was saved",
    async () => {
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      const file = `${directory()}/values/python.values`;
      const first = readFileSync(file);
      rmSync(file);
      await beginSnapshot(supervisor);
      expect(existsSync(file)).toBe(false);
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      expect(readFileSync(file)).toEqual(first);
      const run = context.run("import os, time\nx = 2\nwhile not os.path.exists('end'): time.sleep(0.01)");
      await until("it runs", async () => (await context.look()).state === "running", { deadlineMs: 20_000 });
      await beginSnapshot(supervisor);
      expect(readFileSync(file)).toEqual(first);
      await supervisor.execute({ command: "touch end" });
      await run;
      rmSync(`${supervisor.workspace}/end`);
    },
    SLOW_MS,
  );

  test(
    "what ran after the save and was not saved is told",
    async () => {
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      await context.run("x = 2");
      await restart();
      const answer = await context.run("x");
      expect(answer.results[0]?.text).toBe("1");
      expect(answer.lost?.reason).toContain("its variables are those of");
      expect((await context.run("x")).lost).toBeNull();
    },
    SLOW_MS,
  );

  test(
    "what was never saved is told, and so is the loss of a container",
    async () => {
      await context.run("x = 1");
      await restart();
      expect((await context.run("'x' in globals()")).lost?.reason).toContain("nothing was saved before");
      await context.run("y = 1");
      await sleep();
      const loss = { at: new Date(Date.now() + 1000).toISOString(), reason: "the container was lost" };
      expect(await context.run("y", { loss })).toMatchObject({ lost: loss, results: [{ text: "1" }] });
      expect((await context.run("y", { loss })).lost).toBeNull();
    },
    SLOW_MS,
  );

  test(
    "a crash is told after a wake too",
    async () => {
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      await context.run("import os; os._exit(1)");
      expect(restingContext(stored()).state).toBe("lost");
      await restart();
      expect((await context.look()).state).toBe("lost");
      const answer = await context.run("'x' in globals()");
      expect(answer.results[0]?.text).toBe("False");
      expect(answer.lost?.reason).toContain("exit code 1");
    },
    SLOW_MS,
  );

  test(
    "a freeze saves first, and a frozen session is not saved again",
    async () => {
      await context.run("x = 5");
      await supervisor.json("/freeze", { method: "POST" });
      await beginSnapshot(supervisor);
      await restart();
      expect(await context.run("x")).toMatchObject({ lost: null, results: [{ text: "5" }] });
    },
    SLOW_MS,
  );

  test(
    "a container that is told to end saves first",
    async () => {
      await using ending = await startSupervisor({ env: { ...PROGRAMS, BUNTIME_LAST_SAVE_MS: "300" } });
      const last = await TestContext.create(ending);
      await last.run("x = 9");
      const watch = ending.json<{ event: string }>("/watch");
      await until("it is watched", async () => (await ending.fetch("/health")).ok);
      const ended = ending.stop();
      expect(await watch).toEqual({ event: "terminating" });
      await ended;
      await ending.start();
      expect(await last.run("x")).toMatchObject({ lost: null, results: [{ text: "9" }] });
    },
    SLOW_MS,
  );

  test(
    "a save that is killed at any moment leaves what was saved before, or the new whole",
    async () => {
      await context.run("data = list(range(300_000)); x = 0");
      await beginSnapshot(supervisor);
      for (let round = 1; round <= 8; round++) {
        await context.run(`x = ${round}`);
        const saving = beginSnapshot(supervisor).catch(() => {});
        // Later in each round: before it, in the middle, when it is done.
        for (let turn = 0; turn < round * 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        await restart();
        await saving;
        const answer = await context.run("x, len(data)");
        expect([`(${round - 1}, 300000)`, `(${round}, 300000)`]).toContain(answer.results[0]?.text ?? "");
        if (answer.results[0]?.text === `(${round - 1}, 300000)`) expect(answer.lost).not.toBeNull();
        expect(readdirSync(directory()).filter((name) => name === "context.json")).toHaveLength(1);
        await context.run(`x = ${round}`);
        await beginSnapshot(supervisor);
      }
    },
    2 * SLOW_MS,
  );

  test(
    "what is saved is damaged, and the context says so and goes on",
    async () => {
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      await supervisor.execute({ command: `echo nonsense > '${directory()}/values/python.values'` });
      await restart();
      const answer = await context.run("'x' in globals()");
      expect(answer.results[0]?.text).toBe("False");
      expect(answer.dropped[0]?.name).toBe("*");
      expect(await context.value("41 + 1")).toBe("42");
    },
    SLOW_MS,
  );

  test.if(isRoot)(
    "user code can neither write what the supervisor reads nor lead it elsewhere",
    async () => {
      await context.run("x = 1");
      const hostile = `
cd .buntime/contexts && echo '{}' > ${context.id}/context.json; rm -rf ${context.id}; ln -s /etc ctx_00000000000000000000
cd ${context.id} && rmdir values; ln -s /etc/passwd values/python.values; mkdir values/python.values.new
mv /workspace/.buntime/contexts/${context.id}/values /tmp/x; true`;
      await supervisor.execute({ command: hostile.replaceAll("/workspace", supervisor.workspace) });
      await beginSnapshot(supervisor);
      expect(readFileSync("/etc/passwd", "utf8")).toContain("root");
      expect((await listContexts(supervisor)).total).toBe(1);
      const elsewhere = `${supervisor.workspace}/other`;
      mkdirSync(elsewhere);
      // All of it replaced by the user's own, with links in the place of directories.
      await supervisor.execute({ command: "mv .buntime old; mkdir -p .buntime; ln -s ../other .buntime/contexts" });
      await context.run("y = 1");
      await beginSnapshot(supervisor);
      expect(readdirSync(elsewhere)).toEqual([]);
      rmSync(elsewhere, { recursive: true });
    },
    SLOW_MS,
  );

  test(
    "files that are no context of ours are passed over",
    async () => {
      await context.run("x = 1");
      await beginSnapshot(supervisor);
      await supervisor.stop("SIGKILL");
      const contexts = `${supervisor.workspace}/.buntime/contexts`;
      for (const [name, text] of [
        ["ctx_00000000000000000001", "not json"],
        ["ctx_00000000000000000002", JSON.stringify({ ...stored(), id: "ctx_00000000000000000009" })],
        ["ctx_00000000000000000003", JSON.stringify({ ...stored(), id: "ctx_00000000000000000003", language: "perl" })],
        ["ctx_00000000000000000004", "x".repeat(1_000_000)],
        ["not-one", JSON.stringify(stored())],
      ] as const) {
        mkdirSync(`${contexts}/${name}`);
        writeFileSync(`${contexts}/${name}/context.json`, text);
      }
      mkdirSync(`${contexts}/ctx_00000000000000000005`);
      symlinkSync(`${directory()}/context.json`, `${contexts}/ctx_00000000000000000005/context.json`);
      await supervisor.start();
      expect((await listContexts(supervisor)).contexts.map(({ id }) => id)).toEqual([context.id]);
      for (const name of readdirSync(contexts))
        if (name !== context.id) rmSync(`${contexts}/${name}`, { recursive: true });
      expect(await context.value("x")).toBe("1");
    },
    SLOW_MS,
  );

  test(
    "a workspace that is replaced takes its contexts with it, and brings those that were saved in it",
    async () => {
      await using replaced = await startSupervisor({ env: PROGRAMS });
      const gone = await TestContext.create(replaced);
      await gone.run("x = 1");
      await context.run("x = 3");
      await beginSnapshot(supervisor);
      const mtimeNs = 1_700_000_000_000_000_000n;
      const inside = `.buntime/contexts/${context.id}`;
      const folders = [".buntime", ".buntime/contexts", inside, `${inside}/values`];
      const files = [`${inside}/context.json`, `${inside}/values/python.values`];
      await restore(
        replaced,
        archiveOf([
          ...folders.map((path) => ({ type: "directory", path, mode: 0o755, mtimeNs }) as const),
          ...files.map((path) => {
            const extents = [readFileSync(`${supervisor.workspace}/${path}`)];
            return { type: "file", path, mode: 0o644, mtimeNs, extents } as const;
          }),
        ]),
      );
      expect((await listContexts(replaced)).contexts).toMatchObject([{ id: context.id, state: "saved" }]);
      expect(await replaced.processes()).toEqual([]);
      expect(await new TestContext(replaced, context.id).value("x")).toBe("3");
      await beginSnapshot(replaced);
      expect((await gone.refusal("1")).error.code).toBe("context_not_found");
    },
    SLOW_MS,
  );

  test(
    "a deleted context leaves nothing behind",
    async () => {
      const other = await TestContext.create(supervisor);
      await other.run("x = 1");
      await beginSnapshot(supervisor);
      await other.delete();
      expect(readdirSync(`${supervisor.workspace}/.buntime/contexts`)).toEqual([context.id]);
    },
    SLOW_MS,
  );
});
