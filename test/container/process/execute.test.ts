import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { isRoot, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
beforeAll(async () => {
  supervisor = await startSupervisor();
});
afterAll(() => supervisor[Symbol.asyncDispose]());

describe("code", () => {
  test("prints its result", async () => {
    const answer = await supervisor.execute({ code: "console.log(1 + 1)" });
    expect(answer).toMatchObject({
      stdout: "2\n",
      stderr: "",
      exitCode: 0,
      signal: null,
      timedOut: false,
      background: false,
    });
    expect(answer.executionTime).toBeGreaterThan(0);
    expect(answer.cpuTime).toBeGreaterThan(0);
    expect(answer.memoryUsed).toBeGreaterThan(1024 * 1024);
  });

  test("may be TypeScript with types, enums and top-level await", async () => {
    const code = `enum Colour { red = 3 }
      const wait = async <T>(value: T): Promise<T> => value;
      console.log(await wait<Colour>(Colour.red) satisfies number);`;
    expect((await supervisor.execute({ code })).stdout).toBe("3\n");
  });

  test("may be JSX", async () => {
    const code = `/** @jsxRuntime classic */
      const React = { createElement: (name: string, props: unknown, ...children: unknown[]) => [name, ...children].join(" ") };
      console.log(<b>bold</b>)`;
    expect((await supervisor.execute({ code })).stdout).toBe("b bold\n");
  });

  test("may be CommonJS", async () => {
    const answer = await supervisor.execute({ code: "console.log(typeof require('fs').readFileSync)" });
    expect(answer.stdout).toBe("function\n");
  });

  test("that throws has its trace in stderr and exit code 1", async () => {
    const answer = await supervisor.execute({ code: "console.log('before'); throw new Error('my fault')" });
    expect(answer).toMatchObject({ stdout: "before\n", exitCode: 1 });
    expect(answer.stderr).toContain("my fault");
  });

  test("that does not parse fails like any other", async () => {
    const answer = await supervisor.execute({ code: "function f() {" });
    expect(answer.exitCode).toBe(1);
    expect(answer.stderr).toContain("error");
    expect(answer.stderr).not.toContain("chmod");
  });

  test("imports files beside it in its working directory", async () => {
    const answer = await supervisor.execute({
      files: [{ path: "app/lib.ts", content: "export const name: string = 'lib'" }],
      code: "import { name } from './lib.ts'; console.log(name, process.cwd())",
      workingDir: "app",
    });
    expect(answer.stdout).toBe(`lib ${supervisor.workspace}/app\n`);
  });

  test("leaves no source file behind and does not count it as written", async () => {
    const answer = await supervisor.execute({ code: "await Bun.write('out.txt', 'x')" });
    expect(answer.filesWritten).toEqual(["out.txt"]);
    expect(readdirSync(supervisor.workspace).filter((name) => name.startsWith(".exe_"))).toEqual([]);
  });

  test("has taken no less time than its processor time, where it has one thread", async () => {
    const answer = await supervisor.execute({ command: "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done" });
    expect(answer.cpuTime).toBeGreaterThan(1);
    expect(answer.executionTime).toBeGreaterThanOrEqual(answer.cpuTime ?? 0);
  });

  test("keeps nothing from an earlier execution but files", async () => {
    await supervisor.execute({ code: "globalThis.leftover = 1; process.env.LEFTOVER = '1'" });
    const answer = await supervisor.execute({ code: "console.log(globalThis.leftover, process.env.LEFTOVER)" });
    expect(answer.stdout).toBe("undefined undefined\n");
  });
});

describe("a command", () => {
  test("that exits with 3 keeps its output", async () => {
    const answer = await supervisor.execute({ command: "echo out; echo err >&2; exit 3" });
    expect(answer).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 3, signal: null });
  });

  test("with an unbalanced quote is an error at once", async () => {
    const answer = await supervisor.execute({ command: "echo 'oops" });
    expect(answer.exitCode).toBe(2);
    expect(answer.stderr).not.toBe("");
  });

  test("ended by a signal says which", async () => {
    expect(await supervisor.execute({ command: "kill -SEGV $$" })).toMatchObject({ exitCode: null, signal: "SIGSEGV" });
  });

  test("longer than one argument may be still runs", async () => {
    const command = `# ${"x".repeat(300_000)}\necho ran`;
    expect((await supervisor.execute({ command })).stdout).toBe("ran\n");
  });

  test("reads stdin to its end, /dev/stdin too", async () => {
    const stdin = "ä".repeat(200_000);
    expect((await supervisor.execute({ command: "wc -c", stdin })).stdout.trim()).toBe("400000");
    expect((await supervisor.execute({ command: "cat /dev/stdin | wc -c", stdin })).stdout.trim()).toBe("400000");
  });

  test("without stdin reads nothing", async () => {
    expect((await supervisor.execute({ command: "cat; echo end" })).stdout).toBe("end\n");
  });

  test("may open /dev/stdout and /dev/stderr", async () => {
    const answer = await supervisor.execute({ command: "echo o > /dev/stdout; echo e > /dev/stderr" });
    expect(answer).toMatchObject({ stdout: "o\n", stderr: "e\n", exitCode: 0 });
  });

  test("sees the variables given and none of the supervisor's", async () => {
    const { stdout } = await supervisor.execute({ command: "env", env: { GREETING: "hi", HOME: "/tmp" } });
    expect(stdout).toContain("GREETING=hi\n");
    expect(stdout).toContain("HOME=/tmp\n");
    expect(stdout).not.toContain("BUNTIME_TOKEN");
    expect(stdout).not.toContain(supervisor.token);
  });

  test("with more environment than the kernel takes is refused", async () => {
    const env = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`V${at}`, "x".repeat(32_000)]));
    const { status, error } = await supervisor.refusal({ command: "true", env });
    expect([status, error.code]).toEqual([400, "invalid_request"]);
  });
});

describe("output", () => {
  test("that is not UTF-8 or holds NULs is byte-exact with base64", async () => {
    const answer = await supervisor.execute({
      command: String.raw`printf '\377\000\376a'; printf '\000' >&2`,
      encoding: "base64",
    });
    expect([...Buffer.from(answer.stdout, "base64")]).toEqual([0xff, 0, 0xfe, 0x61]);
    expect([...Buffer.from(answer.stderr, "base64")]).toEqual([0]);
  });

  test("that is not UTF-8 has replacement characters with utf-8", async () => {
    expect((await supervisor.execute({ command: String.raw`printf 'a\377b\000'` })).stdout).toBe("a\uFFFDb\0");
  });

  test("past 1 MiB is cut between characters and marked", async () => {
    const answer = await supervisor.execute({ code: "process.stdout.write('x' + '€'.repeat(400_000))" });
    expect(answer.truncated).toBe(true);
    expect(Buffer.byteLength(answer.stdout)).toBeWithin(1024 * 1024 - 3, 1024 * 1024 + 1);
    expect(answer.stdout).not.toContain("\uFFFD");
  });
});

describe("the hidden source file", () => {
  test("holds the code of its own execution alone, however long the one before was", async () => {
    const echo = "console.log(/^.*/.exec(await Bun.file(Bun.main).text())[0].length);";
    const lengths = [5000, 80, 100_000, 81, 79, 300];
    for (const length of lengths) {
      const code = echo.padEnd(length, " ");
      expect((await supervisor.execute({ code })).stdout).toBe(`${length}\n`);
    }
    const codes = lengths.map((length) => echo.padEnd(length, " "));
    const answers = await Promise.all(codes.map((code) => supervisor.execute({ code })));
    expect(answers.map(({ stdout }) => stdout)).toEqual(lengths.map((length) => `${length}\n`));
  });

  test("stays as it was where the code has kept it, and may be removed or replaced by it", async () => {
    const source = `import { chmodSync, linkSync, mkdirSync, unlinkSync } from "node:fs";`;
    const keep = `${source} linkSync(Bun.main, "kept.ts");`;
    await supervisor.execute({ code: keep });
    const lock = `${source} chmodSync(Bun.main, 0o444);`;
    const replace = `${source} unlinkSync(Bun.main); mkdirSync(Bun.main);`;
    for (const code of [lock, replace, `${source} unlinkSync(Bun.main);`, "console.log('next')"]) {
      expect((await supervisor.execute({ code })).exitCode).toBe(0);
    }
    expect((await supervisor.execute({ command: "cat kept.ts" })).stdout).toStartWith(keep);
  });
});

describe("workingDir", () => {
  test("may be a directory that only the files of the call make", async () => {
    const files = [{ path: "deep/er/v.ts", content: "export default 42" }];
    const { stdout } = await supervisor.execute({
      files,
      workingDir: "deep/er",
      code: 'import v from "./v"; console.log(v)',
    });
    expect(stdout).toBe("42\n");
  });

  test("that is missing is file_not_found", async () => {
    const { status, error } = await supervisor.refusal({ command: "true", workingDir: "/workspace/nowhere" });
    expect([status, error.code]).toEqual([404, "file_not_found"]);
  });

  test.each(["/etc", "..", "/workspace/../etc", "/workspaces"])("outside is refused: %s", async (workingDir) => {
    const { status, error } = await supervisor.refusal({ command: "true", workingDir });
    expect([404, 400]).toContain(status);
    expect(["invalid_request", "file_not_found"]).toContain(error.code);
  });

  test("behind a link that leads out is refused, and nothing is written there", async () => {
    mkdirSync(`${supervisor.workspace}/links`, { recursive: true });
    symlinkSync("/tmp", `${supervisor.workspace}/links/out`);
    const { error } = await supervisor.refusal({ code: "1", workingDir: "links/out" });
    expect(error.code).toBe("invalid_request");
  });

  test("that is a file is refused", async () => {
    await supervisor.execute({ command: "touch plain" });
    expect((await supervisor.refusal({ command: "true", workingDir: "plain" })).error.code).toBe("invalid_request");
  });
});

test("eight executions in one session run side by side", async () => {
  // Each waits for all of the others.
  const command = "touch side.$BUNTIME_EXECUTION_ID; until [ $(ls -d side.* | wc -l) -ge 8 ]; do sleep 0.02; done";
  const answers = await Promise.all(Array.from({ length: 8 }, () => supervisor.execute({ command })));
  expect(answers.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 8 }, () => 0));
});

test("an execution id is used once", async () => {
  const executionId = "exe_00000000000000000000";
  await supervisor.execute({ executionId, command: "echo x >> once" });
  const { status, error } = await supervisor.refusal({ executionId, command: "echo x >> once" });
  expect([status, error.code]).toEqual([409, "conflict"]);
  expect((await supervisor.execute({ command: "cat once" })).stdout).toBe("x\n");
});

test("two calls with one id at the same time start one process", async () => {
  const executionId = "exe_00000000000000000001";
  const bodies = Array.from({ length: 2 }, () => ({ executionId, command: "echo x >> twice" }));
  const results = await Promise.allSettled(bodies.map((body) => supervisor.execute(body)));
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  expect((await supervisor.execute({ command: "cat twice" })).stdout).toBe("x\n");
});

test.if(isRoot)("user code runs under its own uid without new privileges or capabilities", async () => {
  const { stdout } = await supervisor.execute({ command: "cat /proc/self/status" });
  expect(stdout).toMatch(new RegExp(String.raw`^Uid:\t${supervisor.uid}\t`, "m"));
  expect(stdout).toMatch(/^Groups:\s*$/m);
  expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
  expect(stdout).toMatch(/^CapEff:\t0+$/m);
});

test.if(isRoot)("user code can read nothing of the supervisor", async () => {
  const answer = await supervisor.execute({
    command: `cat /proc/${supervisor.pid}/environ; kill -9 ${supervisor.pid}`,
  });
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stdout).toBe("");
});
