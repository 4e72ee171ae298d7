// What a context in JavaScript brings over its end: values in full, with what they share, and by name what it cannot.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { startKernel } from "./javascript-kernel-client.ts";
import type { Run, Values } from "./javascript-kernel-client.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "values-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const place = (): string => join(directory, "saved");

/** Run, saved, and brought back into a new interpreter, which then runs the second part. */
async function overSleep(
  before: string | readonly string[],
  after: string,
): Promise<{ saved: Values; restored: Values; run: Run }> {
  const first = await startKernel(directory);
  try {
    for (const code of [before].flat()) {
      const { error } = await first.run(code);
      if (error !== null) throw new Error(`${error.name}: ${error.message} (${error.line})`);
    }
    const saved = await first.save(place());
    await first.close();
    const second = await startKernel(directory);
    try {
      const restored = await second.restore(place());
      return { saved, restored, run: await second.run(after) };
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

const valueAfter = async (before: string | readonly string[], after: string): Promise<unknown> => {
  const { run } = await overSleep(before, after);
  if (run.error !== null) throw new Error(`${run.error.name}: ${run.error.message} (${run.error.line})`);
  return run.results.find(({ main }) => main)?.json;
};

const reasons = ({ dropped }: Values): Record<string, string> =>
  Object.fromEntries(dropped.map(({ name, reason }) => [name, reason]));

describe("values", () => {
  test("of every kind come back as they were", async () => {
    const before = `const u = undefined, nan = NaN, minus = -0, big = 12345678901234567890n, far = Infinity;
      const date = new Date(5), bad = new Date(NaN), re = /a(b)/giu; re.lastIndex = 3;
      const map = new Map<any, any>([[{ k: 1 }, "o"], [NaN, 2]]), set = new Set([1, "x", -0]);
      const bytes = new Uint8Array([1, 2, 3, 4]), part = new Uint16Array(bytes.buffer, 2, 1), view = new DataView(bytes.buffer, 1), buffer = Buffer.from("ü");
      const sparse = [1, , 3]; sparse.length = 5; const extra = Object.assign([1], { more: 2 });
      const bare = Object.create(null); bare.x = 1; const boxed = Object("str"), own = Symbol("own"), keyed = { [own]: 1, [Symbol.iterator]: 2, [Symbol.for("r")]: 3 };
      const frozen = Object.freeze({ a: 1 }), sealed = Object.seal([1]); const hiddenProp = Object.defineProperty({}, "h", { value: 1 });
      const url = new URL("https://x.y/z?q=1"), params = new URLSearchParams("a=1&b=2"); let empty; const long = "x".repeat(100_000), odd = "\\ud800";
      const heir = Object.create({ inherited: 1 }, { a: { value: 2, enumerable: true } }); const log = console.log, maths = Math, E = TypeError;`;
    const after = `[
      u === undefined && "u" in globalThis, Number.isNaN(nan), Object.is(minus, -0), big === 12345678901234567890n, far === Infinity,
      date.getTime() === 5, Number.isNaN(bad.getTime()), String(re) === "/a(b)/giu" && re.lastIndex === 3,
      map.size === 2 && [...map][0][0].k === 1 && map.get(NaN) === 2, set.has("x") && [...set].length === 3,
      part.buffer === bytes.buffer && view.buffer === bytes.buffer && part[0] === 1027 && view.getUint8(0) === 2, Buffer.isBuffer(buffer) && buffer.toString() === "ü",
      !(1 in sparse) && sparse.length === 5 && sparse[2] === 3, extra.more === 2 && extra.length === 1,
      Object.getPrototypeOf(bare) === null && bare.x === 1, boxed instanceof String && boxed == "str",
      keyed[own] === 1 && own.description === "own" && keyed[Symbol.iterator] === 2 && keyed[Symbol.for("r")] === 3,
      Object.isFrozen(frozen), Object.isSealed(sealed), !Object.keys(hiddenProp).length && hiddenProp.h === 1,
      url.href === "https://x.y/z?q=1", params.get("b") === "2", empty === undefined, long.length === 100_000, odd === "\\ud800",
      heir.inherited === 1 && heir.a === 2, log === console.log, maths === Math, E === TypeError,
    ].findIndex((isRight) => isRight !== true)`;
    expect(await valueAfter(before, after)).toBe(-1);
  });

  test("that variables share they share again, and cycles close", async () => {
    const before =
      "const shared = { n: 1 }; const a = { shared }, b = [shared], c = new Map([[shared, a]]); a.self = a; a.c = c";
    expect(
      await valueAfter(before, "[a.shared === shared, b[0] === shared, c.get(shared) === a, a.self === a, a.c === c]"),
    ).toEqual(Array(5).fill(true));
  });

  test("as deep as memory goes", async () => {
    const before = "let deep: any = null; for (let n = 0; n < 100_000; n++) deep = { next: deep };";
    expect(await valueAfter(before, "let length = 0; for (let at = deep; at; at = at.next) length++; length")).toBe(
      100_000,
    );
  });

  test("errors keep what they are, their message, cause and stack", async () => {
    const before =
      "class Own extends RangeError { code = 7 } const own = new Own('m', { cause: { x: 1 } }), plain = new TypeError('t'), all = new AggregateError([plain], 'all')";
    const after = `[own instanceof Own && own instanceof RangeError, own.message, own.code, own.cause.x, plain instanceof TypeError, all.errors[0] === plain,
      Error.isError(own), typeof own.stack]`;
    expect(await valueAfter(before, after)).toEqual([true, "m", 7, 1, true, true, true, "string"]);
  });

  test("by the names of what every program has are the program's", async () => {
    const before =
      "const process = { n: 1 }, Map = [2], Set = 4, Reflect = 5; var URL = null; class Blob { x = 3 } const blob = new Blob()";
    const after = "[process, Map, URL, new Blob().x, blob instanceof Blob, Set, Reflect]";
    expect(await valueAfter(before, after)).toEqual([{ n: 1 }, [2], null, 3, true, 4, 5]);
  });

  test("made without a declaration are saved too, deleted ones are not", async () => {
    expect(await valueAfter("implicit = 1; gone = 2; delete globalThis.gone", "[implicit, typeof gone]")).toEqual([
      1,
      "undefined",
    ]);
  });
});

describe("functions and classes", () => {
  test("come back by their text and refer to each other and to the variables by name", async () => {
    const before = [
      "let counter = 5; function inc(): number { return counter += 1 } const twice = () => [inc(), inc()]; async function later() { await 1; return inc() }",
      "await 1; function* gen() { yield counter } const o = { counter: 1, get double() { return this.counter * 2 }, set double(v) { this.counter = v }, m() { return this.counter } }",
      "inc.calls = 3; inc.prototype.extra = 1",
    ];
    const after =
      "o.double = 7; [...twice(), await later(), counter, [...gen()][0], o.double, o.m(), inc.calls, inc.name, twice.name, inc.prototype.extra]";
    expect(await valueAfter(before, after)).toEqual([6, 7, 8, 8, 8, 14, 7, 3, "inc", "twice", 1]);
  });

  test("instances belong to their class again, with statics and inheritance", async () => {
    const before = [
      "class Animal { static count = 0; name; constructor(name: string) { this.name = name; Animal.count++ } hi() { return `hi ${this.name}` } static make() { return new this('made') } }",
      "class Dog extends Animal { get loud() { return super.hi().toUpperCase() } } const rex = new Dog('rex'), pair = [rex, new Animal('a')]; class Shelf extends Map {} const shelf = new Shelf([[1, rex]])",
      "function Old() { this.x = 1 } Old.prototype.y = function () { return this.x }; const old = new Old()",
    ];
    const after =
      "[rex.loud, rex instanceof Dog, pair[0] === rex, Animal.count, Dog.make().name, Animal.count, shelf instanceof Shelf, shelf.get(1) === rex, old.y(), old instanceof Old]";
    expect(await valueAfter(before, after)).toEqual(["HI REX", true, true, 2, "made", 3, true, true, 1, true]);
  });

  test("keep what their prototypes inherit, have been given and have lost", async () => {
    const before = [
      "function Base() {} Base.prototype.greet = function () { return 'base' }; function Sub() {} Sub.prototype = Object.create(Base.prototype); const sub = new Sub(); function Own() {} Own.prototype = { constructor: Own, m() { return 'm' } }; const own = new Own(); class Heir extends Sub {} const heir = new Heir()",
      "function Linked() {} Object.setPrototypeOf(Linked.prototype, Base.prototype); Object.setPrototypeOf(Linked, Base); Base.shared = 1; const linked = new Linked(); function* gen() {} gen.prototype.extra = 1",
      "class A { hello() { return 'hello' } gone() {} get g() { return 7 } static s() { return 's' } ['com' + 'puted']() { return 'c' } } A.prototype.hi = A.prototype.hello; delete A.prototype.gone; A.t = A.s; A.prototype.s = A.s; const detached = A.prototype.hello; Object.defineProperty(A.prototype, 'g2', Object.getOwnPropertyDescriptor(A.prototype, 'g'))",
      "class P { hello() { return 'old' } } P.prototype.old = P.prototype.hello; P.prototype.hello = function () { return 'new ' + this.old() }; const p = new P(); class F { m() {} static c = 1 } Object.freeze(F.prototype); Object.freeze(F); class N { static name = 'given' }",
      "class B1 {} class B2 extends B1 {} const b2 = new B2(); Object.setPrototypeOf(B2.prototype, Base.prototype)",
      "class Old1 { x() { return 1 } } class Kid extends Old1 {} const kid = new Kid()",
      "class Old1 { x() { return 2 } }",
    ];
    const after = `[sub instanceof Sub && sub instanceof Base, sub.greet(), Object.getPrototypeOf(sub) === Sub.prototype, Object.keys(Sub.prototype), own.m(), own instanceof Own, Object.keys(Own.prototype),
      heir instanceof Base && heir instanceof Sub, heir.greet(), linked.greet(), Linked.shared, gen.prototype.extra, typeof gen().next,
      A.prototype.hi === A.prototype.hello, new A().hi(), "gone" in A.prototype, A.t === A.s, A.prototype.s === A.s, detached === A.prototype.hello, new A().g2, new A().computed(),
      p.hello(), Object.isFrozen(F.prototype), Object.isFrozen(F), N.name, b2.greet(), kid.x(), kid instanceof Kid]`;
    const { saved, restored, run } = await overSleep(before, after);
    expect([saved.dropped, restored.dropped]).toEqual([[], []]);
    expect(run.error).toBeNull();
    // prettier-ignore
    expect(run.results[0]?.json).toEqual([true, "base", true, [], "m", true, ["constructor", "m"], true, "base", "base", 1, 1, "function",
      true, "hello", false, true, true, true, 7, "c", "new old", true, true, "given", "base", 1, true]);
  });

  test("that are not what their text says are dropped by name", async () => {
    const before = [
      "class A { static pick() { return { hello() { return 'other' } } } hello() { return 'other' } } A.prototype.hi = A.pick().hello; const a = new A()",
      "class C { m() { return 1 } } C.prototype.constructor = Object; const c = new C(); class D { a = 1 }",
    ];
    const { saved } = await overSleep(before, "1");
    expect(Object.keys(reasons(saved)).toSorted()).toEqual(["A", "C", "a", "c"]);
    expect(saved.kept).toEqual(["D"]);
  });

  test("are strict where they were, and only there", async () => {
    const before = [
      "'use strict'; function a() { return this === undefined } const b = function () { return !this }, o = { m() { return !this } }; await 1",
      "function c() { return this === undefined }",
    ];
    expect(await valueAfter(before, "const { m } = o; [a(), b(), m(), c()]")).toEqual([true, true, true, false]);
  });

  test("of the same text as one that was made inside of another are not taken for it", async () => {
    const before = [
      "let count = 100; const next = () => ++count; function counter() { let count = 0; return () => ++count } const c1 = counter(); c1(); c1()",
      "const same = (x) => x, log = (x) => console.log(x); function each(list) { console.log(1); return [list.map((x) => x), list.map((x) => log(x)), list.map((x) => console.log(x))] }",
      "const self = () => this; const own = { m() { return () => this } }; const caught = own.m(); const part = () => cou; function mk(cou) { return () => count + cou }",
    ];
    const { saved, run } = await overSleep(
      before,
      "[typeof next, typeof c1, same(3), typeof log, typeof caught, count]",
    );
    expect(Object.keys(reasons(saved)).toSorted()).toEqual(["c1", "caught", "next", "self"]);
    expect(reasons(saved)["c1"]).toContain("inside of another one");
    expect(run.results[0]?.json).toEqual(["undefined", "undefined", 3, "function", "undefined", 100]);
  });

  test("errors in them tell the lines they were written in", async () => {
    const { run } = await overSleep(
      "const x = 1;\n\nfunction boom(y: number) {\n  throw new Error('b')\n}",
      "\nboom(1)",
    );
    expect(run.error?.traceback[0]).toMatch(/^at boom \(<run 1>:4:/);
    expect(run.error).toMatchObject({ line: 2 });
  });

  test("are saved again after they were brought back", async () => {
    const first = await overSleep("let n = 1; const add = (x: number) => x + n", "n = 10");
    expect(first.restored.kept).toContain("add");
    await using third = await startKernel(directory);
    await third.restore(place());
    const saved = await third.save(place());
    expect(saved).toMatchObject({ kept: ["n", "add"], dropped: [] });
    expect(await third.valueOf("add(1)")).toBe(2);
  });
});

test("imports are imported again, and what they gave is what it was", async () => {
  writeFileSync(
    join(directory, "lib.ts"),
    "export const value = { n: 1 }; export class Thing { x = 1 } export default function lib() { return 'lib' }",
  );
  const before = `import lib, { value, Thing as T } from "./lib.ts"; import * as all from "./lib.ts"; import fs, { readFileSync } from "node:fs";
    const path = require("node:path"); const { join } = require("node:path"); const thing = new T(); const { Database } = await import("bun:sqlite");`;
  const after = `[lib(), value === all.value, thing instanceof T, fs.readFileSync === readFileSync, path.join === join, typeof Database, typeof all.Thing]`;
  expect(await valueAfter(before, after)).toEqual(["lib", true, true, true, true, "function", "function"]);
});

describe("data of the program's own modules", () => {
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);

  test("comes back as it was changed, and is still what the module has", async () => {
    write("d.json", '{"k":[1],"gone":1,"deep":{"list":[{"a":1},{"a":2}]}}');
    write(
      "cfg.ts",
      `class Client { n = 0 } const client = new Client();
      export const cfg = { n: 1, log() { return this.n }, client, sub: { list: [1] }, get twice() { return this.n * 2 } }; export default { z: 1 };
      export const frozen = Object.freeze({ list: Object.freeze([1, 2]) }), list = [1, 2, 3], map = new Map<string, unknown>([["a", 1]]);
      export const look = () => [cfg.n, cfg.sub.list.length, list.length, map.size]; export const untouched = { n: 1 };`,
    );
    write("plain.cjs", "module.exports = { n: 1, f() { return 'f' }, list: [] }");
    const before = [
      "import d from './d.json'; import other, { cfg, frozen, look, list, map } from './cfg.ts'; const plain = require('./plain.cjs'), { f } = plain; import * as all from './cfg.ts'",
      "d.k.push(3); delete d.gone; d.deep.list.shift(); d.added = { own: [1] }; const inner = d.deep; cfg.n = 5; cfg.sub.list.push(2); cfg.mine = (x) => x + cfg.n; list.length = 1; map.set('b', list); other.z = 2; plain.n = 2; plain.more = () => plain.n; plain.list.push(plain); const { log, client } = cfg",
    ];
    const after = `[d, inner === d.deep, look(), cfg.mine(1), cfg.log(), cfg.log === log, cfg.client === client, client.constructor.name, cfg.twice, cfg === all.cfg, frozen === all.frozen && Object.isFrozen(frozen.list),
      map.get("b") === list, all.default.z, plain.n, plain.more(), f === plain.f, plain.list[0] === plain, require('./plain.cjs') === plain, (await import('./d.json')).default === d]`;
    const { saved, restored, run } = await overSleep(before, after);
    expect([saved.dropped, restored.dropped]).toEqual([[], []]);
    expect(run.error).toBeNull();
    // prettier-ignore
    expect(run.results[0]?.json).toEqual([{ k: [1, 3], deep: { list: [{ a: 2 }] }, added: { own: [1] } }, true, [5, 2, 1, 2], 6, 5, true, true, "Client", 10, true, true,
      true, 2, 2, 2, true, true, true, true]);
  });

  test("is changed through the module as a whole too", async () => {
    write("cfg.ts", "export const cfg = { n: 1 }; export const other = () => cfg.n");
    expect(await valueAfter("import * as all from './cfg.ts'; all.cfg.n = 5", "[all.cfg.n, all.other()]")).toEqual([
      5, 5,
    ]);
  });

  test("that cannot be saved is dropped by name, and what comes from the same module is there", async () => {
    write("app.ts", "export const state: any = { open: null }; export const version = () => 7");
    const before = "import { state, version } from './app.ts'; state.open = Promise.resolve(1)";
    const { saved, run } = await overSleep(before, "[version(), typeof state]");
    expect(reasons(saved)).toEqual({ state: "it holds a Promise at .open" });
    expect(run.results[0]?.json).toEqual([7, "undefined"]);
  });

  test("is as it was imported and required, whichever came first", async () => {
    write("d.json", '{"k":[1]}');
    const before = ["import d from './d.json'", "const e = require('./d.json'); d.k.push(2); const same = d === e"];
    expect(await valueAfter(before, "[d, e.default === d, d === e === same]")).toEqual([{ k: [1, 2] }, true, true]);
  });
});

describe("what cannot be saved", () => {
  test("is dropped by name with its reason, and with it only what holds it", async () => {
    const before = `const fine = { a: 1 }; const promise = Promise.resolve(1), timer = setTimeout(() => {}, 1e6), proxy = new Proxy({}, {}), weak = new WeakMap(), ref = new WeakRef(fine);
      function* numbers() { yield 1 } const generator = numbers(), iterator = [1][Symbol.iterator](); const server = Bun.serve({ port: 0, fetch: () => new Response("x") });
      class Secret { #x = 1 } const secret = new Secret(); const holder = { list: [fine, { promise }] }; const make = () => { let n = 0; return () => n++ }; const count = make();
      const bound = make.bind(null); const shared = new SharedArrayBuffer(1); import { EventEmitter } from "node:events"; const emitter = new EventEmitter();
      const loops = []; for (let i = 0; i < 2; i++) loops.push(() => i); const curry = (a: number) => (b: number) => a + b, add1 = curry(1); const evaluated = new Function("return 1");
      const { Database } = await import("bun:sqlite"); const db = new Database(":memory:"); const response = new Response("x"); Object.defineProperty(globalThis, "got", { get: () => 1, configurable: true })`;
    const { saved, restored, run } = await overSleep(before, "[typeof promise, fine.a, typeof make, typeof curry]");
    const dropped = reasons(saved);
    const names =
      "add1 bound count db emitter evaluated generator got holder iterator loops promise proxy ref response secret server shared timer weak".split(
        " ",
      );
    expect(Object.keys(dropped).toSorted()).toEqual(names);
    expect(dropped).toMatchObject({
      promise: "it is a Promise",
      holder: "it holds a Promise at .list[1].promise",
      secret: "it is a Secret, whose private fields nobody else can read",
      count: expect.stringContaining("inside of another one"),
      loops: expect.stringContaining("at ["),
      timer: expect.stringContaining("Timeout"),
    });
    expect([...saved.kept].toSorted()).toEqual([
      "Database",
      "EventEmitter",
      "Secret",
      "curry",
      "fine",
      "make",
      "numbers",
    ]);
    expect(reasons(restored)).toEqual(dropped);
    expect(restored.kept).toEqual(saved.kept);
    expect(run.results[0]?.json).toEqual(["undefined", 1, "function", "function"]);
  });

  test("for its size is the largest, by name", async () => {
    const before =
      "const one = new Uint8Array(40 << 20), two = new Uint8Array(30 << 20), small = 'x', huge = Array.from({ length: 70 }, () => new Uint8Array(1 << 20))";
    const { saved, run } = await overSleep(before, "[two.length, small]");
    expect(reasons(saved)).toEqual({ one: expect.stringContaining("64 MiB"), huge: expect.stringContaining("64 MiB") });
    expect(run.results[0]?.json).toEqual([30 << 20, "x"]);
  });

  test("any more when it is to come back is dropped then, and the rest is there", async () => {
    writeFileSync(join(directory, "soon-gone.ts"), "export const gone = () => 1");
    const first = await startKernel(directory);
    await first
      .run(
        "import { gone } from './soon-gone.ts'; const user = { gone }, other = 1; class A extends (globalThis as any).base?.() {}",
      )
      .catch(() => {});
    await first.run("import { gone } from './soon-gone.ts'; const user = { gone }, other = 1;");
    await first.save(place());
    await first.close();
    rmSync(join(directory, "soon-gone.ts"));
    await using second = await startKernel(directory);
    const restored = await second.restore(place());
    expect(Object.keys(reasons(restored)).toSorted()).toEqual(["gone", "user"]);
    expect(reasons(restored)["user"]).toContain("soon-gone");
    expect(restored.kept).toContain("other");
    expect(await second.valueOf("[other, typeof user]")).toEqual([1, "undefined"]);
  });

  test("at all is told: nothing saved, a file that is cut off, a place that cannot be written", async () => {
    await using kernel = await startKernel(directory);
    await kernel.run("const a = 'x'.repeat(10_000)");
    expect((await kernel.restore(place())).failed).toContain("ENOENT");
    writeFileSync(join(directory, "file"), "");
    expect((await kernel.save(join(directory, "file", "below"))).failed).toBeString();
    await kernel.save(place());
    expect(readdirSync(place())).toEqual(["javascript.values"]);
    const file = join(place(), "javascript.values");
    truncateSync(file, readFileSync(file).length - 100);
    expect(reasons(await kernel.restore(place()))).toEqual({ a: expect.stringContaining("cannot be read") });
  });

  test("is found out without calling the program's own code", async () => {
    const before =
      "let called = 0; const trap = { get x() { called++; return 1 }, toJSON() { called++ } }; Object.prototype.then = undefined; delete Object.prototype.then;";
    expect(await valueAfter(before, "called")).toBe(0);
  });
});

test("any values with shared parts and cycles are equal when they come back, and share the same parts", async () => {
  const first = await startKernel();
  const second = await startKernel();
  /** What a program says of a graph: each object once, by the way it was first reached. */
  const describeGraph = `var describeGraph = (root) => { const seen = new Map(); const walk = (v) => {
      if (typeof v === "bigint") return ["bigint", String(v)];
      if (typeof v === "number") return ["number", Object.is(v, -0) ? "-0" : String(v)];
      if (v === undefined) return ["undefined"];
      if (typeof v !== "object" || v === null) return [typeof v, v];
      if (seen.has(v)) return ["seen", seen.get(v)]; seen.set(v, seen.size);
      const kind = Object.prototype.toString.call(v), keys = Object.keys(v).map((k) => [k, walk(v[k])]);
      if (v instanceof Map) return [kind, [...v].map(([a, b]) => [walk(a), walk(b)]), keys];
      if (v instanceof Set) return [kind, [...v].map(walk), keys];
      if (v instanceof Date) return [kind, v.getTime(), keys];
      return [kind, Array.isArray(v) ? v.length : 0, Object.getPrototypeOf(v) === null, Object.isFrozen(v), keys];
    }; return JSON.stringify(walk(root)) }`;
  try {
    await first.run(describeGraph);
    await second.run(describeGraph);
    const leaf = fc.oneof(
      fc.constantFrom(
        "undefined",
        "null",
        "true",
        "NaN",
        "-0",
        "Infinity",
        "0n",
        "-17n",
        "new Date(3)",
        "Object.create(null)",
      ),
      fc.integer().map(String),
      fc.double().map((n) => (Object.is(n, -0) ? "-0" : String(n))),
      fc.string({ unit: "binary", maxLength: 8 }).map((text) => JSON.stringify(text)),
    );
    const key = fc.constantFrom("a", "b", "__proto__", "0", "length", "constructor", "then", "ü");
    // Objects by number; afterwards anything may be put into any of them.
    const graph = fc.record({
      kinds: fc.array(fc.constantFrom("{}", "[]", "new Map()", "new Set()", "[,1,,]"), { minLength: 1, maxLength: 8 }),
      edges: fc.array(
        fc.tuple(
          fc.nat(),
          key,
          fc.oneof(
            fc.nat().map((n) => n),
            leaf,
          ),
        ),
        { maxLength: 24 },
      ),
      frozen: fc.option(fc.nat(), { nil: null }),
    });
    await fc.assert(
      fc.asyncProperty(graph, async ({ kinds, edges, frozen }) => {
        const pick = (n: number): string => `o[${n % kinds.length}]`;
        const lines = edges.map(([from, name, to]) => {
          const value = typeof to === "number" ? pick(to) : to;
          return `put(${pick(from)}, ${JSON.stringify(name)}, ${value})`;
        });
        const put = `const put = (at, k, v) => at instanceof Map ? at.set(k === "0" ? v : k, v) : at instanceof Set ? at.add(v) : Array.isArray(at) && k === "length" ? at.push(v)
            : Object.defineProperty(at, k, { value: v, writable: true, enumerable: true, configurable: true })`;
        const code = `var o = [${kinds.join(",")}]; { ${put}; ${lines.join(";")} } ${frozen === null ? "" : `Object.freeze(${pick(frozen)})`}; var part = o[0]; describeGraph([o, part])`;
        const before = await first.valueOf(code);
        const saved = await first.save(place());
        expect(saved.dropped).toEqual([]);
        expect((await second.restore(place())).dropped).toEqual([]);
        expect(await second.valueOf("describeGraph([o, part])")).toEqual(before);
      }),
      { numRuns: 60 },
    );
  } finally {
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  }
});
