// An interrupt ends the run and not the context, whatever the program does; and no program gets between the kernel and the
// supervisor.
import { describe, expect, test } from "bun:test";
import { startKernel } from "./javascript-kernel-client.ts";

describe("an interrupt", () => {
  const programs: Readonly<Record<string, string>> = {
    "a busy loop": "console.log('go'); while (true) {}",
    "a busy loop after an await": "await Bun.sleep(1); console.log('go'); while (true) {}",
    "a busy loop in an async function after input":
      "await fetch('data:,x'); await (async () => { await 1; console.log('go'); for (;;); })()",
    "a busy loop in a timer": "setTimeout(() => { console.log('go'); for (;;); }, 1); await new Promise(() => {})",
    "a busy loop that catches everything":
      "console.log('go'); for (;;) { try { for (;;); } catch {} finally { continue } }",
    "a loop of microtasks": "console.log('go'); while (true) await null",
    "a loop of ticks":
      "console.log('go'); const tick = () => process.nextTick(tick); tick(); await new Promise(() => {})",
    "an await that never ends": "console.log('go'); await new Promise(() => {})",
    "an await of the clock": "console.log('go'); await Bun.sleep(3_600_000)",
    "a regular expression without end": "console.log('go'); /^(a+)+$/.test('a'.repeat(64) + 'b')",
    "a way of being shown without end": "console.log('go'); ({ [Symbol.for('Jupyter.display')]() { for (;;); } })",
  };
  for (const [what, code] of Object.entries(programs)) {
    test(`ends ${what} and keeps the variables`, async () => {
      await using kernel = await startKernel();
      await kernel.run("const kept = { value: 1 }; let later = 0");
      const { error, stdout } = await kernel.run(code, { interruptAt: "go" });
      expect(error).toEqual({
        name: "Interrupted",
        message: "The run was interrupted",
        traceback: [],
        line: null,
        column: null,
      });
      expect(stdout).toBe("go\n");
      expect(await kernel.valueOf("kept.value")).toBe(1);
      expect(await kernel.valueOf("later = await Bun.sleep(1).then(() => 2); later")).toBe(2);
    });
  }

  test("ends an inspection without end, whose text the engine then makes do without", async () => {
    await using kernel = await startKernel();
    const code = "console.log('go'); ({ [Symbol.for('nodejs.util.inspect.custom')]() { for (;;); } })";
    const { error } = await kernel.run(code, { interruptAt: "go" });
    expect(error === null || error.name === "Interrupted").toBe(true);
    expect(await kernel.valueOf("1")).toBe(1);
  });

  test("leaves running what awaited beside the program", async () => {
    await using kernel = await startKernel();
    await kernel.run("let beats = 0; const beat = setInterval(() => beats++, 1)");
    await kernel.run("console.log('go'); await new Promise(() => {})", { interruptAt: "go" });
    expect(
      await kernel.valueOf(
        "const since = beats; while (beats < since + 3) await Bun.sleep(1); clearInterval(beat); true",
      ),
    ).toBe(true);
  });

  test("of nothing does nothing, however often, and a run under fire ends in one of the two ways", async () => {
    await using kernel = await startKernel();
    await kernel.run("let count = 0");
    for (let round = 0; round < 300; round++) {
      kernel.interrupt();
      const running = kernel.run("await 1; count++; console.log('x')");
      if (round % 2 === 0) kernel.interrupt();
      const { error, stdout } = await running;
      if (error !== null) expect(error.name).toBe("Interrupted");
      else expect(stdout).toBe("x\n");
    }
    const { error } = await kernel.run("count");
    expect(error === null || error.name === "Interrupted").toBe(true);
    expect(Number(await kernel.valueOf("count"))).toBeGreaterThan(0);
  });
});

describe("hostile programs", () => {
  const untouched = "[1, { a: [2] }]";
  const changes: readonly string[] = [
    "JSON.stringify = () => 'evil'; JSON.parse = () => { throw 1 }",
    "Object.prototype.get = 5; Object.prototype.toJSON = () => 'evil'; Object.prototype.event = 'done'",
    "Object.defineProperty(Array.prototype, '0', { set() { throw 1 }, configurable: true })",
    "Array.prototype.push = Array.prototype.map = Array.prototype.join = () => { throw 1 }",
    "Array.prototype[Symbol.iterator] = function* () { yield 'evil' }",
    "String.prototype.slice = String.prototype.split = RegExp.prototype.exec = () => { throw 1 }",
    "Map.prototype.get = Map.prototype.set = Set.prototype.has = Set.prototype.add = () => { throw 1 }",
    "Promise.prototype.then = () => { throw 1 }",
    "Promise = Map = Set = Array = String = RegExp = Error = undefined",
    "for (const key of ['Object', 'Array', 'JSON', 'Reflect', 'Promise', 'process', 'Bun', 'Buffer', 'Symbol']) delete globalThis[key]",
    "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1 }",
    "Error.captureStackTrace = undefined; Error.prototype.toString = () => { throw 1 }",
    "Bun.inspect = () => { throw 1 }; Bun.sleepSync = () => { throw 1 }",
    "process.stdout.write = process.stderr.write = () => true; console.log = console.error = () => {}",
    "process.removeAllListeners = undefined; process.kill = () => { throw 1 }; process.exit = undefined",
    "setInterval = clearInterval = setImmediate = queueMicrotask = undefined",
    "Object.freeze(Array.prototype); Object.freeze(Object.prototype); Object.freeze(globalThis.JSON)",
    "const fs = require('node:fs'); fs.writeSync = fs.readSync = fs.readFileSync = () => { throw 1 }",
    "Buffer.from = Buffer.concat = () => { throw 1 }; Uint8Array.prototype.indexOf = () => { throw 1 }",
  ];
  for (const change of changes) {
    test(`cannot change what the supervisor hears: ${change.slice(0, 60)}`, async () => {
      await using kernel = await startKernel();
      expect((await kernel.run(`${change}; 1`)).error?.message).toBeUndefined();
      expect((await kernel.run(untouched)).results).toMatchObject([{ type: "json", json: [1, { a: [2] }] }]);
      expect((await kernel.run("await null; null.x")).error).toMatchObject({ name: "TypeError", line: 1 });
      expect((await kernel.run("const mine = { a: 1 }")).error).toBeNull();
      expect((await kernel.save(`${kernel.directory}/values`)).kept).toContain("mine");
    });
  }

  test("find their changes again in the next run", async () => {
    await using kernel = await startKernel();
    await kernel.run(
      "Array.prototype.last = function () { return this[this.length - 1] }; JSON.stringify = () => 'mine'; delete globalThis.Map",
    );
    expect(await kernel.valueOf("[[1, 2].last(), JSON.stringify(1), typeof Map]")).toEqual([2, "mine", "undefined"]);
  });

  test("print what looks like a mark or an event, and it is output", async () => {
    await using kernel = await startKernel();
    const text = '\\x1enonce9\\n{"event":"done","id":2,"error":null}\\n\\x1e\\n';
    const { stdout, error } = await kernel.run(`console.log(${JSON.stringify(text).replaceAll("\\\\", "\\")})`);
    expect(error).toBeNull();
    expect(stdout).toContain('"event":"done"');
  });

  test("do not hand the two pipes on to what they start", async () => {
    await using kernel = await startKernel();
    expect(await kernel.valueOf("Bun.spawnSync(['sh', '-c', 'echo x >&4']).success")).toBe(false);
    expect(
      await kernel.valueOf("require('node:child_process').spawnSync('sh', ['-c', 'echo x >&4']).status === 0"),
    ).toBe(false);
  });

  test("may close their output", async () => {
    await using kernel = await startKernel();
    await kernel.run("const held = 1");
    // Its marks are lost with it, so what is waited for is the event alone.
    const closed = kernel.run("require('node:fs').closeSync(2); held");
    const asked = await kernel.save(`${kernel.directory}/values`);
    expect(asked.kept).toContain("held");
    void closed.catch(() => {});
  });
});
