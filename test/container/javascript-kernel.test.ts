// What a context in JavaScript promises about its code: variables, imports, results, errors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startKernel } from "./javascript-kernel-client.ts";
import type { TestKernel } from "./javascript-kernel-client.ts";

let kernel: TestKernel;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel[Symbol.asyncDispose]());

const write = (path: string, text: string): void => writeFileSync(join(kernel.directory, path), text);

describe("names", () => {
  test("variables, functions and classes are there in the next run", async () => {
    await kernel.run(
      "const a = 1; let b = 2; var c = 3; d = 4; function sum() { return a + b + c + d } class K { x = sum() }",
    );
    await kernel.run("b += 10");
    expect(await kernel.valueOf("[a, b, c, d, sum(), new K().x]")).toEqual([1, 12, 3, 4, 20, 20]);
  });

  test("a constant may be declared again, and a function that is, is the new one for its callers", async () => {
    await kernel.run("const again = 1; function inner() { return 'old' } function outer() { return inner() }");
    await kernel.run("const again = 2");
    await kernel.run("await 1; function inner() { return 'new' }");
    expect(await kernel.valueOf("[again, outer()]")).toEqual([2, "new"]);
  });

  test("what a run had assigned before it threw stays", async () => {
    await kernel.run("const before = 1; throw new Error('x'); const after = 2");
    expect(await kernel.valueOf("[before, after]")).toBeUndefined();
    expect(await kernel.valueOf("before")).toBe(1);
  });

  test("destructuring, enums, namespaces and decorators declare names too", async () => {
    const code = `const { p, q: [r], ...rest } = { p: 1, q: [2], s: 3 }; enum Color { Red, Green = "g" }
      namespace N { export const n = 5 } function mark(target: any, context: any) { target.marked = true } @mark class D {}`;
    expect((await kernel.run(code)).error).toBeNull();
    expect(await kernel.valueOf("[p, r, rest, Color.Red, Color.Green, N.n, (D as any).marked]")).toEqual([
      1,
      2,
      { s: 3 },
      0,
      "g",
      5,
      true,
    ]);
  });

  test("what is exported is declared, as if it were not", async () => {
    write("exported.ts", "export const other = 5; globalThis.exportedRan = true");
    const code = `export function f() { return 1 }
      export default class K { x = 2 }
      export const c = 3, { export: d } = { export: 4 }; export async function g() { return 6 }
      const e = 5; export { c as cc, e }; export type { T } from "./gone.ts"; export type U = string; export interface I {}
      export * from "./exported.ts"
      export abstract class L {} export enum En { A = 7 } namespace N { export const n = 8 }
      [f(), new K().x, c, d, e, await g(), exportedRan, typeof L, En.A, N.n]`;
    expect(await kernel.valueOf(code)).toEqual([1, 2, 3, 4, 5, 6, true, "function", 7, 8]);
    for (const anonymous of [
      "function () {}",
      "class extends Array {}",
      "() => 1",
      "{ a: 1 }",
      "async () => {}",
      "5",
    ]) {
      const { error } = await kernel.run(`export default ${anonymous}`);
      expect({ anonymous, error }).toEqual({ anonymous, error: null });
    }
    expect(await kernel.valueOf("export default function named() { return 9 }\nnamed()")).toBe(9);
    expect((await kernel.run("const a = 1\nexport { a }\n\nnowhere()")).error).toMatchObject({ line: 4, column: 1 });
  });

  test("'use strict' holds for all of a run, and for no other", async () => {
    const code =
      "'use strict'; function f() { return this === undefined }; const g = function () { return this === undefined };";
    expect(await kernel.valueOf(`${code} [f(), g()]`)).toEqual([true, true]);
    expect(await kernel.valueOf(`${code} await 1; [f(), g()]`)).toEqual([true, true]);
    expect(await kernel.valueOf(code.replace("'use strict';", "") + "[f(), g()]")).toEqual([false, false]);
    const { error } = await kernel.run("'use strict'; function h() {\n  nowhere()\n}\nh()");
    expect(error?.traceback[0]).toMatch(/^at h \(<run \d+>:2:3\)$/);
  });

  test("values are of the ordinary realm", async () => {
    expect(await kernel.valueOf("[[] instanceof Array, new Error() instanceof Error, this === globalThis]")).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe("TypeScript and JSX", () => {
  test("types are left out, casts and generics parse in either way of writing them", async () => {
    const code =
      "interface A { a: number } const one = <number>(1 as any); const id = <T>(x: T): T => x; type B = A; id<number>(one)!";
    expect(await kernel.valueOf(code)).toBe(1);
  });

  test("JSX calls what the code says, with the names of the project's settings", async () => {
    mkdirSync(join(kernel.directory, "node_modules/small"), { recursive: true });
    write("node_modules/small/package.json", '{"name":"small","exports":{"./jsx-dev-runtime":"./jsx.js"}}');
    write(
      "node_modules/small/jsx.js",
      "export const jsxDEV = (type, props) => ({ type, props }); export const Fragment = 'fragment'",
    );
    write("tsconfig.json", '{"compilerOptions":{"jsx":"react-jsxdev","jsxImportSource":"small"}}');
    expect(await kernel.valueOf("const element = <p id='x'>don't <b>go</b></p>; element")).toEqual({
      type: "p",
      props: { id: "x", children: ["don't ", { type: "b", props: { children: "go" } }] },
    });
    expect(await kernel.valueOf("<></>")).toEqual({ type: "fragment", props: {} });
    expect(await kernel.valueOf("<p>\nexport class X\n</p>")).toMatchObject({ props: { children: "export class X" } });
  });
});

describe("imports", () => {
  test("default, named, namespace and side effects, from files, packages, Bun and Node", async () => {
    write("lib.ts", "export default 'the default'; export const named: number = 7; (globalThis as any).effect = true;");
    mkdirSync(join(kernel.directory, "node_modules/pack"), { recursive: true });
    write("node_modules/pack/package.json", '{"name":"pack","main":"index.js"}');
    write("node_modules/pack/index.js", "module.exports = { packed: true }");
    await kernel.run(`import lib, { named as other } from "./lib.ts"; import * as all from "./lib"; import "./lib.ts";
      import pack from "pack"; import { Database } from "bun:sqlite"; import path, { join } from "node:path"; import type { X } from "x";`);
    expect(
      await kernel.valueOf(
        "[lib, other, all.named, effect, pack.packed, typeof Database, path.join === join, join('a', 'b')]",
      ),
    ).toEqual(["the default", 7, 7, true, true, "function", true, "a/b"]);
  });

  test("dynamic import, require and import.meta work as in a file of the working directory", async () => {
    write("data.json", '{"x": 1}');
    const code = `import data from "./data.json" with { type: "json" };
      [(await import("./lib.ts")).named, require("./data.json").x, data.x, import.meta.dir === process.cwd(), __dirname === process.cwd()]`;
    expect(await kernel.valueOf(code)).toEqual([7, 1, 1, true, true]);
    expect(await kernel.valueOf("const load = () => import('./lib.ts'); (await load()).named")).toBe(7);
  });

  test("imports follow the program into another directory", async () => {
    mkdirSync(join(kernel.directory, "sub"));
    write("sub/deep.ts", "export const deep = 'down'");
    expect(
      await kernel.valueOf(
        "process.chdir('sub'); const { deep } = await import('./deep.ts'); process.chdir('..'); deep",
      ),
    ).toBe("down");
  });

  test("of what a module has not is an error, as in a file; of a type it is none", async () => {
    write("some.ts", "export interface Kind { a: number } export const some = 1");
    for (const code of [
      "1;\nimport { nope } from './some.ts'; nope",
      "1;\nimport { some as s, nope as n } from './some.ts'; [s, n]",
      "1;\nimport none from './some.ts'; none",
    ]) {
      const { error } = await kernel.run(code);
      expect([error?.name, error?.line, error?.column]).toEqual(["SyntaxError", 2, 1]);
      expect(error?.message).toMatch(/Export named '(?:nope|default)' not found in module/);
    }
    const typed = "import { Kind, some, type Other } from './some.ts'; const kind: Kind = { a: some }; kind.a";
    expect(await kernel.valueOf(typed)).toBe(1);
    expect(await kernel.valueOf("(await import('./some.ts')).nope === undefined")).toBe(true);
  });

  test("work whatever the program calls its variables", async () => {
    await using other = await startKernel();
    writeFileSync(join(other.directory, "lib.ts"), "export const named = 7");
    await other.run("const process = { cwd: 1 }, Bun = null, URL = 0, Map = 1; function createRequire() {}");
    const code = `import { named } from "./lib.ts"; [named, (await import("./lib.ts")).named, require("./lib.ts").named, import.meta.dir === __dirname,
      import.meta.url.startsWith("file:"), typeof import.meta.env.PATH, import.meta.resolve("./lib.ts").endsWith("/lib.ts"), process.cwd]`;
    expect(await other.valueOf(code)).toEqual([7, 7, 7, true, true, "string", true, 1]);
  });

  test("what is not there is an error that names it", async () => {
    const { error } = await kernel.run("import x from './missing.ts'");
    expect(error?.message).toContain("./missing.ts");
  });
});

describe("top level", () => {
  test("await, for await, and an array that is awaited", async () => {
    const code = "let total = 0; for await (const x of [Promise.resolve(1), 2]) total += x; await Bun.sleep(1); total";
    expect(await kernel.valueOf(code)).toBe(3);
  });

  test("setImmediate is prompt beside a timer that is far away", async () => {
    const code = `const far = setTimeout(() => {}, 3_600_000); let turns = 0;
      while (turns < 200) await new Promise((resolve) => setImmediate(() => resolve(turns++))); clearTimeout(far); turns`;
    expect(await kernel.valueOf(code)).toBe(200);
  });

  test("what is used is disposed of at the end of its run, after the last value, and the rest stays", async () => {
    const use = "{ open: true, [Symbol.dispose]() { console.log('disposed'); this.open = false } }";
    const code = `const q = 1; using used = ${use}, s = null; const y = 2, z = [y]; const { a, b: [c] } = { a: 1, b: [2] }; class K { x = used.open }
      await 1
      console.log('last');
      [new K().x, y, z.length, a + c]`;
    const { stdout, results, error } = await kernel.run(code);
    expect({ error, stdout, json: results[0]?.json }).toEqual({
      error: null,
      stdout: "last\ndisposed\n",
      json: [true, 2, 1, 3],
    });
    expect(await kernel.valueOf("[q, y, z[0], a, c, typeof K, typeof used]")).toEqual([
      1,
      2,
      2,
      1,
      2,
      "function",
      "undefined",
    ]);
    expect(
      await kernel.valueOf(`await using later = { async [Symbol.asyncDispose]() { globalThis.over = 1 } }; 7`),
    ).toBe(7);
    expect(await kernel.valueOf("over")).toBe(1);
    for (const nothing of [
      "if (true) { 5 }",
      "const w = 5",
      "for (const x of [1]) x",
      "undefined",
      "function f() {}",
      "if (used) 5; else 6",
      "at: for (;;) break at",
    ]) {
      expect((await kernel.run(`using r = null; ${nothing}`)).results).toEqual([]);
    }
    expect((await kernel.run("using r = null;\n\n  nowhere(r)")).error).toMatchObject({ line: 3, column: 3 });
  });

  test("env holds for its run alone", async () => {
    const { results } = await kernel.run("process.env.ONLY_HERE", { env: { ONLY_HERE: "yes" } });
    expect(results[0]?.json).toBe("yes");
    expect(await kernel.valueOf("process.env.ONLY_HERE ?? null")).toBeNull();
  });

  test("what is printed is printed as in Bun, and belongs to its run", async () => {
    const { stdout, stderr } = await kernel.run(
      "console.log({ a: 1 }, 'x'); console.error('y'); process.stdout.write('z\\n')",
    );
    expect(stdout).toBe("{\n  a: 1,\n} x\nz\n");
    expect(stderr).toBe("y\n");
    const many = await kernel.run("process.stdout.write('a'.repeat(2_000_000)); console.log('end')");
    expect(many.stdout.length).toBe(2_000_000 + 4);
    expect((await kernel.run("1")).stdout).toBe("");
  });

  test("microtasks of a run are done when it is", async () => {
    expect((await kernel.run("Promise.resolve().then(() => console.log('late'))")).stdout).toBe("late\n");
  });
});

describe("results", () => {
  const shown = async (code: string): Promise<Record<string, unknown> | undefined> =>
    (await kernel.run(code)).results[0];

  test("the last expression is shown, with or without a semicolon; undefined and declarations are not", async () => {
    expect(await shown("1 + 1;")).toEqual({ type: "json", main: true, text: "2", json: 2 });
    expect(await shown("'x'")).toEqual({ type: "json", main: true, text: '"x"', json: "x" });
    for (const code of [
      "undefined",
      "const shownNot = 1",
      "let s1 = 1, s2 = 2;",
      "function f() {}",
      "class C {}",
      "enum En { A }",
      "import fs from 'node:fs'",
      "const { length } = 'abc'",
      "if (true) 5",
      "for (const x of [1]) x",
      "",
      "// nothing",
      "type T = 1",
    ]) {
      expect({ code, results: (await kernel.run(code)).results }).toEqual({ code, results: [] });
    }
    expect(await kernel.valueOf("let s3; s3 = 4")).toBe(4);
    expect(await kernel.valueOf("{ let s4 = 1 }")).toBeUndefined();
  });

  test("plain data is JSON, everything else has its text", async () => {
    expect(await shown("({ a: [1, null, 'x'], b: undefined })")).toMatchObject({
      type: "json",
      json: { a: [1, null, "x"] },
    });
    expect(await shown("{ a: 1 }")).toMatchObject({ type: "json", json: { a: 1 } });
    for (const [code, text] of [
      ["new Map([[1, 2]])", "Map(1)"],
      ["10n", "10n"],
      ["NaN", "NaN"],
      ["-0", "-0"],
      ["() => 1", "Function"],
      ["const cycle = {}; cycle.self = cycle; cycle", "[Circular]"],
      ["({ get x() { throw 1 } })", "[Getter]"],
    ] as const) {
      const result = await shown(code);
      expect({ code, type: result?.["type"] }).toEqual({ code, type: "text" });
      expect(result?.["text"]).toContain(text);
    }
  });

  test("an array of objects is a table besides", async () => {
    expect(await shown("[{ a: 1 }, { a: 2, b: ['x'] }]")).toMatchObject({
      type: "table",
      columns: ["a", "b"],
      rows: [
        [1, null],
        [2, ["x"]],
      ],
      json: [{ a: 1 }, { a: 2, b: ["x"] }],
    });
    const long = await shown("Array.from({ length: 1500 }, (_, n) => ({ n, when: new Date(0) }))");
    expect(long?.["rows"]).toHaveLength(1000);
  });

  test("display shows what it is given, before the last value", async () => {
    const { results } = await kernel.run("display({ a: 1 }); display('<b>x</b>', { mime: 'text/html' }); 'last'");
    expect(results.map(({ main, type }) => [main, type])).toEqual([
      [false, "json"],
      [false, "html"],
      [true, "json"],
    ]);
    expect(results[1]?.html).toBe("<b>x</b>");
  });

  test("an object may show itself, at once or later", async () => {
    await kernel.run(`const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
      const show = (bundle) => ({ [Symbol.for("Jupyter.display")]: () => bundle });`);
    expect(await shown("show({ 'text/html': '<i>', 'text/plain': 'plain' })")).toEqual({
      type: "html",
      main: true,
      text: "plain",
      html: "<i>",
    });
    expect(await shown("show({ 'text/markdown': '# x' })")).toMatchObject({ type: "markdown", markdown: "# x" });
    expect(await shown("show({ 'image/svg+xml': '<svg/>' })")).toMatchObject({
      type: "image",
      mime: "image/svg+xml",
      data: "<svg/>",
    });
    expect(await shown("show({ 'image/png': png.toString('base64') })")).toMatchObject({
      type: "image",
      mime: "image/png",
    });
    expect(await shown("show(Bun.sleep(1).then(() => ({ 'text/html': 'later' })))")).toMatchObject({ html: "later" });
    const failing = await kernel.run("({ [Symbol.for('Jupyter.display')]() { throw new TypeError('no show') } })");
    expect(failing.error).toMatchObject({ name: "TypeError", message: "no show" });
  });

  test("bytes of an image are an image", async () => {
    const result = await shown("png");
    expect(result).toMatchObject({ type: "image", mime: "image/png" });
    expect(String(result?.["data"])).toStartWith("iVBORw0KGgo");
    expect(await shown("new Uint8Array([0xff, 0xd8, 0xff, 0xe0])")).toMatchObject({
      type: "image",
      mime: "image/jpeg",
    });
    expect(await shown("new Blob([png], { type: 'image/png' })")).toMatchObject({ type: "image", mime: "image/png" });
    expect(await shown("new Uint8Array([1, 2])")).toMatchObject({ type: "text" });
  });

  test("text is bounded, whatever the value", async () => {
    for (const code of [
      "'x'.repeat(5_000_000)",
      "new Uint8Array(50_000_000)",
      "Array.from({ length: 200_000 }, (_, n) => n)",
    ]) {
      const { results, error } = await kernel.run(code);
      expect(error).toBeNull();
      expect(results[0]?.text.length).toBeLessThan(70_000);
    }
  });
});

describe("errors", () => {
  const failed = async (code: string): Promise<readonly [unknown, unknown, unknown]> => {
    const { error } = await kernel.run(code);
    return [error?.name, error?.line, error?.column];
  };

  test("tell the line and the column of the user's own text", async () => {
    expect(await failed("throw new Error('x')")).toEqual(["Error", 1, 11]);
    expect(await failed("interface A {\n  a: number\n}\n\nconst v = (x: A): A => x;\n  nowhere(v)")).toEqual([
      "ReferenceError",
      6,
      3,
    ]);
    expect(await failed("await 1;\nconst jsx = <p>don't</p>;\n    null.x")).toEqual(["TypeError", 3, 5]);
    expect(await failed("await Bun.sleep(1); nowhere()")).toEqual(["ReferenceError", 1, 21]);
    expect(await failed("const a1=1,b1=2;nowhere(a1+b1)")).toEqual(["ReferenceError", 1, 17]);
    expect(await failed("import { join } from 'node:path';\n\n`\n${join('a')}\n`;\n// nowhere()\nnowhere()")).toEqual([
      "ReferenceError",
      7,
      1,
    ]);
    expect(await failed("const o = {\n  get a() {\n    return nowhere\n  }\n}\no.a")).toEqual([
      "ReferenceError",
      3,
      12,
    ]);
    expect(
      await failed("async function later(x: number) {\n  await 1\n  throw   new RangeError('x')\n}\nawait later(1)"),
    ).toEqual(["RangeError", 3, 15]);
  });

  test("have the frames of the user alone, those of earlier runs with their lines", async () => {
    const first = await kernel.run("\nfunction deep(x: string) {\n  throw new Error(x)\n}");
    expect(first.error).toBeNull();
    const { error } = await kernel.run("const middle = () => deep('far');\nmiddle()");
    expect(error).toMatchObject({ message: "far", line: 1, column: 22 });
    expect(error?.traceback.length).toBe(3);
    expect(error?.traceback[0]).toMatch(/^at deep \(<run \d+>:3:13\)$/);
    expect(error?.traceback[2]).toMatch(/^at <run \d+>:2:1$/);
  });

  test("name their cause", async () => {
    const { error } = await kernel.run("throw new Error('outer', { cause: new TypeError('inner') })");
    expect(error?.traceback.some((line) => line.startsWith("Caused by TypeError: inner"))).toBe(true);
  });

  test("of syntax tell their place and leave everything as it was", async () => {
    await kernel.run("const kept = 1");
    expect(await failed("const kept = 2;\nlet x = ;")).toEqual(["SyntaxError", 2, 9]);
    expect(await failed("const one = 1; one = 2")).toEqual(["SyntaxError", 1, 16]);
    expect((await kernel.run("const q = 'abc")).error?.name).toBe("SyntaxError");
    expect((await kernel.run("return 5")).error?.name).toBe("SyntaxError");
    expect(await kernel.valueOf("kept")).toBe(1);
  });

  test("may be anything that can be thrown", async () => {
    expect((await kernel.run("throw 5")).error).toMatchObject({ name: "Error", message: "Uncaught 5", line: null });
    expect((await kernel.run("throw undefined")).error).toMatchObject({ message: "Uncaught undefined" });
    expect((await kernel.run("await Promise.reject({ a: 1 })")).error?.message).toContain("a: 1");
    expect((await kernel.run("class Own extends Error { name = 'Own' }; throw new Own('mine')")).error).toMatchObject({
      name: "Own",
      message: "mine",
    });
    const hostile = "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })";
    expect((await kernel.run(hostile)).error?.name).toBe("Error");
    expect(
      (
        await kernel.run(
          "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e",
        )
      ).error,
    ).toMatchObject({
      name: "Error",
      message: "",
    });
    expect((await kernel.run("function over() { over() } over()")).error).toMatchObject({ name: "RangeError" });
  });

  test("that nobody handles are told on stderr, and the context goes on", async () => {
    const rejected = await kernel.run("Promise.reject(new TypeError('nobody')); 1");
    expect(rejected.error).toBeNull();
    expect(rejected.stderr).toContain("nobody");
    const thrown = await kernel.run("setTimeout(() => { throw new Error('in a timer') }, 1); await Bun.sleep(50)");
    expect(thrown.stderr).toContain("in a timer");
    expect(await kernel.valueOf("1")).toBe(1);
  });

  test("that nobody handles quote what the user wrote, on whatever line they are", async () => {
    for (const before of [
      "await 1; ",
      "await 1;\n",
      "await 1;\n\n\n",
      "await 1;\nconst indented = [\n                    1];\n",
    ]) {
      const { stderr } = await kernel.run(`${before}Promise.reject(new TypeError("nobody"))`);
      expect(stderr).toContain("nobody");
      expect(stderr).not.toMatch(/async\(\)|kernels/);
    }
  });

  test("printed by the program have the same lines", async () => {
    const { stderr } = await kernel.run(
      "const note = (x: number): void => {\n  console.error(new Error('shown'))\n};\n\nnote(1)",
    );
    expect(stderr).toMatch(/<run \d+>:2:/);
    expect(stderr).toMatch(/<run \d+>:5:/);
  });
});

test("process.exit ends the run and not the context", async () => {
  const { error, stdout } = await kernel.run(
    "let reached = 1; try { console.log('on the way'); process.exit(3) } finally { reached = 2 }",
  );
  expect(error).toMatchObject({ name: "Exit", message: "The program called process.exit(3)" });
  expect(stdout).toBe("on the way\n");
  expect(await kernel.valueOf("reached")).toBe(1);
  expect(
    (await kernel.run("await 1; setTimeout(() => process.exit(), 1); await new Promise(() => {})")).error,
  ).toMatchObject({
    name: "Exit",
  });
});

test("the end of the requests is the end of the interpreter", async () => {
  await using other = await startKernel();
  await other.run("setInterval(() => {}, 1000); const server = Bun.serve({ port: 0, fetch: () => new Response('x') })");
  expect(await other.close()).toBe(0);
});
