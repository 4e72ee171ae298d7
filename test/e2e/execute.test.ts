// What a call of execute gives back.
import { beforeAll, describe, expect, test } from "vitest";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";

const client = platformOfRun();
let sessionId = "";

beforeAll(async () => {
  sessionId = (await client.createSession()).id;
  return async () => void (await client.request("DELETE", `/sessions/${sessionId}`));
});

describe("what runs", () => {
  test("TypeScript runs, and its output and exit code come back", async () => {
    const answer = await client.execute({
      sessionId,
      code: "const n: number = 1 + 1; console.log(n); console.error('e')",
    });
    expect(answer).toMatchObject({
      stdout: "2\n",
      stderr: "e\n",
      exitCode: 0,
      signal: null,
      timedOut: false,
      truncated: false,
      background: false,
      encoding: "utf-8",
    });
    expect(answer.executionId).toMatch(/^exe_[0-9a-z]{20}$/);
  });

  test("top-level await works, and so do static imports", async () => {
    const code = `import { readFile } from "node:fs/promises";
console.log(await Promise.resolve((await readFile("/etc/os-release", "utf8")).includes("=")));`;
    expect(await client.execute({ sessionId, code })).toMatchObject({ stdout: "true\n", exitCode: 0 });
  });

  test("JSX and TSX run as code", async () => {
    const code = `const h = (tag: string, _: unknown, ...children: unknown[]) => \`<\${tag}>\${children.join("")}</\${tag}>\`;
/** @jsx h */
console.log(<b>{1 + 1}</b>);`;
    expect(await client.execute({ sessionId, code: `/** @jsxRuntime classic */\n${code}` })).toMatchObject({
      stdout: "<b>2</b>\n",
    });
  });

  test("a shell command runs with pipes and variables", async () => {
    const answer = await client.execute({ sessionId, command: "X=5; printf 'a\\nb\\n' | wc -l; echo $((X * 2))" });
    expect(answer.stdout.trim().split(/\s+/)).toEqual(["2", "10"]);
  });

  test("an empty program is a program", async () => {
    expect(await client.execute({ sessionId, code: "" })).toMatchObject({ stdout: "", stderr: "", exitCode: 0 });
  });

  test("time, CPU and memory are measured", async () => {
    const { executionTime, cpuTime, memoryUsed } = await client.execute({
      sessionId,
      code: "await Bun.sleep(60); while (process.cpuUsage().user < 60_000);",
    });
    expect(executionTime).toBeGreaterThan(100);
    expect(cpuTime).toBeGreaterThan(50);
    expect(memoryUsed).toBeGreaterThan(1024 * 1024);
  });

  test("exactly one of code and command is wanted", async () => {
    for (const json of [{ sessionId }, { sessionId, code: "1", command: "true" }]) {
      expect(await problem(client, "POST", "/execute", { json })).toMatchObject({
        status: 400,
        code: "invalid_request",
      });
    }
  });
});

describe("how a program fails", () => {
  test("`exit 3` keeps its output and its exit code", async () => {
    const answer = await client.execute({ sessionId, command: "echo out; echo err >&2; exit 3" });
    expect(answer).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 3, signal: null });
  });

  test("an exception is an exit code 1 with the stack in stderr", async () => {
    const answer = await client.execute({ sessionId, code: "console.log('before'); throw new Error('boom')" });
    expect(answer).toMatchObject({ stdout: "before\n", exitCode: 1 });
    expect(answer.stderr).toContain("boom");
  });

  test("a syntax error is the program's failure, not the call's", async () => {
    const answer = await client.execute({ sessionId, code: "const = 1" });
    expect(answer.exitCode).not.toBe(0);
    expect(answer.stderr).not.toBe("");
  });

  test("an unbalanced quote is an error, not a hang", async () => {
    const answer = await client.execute({ sessionId, command: `echo "unbalanced` });
    expect(answer).toMatchObject({ exitCode: 2, timedOut: false });
    expect(answer.stderr).not.toBe("");
  });

  test("a command that is not there is exit code 127", async () => {
    expect(await client.execute({ sessionId, command: "no-such-program" })).toMatchObject({ exitCode: 127 });
  });

  test("a program that kills itself is told by its signal", async () => {
    const answer = await client.execute({ sessionId, code: "process.kill(process.pid, 'SIGKILL')" });
    expect(answer).toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });
});

describe("a fresh process each time", () => {
  test("no variable and no environment carries over", async () => {
    await client.execute({ sessionId, code: "globalThis.kept = 1", env: { KEPT: "1" } });
    const answer = await client.execute({ sessionId, code: "console.log(globalThis.kept, process.env.KEPT)" });
    expect(answer.stdout).toBe("undefined undefined\n");
  });

  test("files carry over", async () => {
    await client.execute({ sessionId, command: "echo kept > kept.txt" });
    expect(await client.execute({ sessionId, command: "cat kept.txt" })).toMatchObject({ stdout: "kept\n" });
  });

  test("env is given to the program, and nothing of the platform's own is", async () => {
    const answer = await client.execute({
      sessionId,
      command: "echo $GREETING; env",
      env: { GREETING: "héllo wörld" },
    });
    expect(answer.stdout.split("\n")[0]).toBe("héllo wörld");
    expect(answer.stdout).not.toMatch(/TOKEN|ENGINE_|BUNTIME_(USER|SOCKETS|MEMORY|DISK|CONTROL)/);
  });

  test("more than 100 variables, or a name that is none, is refused", async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`V${index}`, ""]));
    for (const env of [many, { "A=B": "1" }, { "": "1" }, { A: "\0" }]) {
      const answer = await problem(client, "POST", "/execute", { json: { sessionId, command: "true", env } });
      expect(answer).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });

  test("it runs in /workspace, and may not change the system around it", async () => {
    const command =
      "pwd; echo $HOME; for d in / /etc /usr/bin /opt /proc/sys/kernel; do touch $d/mine 2>/dev/null && echo $d; done";
    const [cwd, home, ...touched] = (await client.execute({ sessionId, command })).stdout.trimEnd().split("\n");
    expect(cwd).toBe("/workspace");
    expect(home).toMatch(/^\/workspace\//);
    expect(touched).toEqual([]);
  });

  test("workingDir is where it runs, and imports resolve from there", async () => {
    const answer = await client.execute({
      sessionId,
      files: [{ path: "deep/er/value.ts", content: "export default 7" }],
      workingDir: "deep/er",
      code: `import value from "./value.ts"; console.log(value, process.cwd())`,
    });
    expect(answer).toMatchObject({ stdout: "7 /workspace/deep/er\n" });
  });

  test("a workingDir that is not there or leads out is refused", async () => {
    for (const workingDir of ["no/such/folder", "/etc", "../..", "a\0b"]) {
      const { status } = await problem(client, "POST", "/execute", { json: { sessionId, command: "pwd", workingDir } });
      expect(status, workingDir).toBeGreaterThanOrEqual(400);
      expect(status, workingDir).toBeLessThan(500);
    }
  });

  test("stdin is read to its end", async () => {
    const stdin = `${"line\n".repeat(20_000)}last`;
    const answer = await client.execute({ sessionId, command: "wc -c", stdin });
    expect(answer.stdout.trim()).toBe(String(stdin.length));
  });

  test("without stdin the program reads an end, and does not wait", async () => {
    expect(await client.execute({ sessionId, command: "cat; echo done" })).toMatchObject({ stdout: "done\n" });
  });

  test("stdin that the program does not read harms nothing", async () => {
    const answer = await client.execute({ sessionId, command: "exit 0", stdin: "x".repeat(1_000_000) });
    expect(answer).toMatchObject({ exitCode: 0 });
  });
});

describe("files", () => {
  test("files are written before anything runs, in folders that did not exist, as text or base64", async () => {
    const answer = await client.execute({
      sessionId,
      files: [
        { path: "in/a/b.txt", content: "tëxt" },
        { path: "/workspace/in/raw.bin", content: Buffer.from([0, 255, 128]).toString("base64"), encoding: "base64" },
      ],
      command: "cat in/a/b.txt; od -An -tu1 in/raw.bin",
    });
    expect(answer.stdout).toMatch(/^tëxt\s+0\s+255\s+128\s+$/);
  });

  test("filesWritten names what the program created or changed, and not the rest", async () => {
    await client.execute({ sessionId, command: "mkdir -p w; echo 1 > w/old.txt; echo 1 > w/untouched.txt" });
    const { filesWritten } = await client.execute({
      sessionId,
      command:
        "echo 2 > w/old.txt; echo 1 > w/new.txt; mkdir -p w/node_modules/x; echo 1 > w/node_modules/x/index.js; cat w/untouched.txt",
    });
    expect(filesWritten.toSorted()).toEqual(["w/new.txt", "w/old.txt"]);
  });

  test("hostile paths among the files are refused and nothing runs", async () => {
    for (const path of ["../out.txt", "/etc/passwd", "a\0b", "a/../../b", ""]) {
      const json = { sessionId, files: [{ path, content: "x" }], command: "touch ran.txt" };
      expect(await problem(client, "POST", "/execute", { json }), path).toMatchObject({
        status: 400,
        code: "invalid_request",
      });
    }
    expect(await client.execute({ sessionId, command: "ls ran.txt" })).toMatchObject({ exitCode: 2 });
  });
});

describe("time-outs", () => {
  test("a time-out is an answer with the output so far", async () => {
    const answer = await client.execute({ sessionId, command: "echo before; sleep 30", timeout: 0.5 });
    expect(answer).toMatchObject({ stdout: "before\n", timedOut: true, exitCode: null, signal: "SIGTERM" });
  });

  test("what ignores TERM is killed", async () => {
    const answer = await client.execute({
      sessionId,
      code: "process.on('SIGTERM', () => console.log('no')); console.log('on'); setInterval(() => {}, 1000);",
      timeout: 0.5,
    });
    expect(answer).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    expect(answer.stdout).toContain("on\n");
  });

  test("a time-out ends the children too", async () => {
    await client.execute({ sessionId, command: "sleep 4711 & sleep 4711", timeout: 0.5 });
    expect(
      await client.execute({ sessionId, command: "pgrep -f 'sleep 471[1]' || grep -l 471[1] /proc/[0-9]*/cmdline" }),
    ).toMatchObject({
      stdout: "",
    });
  });

  test("the session's own time-out counts when none is given", async () => {
    const session = await newSession(client, { resourceLimits: { timeout: 1 } });
    expect(session.resourceLimits.timeout).toBe(1);
    const answer = await client.execute({ sessionId: session.id, command: "sleep 30" });
    expect(answer).toMatchObject({ timedOut: true });
  });

  test("a time-out of nothing, or beyond all plans, is refused", async () => {
    for (const timeout of [0, -1, 301, "1", null]) {
      const json = { sessionId, command: "true", timeout };
      expect(await problem(client, "POST", "/execute", { json })).toMatchObject({
        status: 400,
        code: "invalid_request",
      });
    }
  });
});

describe("output", () => {
  test("UTF-8 comes back as it was printed", async () => {
    const text = "ü€𝄞 日本語 👩‍👩‍👧\n";
    expect(await client.execute({ sessionId, command: "cat", stdin: text })).toMatchObject({ stdout: text });
  });

  test("bytes that are not UTF-8, and NULs, come back byte-exact with base64", async () => {
    const answer = await client.execute({
      sessionId,
      encoding: "base64",
      code: `process.stdout.write(Buffer.from(Array.from({ length: 256 }, (_, i) => i))); process.stderr.write(Buffer.from([0, 255, 10]))`,
    });
    expect(answer.encoding).toBe("base64");
    expect(Buffer.from(answer.stdout, "base64")).toEqual(Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
    expect(Buffer.from(answer.stderr, "base64")).toEqual(Buffer.from([0, 255, 10]));
  });

  test("without base64, broken bytes are replaced and the rest is kept", async () => {
    const answer = await client.execute({ sessionId, command: `printf 'a\\377b\\000c'` });
    expect(answer.stdout).toBe("a\uFFFDb\0c");
  });

  test("more than 1 MiB per stream is cut, and said to be", async () => {
    const answer = await client.execute({
      sessionId,
      command: "head -c 3000000 /dev/zero | tr '\\0' x; echo tail >&2",
    });
    expect(answer).toMatchObject({ truncated: true, stderr: "tail\n", exitCode: 0 });
    expect(answer.stdout.length).toBe(1024 * 1024);
  });

  test("exactly 1 MiB is not cut", async () => {
    const answer = await client.execute({ sessionId, command: "head -c 1048576 /dev/zero | tr '\\0' x" });
    expect(answer).toMatchObject({ truncated: false });
    expect(answer.stdout.length).toBe(1024 * 1024);
  });
});

describe("many at once", () => {
  test("executions of one session run side by side", async () => {
    // Each waits for the file of the other: one after the other they would never end.
    const meet = (mine: string, other: string): string =>
      `touch meet-${mine}; for i in $(seq 500); do test -e meet-${other} && exit 0; sleep 0.02; done; exit 1`;
    const answers = await Promise.all([
      client.execute({ sessionId, command: meet("a", "b") }),
      client.execute({ sessionId, command: meet("b", "a") }),
    ]);
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });

  test("32 executions at once all give their own answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, index) => client.execute({ sessionId, code: `console.log(${index})` })),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(answers.map((_, index) => `${index}\n`));
  });
});

describe("one-shot", () => {
  test("without a session, code runs in one of its own that the next call does not see", async () => {
    const answer = await client.execute({ code: "await Bun.write('x.txt', 'x'); console.log(process.cwd())" });
    expect(answer).toMatchObject({ stdout: "/workspace\n", exitCode: 0, filesWritten: ["x.txt"] });
    expect(await client.execute({ command: "ls" })).toMatchObject({ stdout: "" });
  });

  test("a one-shot can stream", async () => {
    const seen: string[] = [];
    for await (const { event } of client.stream({ command: "echo hi" })) seen.push(event);
    expect(seen).toEqual(["stdout", "exit"]);
  });

  test("a one-shot that times out says so", async () => {
    expect(await client.execute({ command: "sleep 60", timeout: 0.3 })).toMatchObject({ timedOut: true });
  });
});

describe("by name", () => {
  test("a session's name stands for its id", async () => {
    const name = `named-${Date.now()}`;
    await newSession(client, { name });
    expect(await client.execute({ sessionId: name, command: "echo hi" })).toMatchObject({ stdout: "hi\n" });
  });

  test("an unknown session is a 404", async () => {
    for (const unknown of ["ses_00000000000000000000", "nobody"]) {
      const json = { sessionId: unknown, command: "true" };
      expect(await problem(client, "POST", "/execute", { json })).toMatchObject({
        status: 404,
        code: "session_not_found",
      });
    }
  });
});
