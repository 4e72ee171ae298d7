// `buntime exec` and `buntime run`: programs in a session as if they ran here.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { platformOfRun, sharedSession } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import { unsteadyProxy } from "../support/unsteady-proxy.ts";
import { until } from "../support/until.ts";
import { buntime, folder, json, start } from "./command.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";

const platform = platformOfRun();
const session = sharedSession(platform);

async function processes(): Promise<readonly { command: string }[]> {
  const { processes } = await json(["ps", session.id]);
  // SAFETY: as the contract has it.
  return processes as { command: string }[];
}

const gone = (text: string): Promise<boolean> =>
  until(`no process is ${text}`, async () => !(await processes()).some(({ command }) => command.includes(text)), {
    deadlineMs: 30_000,
  });

describe("what goes in and comes out", () => {
  test("arguments reach the program as they are", async () => {
    const words = ["a b", "$HOME", "it's", '"', "*", "", "--flag", "ü\n", "\\"];
    const { stdout, code } = await buntime(["exec", session.id, "--", "printf", "%s|", ...words]);
    expect({ stdout, code }).toEqual({ stdout: words.map((word) => `${word}|`).join(""), code: 0 });
  });

  test("stdout and stderr come out byte by byte, each on its own", async () => {
    const line = "printf 'o\\0\\377ut'; printf 'e\\200rr' >&2";
    const { bytes, stderr } = await buntime(["exec", session.id, "-c", line]);
    expect(bytes).toEqual(Buffer.from([0x6f, 0, 0xff, 0x75, 0x74]));
    expect(stderr).toBe(Buffer.from([0x65, 0x80, 0x72, 0x72]).toString());
  });

  test("text that is piped in is the program's stdin", async () => {
    const input = "\ufefffirst\nsecond ☃";
    expect((await buntime(["exec", session.id, "--", "cat"], { input })).stdout).toBe(input);
  });

  test("bytes that are no text, and more than fit into a call, are the program's stdin, and leave nothing behind", async () => {
    const input = randomBytes(5 * 1024 * 1024);
    const { stdout } = await buntime(["exec", session.id, "--", "sha256sum"], { input });
    expect(stdout).toBe(`${createHash("sha256").update(input).digest("hex")}  -\n`);
    expect((await buntime(["exec", session.id, "-c", "ls -A | grep -c stdin"])).stdout).toBe("0\n");
  });

  test("variables, folder and a line for the shell are passed on", async () => {
    const args = ["exec", session.id, "-e", "A=1", "-e", "B=x=y", "-w", "/workspace", "-c", 'echo "$A $B"; pwd'];
    expect((await buntime(args)).stdout).toBe("1 x=y\n/workspace\n");
  });

  test("with --json the answer is one value", async () => {
    const answer = await json(["exec", session.id, "-c", "echo out; echo err >&2"]);
    expect(answer).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 0, encoding: "utf-8" });
  });
});

describe("how it ends", () => {
  test.each([
    ["the program's exit code is its own", ["-c", "exit 7"], 7],
    ["a program that a signal ends makes it end with 128 + n", ["-c", "kill -KILL $$"], 137],
    ["a program that takes too long makes it end with 124", ["-t", "0.5", "-c", "sleep 60"], 124],
    ["a program that is not there makes it end with 127", ["--", "no-such-program"], 127],
  ])("%s", async (_, args, code) => {
    expect((await buntime(["exec", session.id, ...args])).code).toBe(code);
  });

  test("Ctrl-C ends the program in the session, and it with 130", async () => {
    const running = start(["exec", session.id, "-c", "echo begun; exec sleep 61.5"]);
    running.child.stdin.end();
    await running.printed("begun");
    running.child.kill("SIGINT");
    expect((await running.ended()).code).toBe(130);
    expect(await gone("sleep 61.5")).toBe(true);
  });

  test("a second Ctrl-C ends a program that does not mind the first", async () => {
    const running = start(["exec", session.id, "-c", "trap 'echo no' INT; echo begun; while :; do sleep 0.1; done"]);
    running.child.stdin.end();
    await running.printed("begun");
    running.child.kill("SIGINT");
    await running.printed("no");
    running.child.kill("SIGINT");
    expect((await running.ended()).code).toBe(130);
    expect(await gone("echo begun")).toBe(true);
  });

  test("a reader that goes away ends the program", async () => {
    const running = start(["exec", session.id, "--", "yes", "for a reader"]);
    running.child.stdin.end();
    await running.printed("for a reader");
    running.child.stdout.destroy();
    expect((await running.ended()).code).toBe(141);
    expect(await gone("for a reader")).toBe(true);
  });

  test("what is not understood ends with 2, what the platform refuses with 1, and both say what to do next", async () => {
    const [none, unknown, missing, wrongKey] = await Promise.all([
      buntime(["exec", session.id]),
      buntime(["exec", session.id, "--no-such-option", "--", "true"]),
      buntime(["exec", "no-such-session", "--", "true"]),
      buntime(["exec", session.id, "--", "true"], { env: { BUNTIME_API_KEY: "btk_wrongwrongwrongwrong" } }),
    ]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("buntime exec my-agent -- ls -l") });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("buntime exec --help") });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("buntime sessions list") });
    expect(wrongKey).toMatchObject({ code: 1, stderr: expect.stringContaining("buntime login") });
  });

  test("with --json an error is a value, too", async () => {
    const { code, stdout, stderr } = await buntime(["exec", "no-such-session", "--json", "--", "true"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "session_not_found", message: expect.any(String) } });
  });
});

describe("connections that break", () => {
  test("a connection that breaks again and again loses nothing and repeats nothing", async () => {
    const proxy = await startCuttingProxy(platform.url, { afterBytes: 3000, times: 3 });
    const line = "echo run >> runs; for i in $(seq 1 400); do echo line $i; done; sleep 0.2; echo end; exit 3";
    const env = { BUNTIME_BASE_URL: proxy.baseUrl };
    const { code, stdout, stderr } = await buntime(["exec", session.id, "-c", line], { env });
    const lines = Array.from({ length: 400 }, (_, index) => `line ${index + 1}`);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(stdout).toBe(`${lines.join("\n")}\nend\n`);
    expect(proxy.cuts).toBe(3);
    expect((await buntime(["exec", session.id, "--", "cat", "runs"])).stdout).toBe("run\n");
  });

  test(
    "a platform that ends meanwhile is waited for a while, and leaves a clear end",
    { timeout: 180_000 },
    async () => {
      const own = await startTestPlatform();
      try {
        const env = { BUNTIME_BASE_URL: `${own.client.url.origin}/api`, BUNTIME_API_KEY: own.client.apiKey };
        const { id } = await own.client.createSession();
        const running = start(["exec", id, "-c", "echo begun; sleep 60"], { env });
        running.child.stdin.end();
        await running.printed("begun");
        await own.end("SIGKILL");
        const { code, stdout, stderr } = await running.ended();
        expect({ code, stdout }).toEqual({ code: 1, stdout: "begun\n" });
        expect(stderr).toMatch(/Execution exe_\w+ had begun, and may run on/);
        expect(stderr).toMatch(/`buntime logs -f \w+ exe_\w+`.*Is the platform running/);
      } finally {
        await own.stop();
      }
    },
  );
});

describe("run", () => {
  const program =
    'const name: string = process.argv[2] ?? "nobody"; console.log(name, process.argv.length, await Bun.stdin.text());';

  test("a local file runs with its arguments and stdin, in a session of its own that is gone afterwards", async () => {
    const file = path.join(folder(), "program.ts");
    writeFileSync(file, `#!/usr/bin/env bun\n${program}`);
    const proxy = await unsteadyProxy(platform.url);
    const env = { BUNTIME_BASE_URL: `${proxy.url.origin}/api` };
    const { code, stdout } = await buntime(["run", file, "--who", "it's", "-x"], { input: "piped", env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "--who 5 piped\n" });
    const own = proxy.seen.find((line) => line.startsWith("DELETE"))?.match(/ses_\w+/)?.[0] ?? "";
    expect(own).toMatch(/^ses_/);
    expect(await buntime(["sessions", "info", own])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no such session"),
    });
  });

  test("a program from stdin runs in the session that is named, and its exit code is passed on", async () => {
    const { code, stdout } = await buntime(["run", "--session", session.id, "-", "a"], {
      input: "console.log(process.argv[2], process.cwd()); process.exit(9)",
    });
    expect({ code, stdout }).toEqual({ code: 9, stdout: "a /workspace\n" });
  });

  test("an error names the line of the file", async () => {
    const file = path.join(folder(), "broken.ts");
    writeFileSync(file, "const a = 1;\n\nthrow new Error('third line');\n");
    const { code, stderr } = await buntime(["run", "-s", session.id, file, "argument"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/third line[\s\S]*:3:/);
  });

  // Sessions run the machine's own.
  test.runIf(existsSync("/usr/bin/python3"))("a Python file runs as Python", async () => {
    const file = path.join(folder(), "program.py");
    writeFileSync(file, "import sys\nprint(sys.stdin.read())\nsys.exit(5)\n");
    expect(await buntime(["run", file], { input: "piped" })).toMatchObject({ code: 5, stdout: "piped\n" });
  });

  test("a Python file is given no arguments, and it is said what to do", async () => {
    const { code, stderr } = await buntime(["run", "program.py", "argument"]);
    expect(code).toBe(1);
    expect(stderr).toContain("buntime exec");
  });

  test("a file that is not there is a mistake in the command line", async () => {
    expect(await buntime(["run", "no-such-file.ts"])).toMatchObject({ code: 2, stdout: "" });
  });
});
