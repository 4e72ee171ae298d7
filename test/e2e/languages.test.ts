// Code in other languages than Bun's: in sessions of the image polyglot, and in sessions of their own. On the embedded
// engine sessions run the machine's own programs, so what it does not have is left out there.
import { describe, expect, test } from "vitest";
import { readText } from "../../scripts/client.ts";
import { ipcNamespace } from "../support/container.ts";
import { newContext } from "../support/contexts.ts";
import { newSession, ON_DOCKER, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { SOON, untilState } from "../support/life.ts";
import { listProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
const shared = sharedSession(client, { image: "polyglot" });

/** In each: greet by env and stdin, say where, complain, exit with 3; fail in line 3; import what is beside it. */
const PROGRAMS = {
  python: {
    aliases: ["py"],
    program: "python3",
    greet: `import os, sys
print(os.environ["GREETING"], sys.stdin.read(), os.getcwd())
print("complaint", file=sys.stderr)
sys.exit(3)`,
    fail: `x = 1

raise ValueError("boom")`,
    where: /\.exe_\w{20}\.py", line 3, in <module>/,
    import: { files: [{ path: "lib.py", content: "name = 'beside'" }], code: "import lib; print(lib.name)" },
  },
  node: {
    aliases: ["nodejs"],
    program: "node",
    greet: `const { readFileSync } = require("node:fs");
console.log(process.env.GREETING, readFileSync(0, "utf8"), process.cwd());
console.error("complaint");
process.exitCode = 3;`,
    fail: `const x = 1;

throw new Error("boom " + typeof Bun + x);`,
    where: /\.exe_\w{20}\.js:3/,
    import: {
      files: [{ path: "lib.mjs", content: "export const name = await 'beside'" }],
      code: 'import { name } from "./lib.mjs"; console.log(name)',
    },
  },
  deno: {
    aliases: [],
    program: "deno",
    greet: `const text: string = await new Response(Deno.stdin.readable).text();
console.log(Deno.env.get("GREETING"), text, Deno.cwd());
console.error("complaint");
Deno.exit(3);`,
    fail: `const x: number = 1;

throw new Error("boom" + x);`,
    where: /\.exe_\w{20}\.ts:3:7/,
    import: {
      files: [{ path: "lib.ts", content: "export const name: string = 'beside'" }],
      code: 'import { name } from "./lib.ts"; console.log(name)',
    },
  },
  go: {
    aliases: ["golang"],
    program: "go",
    greet: `package main

import ("fmt"; "io"; "os")

func main() {
	text, _ := io.ReadAll(os.Stdin)
	directory, _ := os.Getwd()
	fmt.Println(os.Getenv("GREETING"), string(text), directory)
	fmt.Fprintln(os.Stderr, "complaint")
	os.Exit(3)
}`,
    fail: `package main
func main() {
	panic("boom")
}`,
    where: /exe_\w{20}\.go:3 /,
    import: {
      files: [
        { path: "go.mod", content: "module example.com/app" },
        { path: "lib/lib.go", content: 'package lib\n\nconst Name = "beside"' },
      ],
      code: 'package main\n\nimport "example.com/app/lib"\n\nfunc main() { println(lib.Name) }',
    },
  },
} as const;
type Name = keyof typeof PROGRAMS;
const NAMES = Object.keys(PROGRAMS) as Name[];

/** What can be run in a session of the image polyglot. */
async function findTools(): Promise<ReadonlySet<string>> {
  const { id: sessionId } = await client.createSession({ image: "polyglot" });
  try {
    const { stdout } = await client.execute({
      sessionId,
      command: `for program in python3 node npm deno go; do "$program" --version >&2 && echo "$program"; done
go version && echo go
python3 -m pip --version >&2 && echo pip
node -e 'process.features.typescript || process.exit(1)' && echo types`,
    });
    return new Set(stdout.split("\n"));
  } finally {
    await client.request("DELETE", `/sessions/${sessionId}`);
  }
}
const tools = await findTools();
const isThere = (name: Name): boolean => ON_DOCKER || tools.has(PROGRAMS[name].program);

describe.each(NAMES)("%s", (language) => {
  const { aliases, greet, fail, where, import: beside } = PROGRAMS[language];

  test.runIf(isThere(language))("runs in a session with its environment, stdin and exit code", async () => {
    const answer = await client.execute({
      sessionId: shared.id,
      language,
      code: greet,
      env: { GREETING: "hello" },
      stdin: "there",
    });
    expect(answer).toMatchObject({
      stdout: "hello there /workspace\n",
      stderr: "complaint\n",
      exitCode: 3,
      signal: null,
      timedOut: false,
      background: false,
      filesWritten: [],
    });
  });

  test.runIf(isThere(language))("runs in a session of its own, by its other names too", async () => {
    const run = { code: greet, env: { GREETING: "one" }, stdin: "shot" };
    for (const name of [language, ...aliases]) {
      expect(await client.execute({ ...run, language: name })).toMatchObject({
        stdout: "one shot /workspace\n",
        exitCode: 3,
      });
    }
  });

  test.runIf(isThere(language))("tells in which line it failed", async () => {
    const answer = await client.execute({ sessionId: shared.id, language, code: fail });
    expect(answer.exitCode).not.toBe(0);
    expect(answer.stderr).toContain("boom");
    expect(answer.stderr).toMatch(where);
  });

  test.runIf(isThere(language))("imports what is beside it", async () => {
    const workingDir = `of-${language}`;
    const files = beside.files.map(({ path, content }) => ({ path: `${workingDir}/${path}`, content }));
    const answer = await client.execute({ sessionId: shared.id, language, code: beside.code, files, workingDir });
    expect(answer).toMatchObject({ exitCode: 0 });
    expect(answer.stdout + answer.stderr).toBe("beside\n");
  });

  test.runIf(isThere(language))("leaves nothing of itself behind", async () => {
    const { id: sessionId } = await newSession(client, { image: "polyglot" });
    await client.execute({ sessionId, language, code: fail });
    expect(await client.execute({ sessionId, command: "ls -A | grep -v .buntime" })).toMatchObject({ stdout: "" });
  });
});

describe("code of a language", () => {
  test.each(["javascript", "js", "typescript", "ts", "bun"] as const)(
    "%s is run by Bun, as without it",
    async (name) => {
      const code = "console.log(typeof Bun, await Promise.resolve(1))";
      expect(await client.execute({ sessionId: shared.id, language: name, code })).toMatchObject({
        stdout: "object 1\n",
      });
      expect(await client.execute({ language: name, code })).toMatchObject({ stdout: "object 1\n", exitCode: 0 });
    },
  );

  test.runIf(isThere("node") && (ON_DOCKER || tools.has("types")))("node may have types", async () => {
    const code = "const n: number = 1;\nconsole.log(n, typeof Bun)";
    expect(await client.execute({ sessionId: shared.id, language: "node", code })).toMatchObject({
      stdout: "1 undefined\n",
    });
  });

  test.runIf(ON_DOCKER)("python may nest quotes in f-strings, which came with 3.12", async () => {
    const code = `print(f"{"a" if True else "b"}")`;
    expect(await client.execute({ sessionId: shared.id, language: "python", code })).toMatchObject({ stdout: "a\n" });
  });

  test.runIf(isThere("go"))("go that does not compile is told by line, and runs nothing", async () => {
    const code = "package main\nfunc main() {\n\tx := 1\n}";
    const answer = await client.execute({ sessionId: shared.id, language: "go", code });
    expect(answer).toMatchObject({ stdout: "", exitCode: 1 });
    expect(answer.stderr).toMatch(/\.exe_\w{20}\.go:3:2: declared and not used: x/);
  });

  test.runIf(isThere("python"))("that is ended keeps what it had printed", async () => {
    const code = "import time\nprint('printed')\ntime.sleep(60)";
    expect(await client.execute({ sessionId: shared.id, language: "python", code, timeout: 3 })).toMatchObject({
      stdout: "printed\n",
      timedOut: true,
    });
  });

  test.runIf(isThere("python"))("that listens goes on in the background", async () => {
    const { id: sessionId } = await newSession(client, { image: "polyglot" });
    const code = `from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served")
server = HTTPServer(("", 8080), Handler)
print("up")
server.serve_forever()`;
    const answer = await client.execute({ sessionId, language: "python", code });
    expect(answer).toMatchObject({ background: true, exitCode: null, stdout: "up\n" });
    expect(await readText(await client.preview(sessionId, "/"))).toBe("served");
  });

  test.runIf(isThere("python"))("that fails in a session of its own leaves no container", async () => {
    const code = "import os, sys\nprint(os.readlink('/proc/self/ns/ipc'))\nsys.exit(4)";
    const { stdout, exitCode } = await client.execute({ language: "python", code });
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/^ipc:/);
    const inside = (): boolean => listProcesses().some(({ pid }) => ipcNamespace(pid) === stdout.trim());
    await until("its container to be gone", () => !inside(), { deadlineMs: 30_000 });
  });

  test("that is not there is refused with what is", async () => {
    const { id: sessionId } = await newSession(client);
    const json = { sessionId, language: "python", code: "print(1)", env: { PATH: "/nowhere" } };
    expect(await problem(client, "POST", "/execute", { json })).toMatchObject({
      status: 400,
      code: "invalid_request",
      details: { language: "python", image: "bun", has: ["javascript", "typescript"] },
    });
  });

  test.runIf(ON_DOCKER)("that the image bun does not have is refused with the image that has it", async () => {
    const { id: sessionId } = await newSession(client);
    for (const language of NAMES) {
      const refused = await problem(client, "POST", "/execute", { json: { sessionId, language, code: "" } });
      const details = { language, image: "bun", has: ["javascript", "typescript"] };
      expect(refused).toMatchObject({ status: 400, code: "invalid_request", details });
      expect(refused.message).toContain("create a session with image polyglot");
    }
  });

  test.runIf(!ON_DOCKER && NAMES.some((name) => !isThere(name)))("that the machine lacks is said so", async () => {
    const language = NAMES.find((name) => !isThere(name));
    const refused = await problem(client, "POST", "/execute", { json: { language, code: "" } });
    expect(refused).toMatchObject({ status: 400, code: "invalid_request", details: { language, image: "polyglot" } });
    expect(refused.message).toContain("on this machine");
  });

  test("that nobody knows, or beside a command, is refused", async () => {
    for (const json of [
      { language: "cobol", code: "" },
      { language: "Python", code: "" },
      { language: "python", command: "true" },
    ]) {
      expect(await problem(client, "POST", "/execute", { json })).toMatchObject({
        status: 400,
        code: "invalid_request",
      });
    }
  });
});

describe("packages", () => {
  /** A wheel, which is a zip, by the standard library. */
  const MAKE_WHEEL = `import zipfile
info = "greeting_kit-1.0.dist-info"
with zipfile.ZipFile("greeting_kit-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("greeting_kit.py", "def greet():\\n    return 'installed'\\n")
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: greeting-kit\\nVersion: 1.0\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
  const INSTALL = {
    pip: {
      files: [{ path: "make.py", content: MAKE_WHEEL }],
      install: "python3 make.py && python3 -m pip install --no-index ./greeting_kit-1.0-py3-none-any.whl",
      use: `python3 -c 'import greeting_kit; print(greeting_kit.greet())'`,
    },
    npm: {
      files: [
        { path: "package/package.json", content: '{"name":"kit","version":"1.0.0","bin":{"kit":"kit.js"}}' },
        { path: "package/kit.js", content: "#!/usr/bin/env node\nconsole.log('installed')" },
      ],
      install: "tar czf kit.tgz package && npm install --global --offline --no-audit ./kit.tgz",
      use: "kit",
    },
    go: {
      files: [
        { path: "kit/go.mod", content: "module example.com/kit" },
        {
          path: "kit/main.go",
          content: 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("installed\\n") }',
        },
      ],
      install: "cd kit && go install .",
      use: "kit",
    },
  } as const;

  const installers = (["pip", "npm", "go"] as const).filter((tool) => ON_DOCKER || tools.has(tool));

  test.each(installers)("that %s installs need no root, and outlive the container", async (tool) => {
    const { files, install, use } = INSTALL[tool];
    const { id: sessionId } = await newSession(client, { image: "polyglot", ...SOON });
    const installed = await client.execute({ sessionId, files: [...files], command: `${install} && rm -rf *` });
    expect(installed).toMatchObject({ exitCode: 0, filesWritten: [] });
    expect(await client.execute({ sessionId, command: use })).toMatchObject({ stdout: "installed\n" });
    await client.execute({ sessionId, command: 'mkdir -p "$PIP_CACHE_DIR" && echo 1 > "$PIP_CACHE_DIR/again"' });
    await untilState(client, sessionId, "deep-sleep");
    expect(await client.execute({ sessionId, command: use })).toMatchObject({ stdout: "installed\n", stderr: "" });
    // What can be had again is not kept.
    expect(await client.execute({ sessionId, command: 'ls "$PIP_CACHE_DIR"' })).toMatchObject({ stdout: "" });
  });

  test.runIf(ON_DOCKER)("go into a virtual environment as well, which code is run in by its PATH", async () => {
    const { id: sessionId } = await newSession(client, { image: "polyglot" });
    const command = `python3 make.py && python3 -m venv .venv && rm make.py
.venv/bin/pip install --no-index ./*.whl && rm *.whl`;
    const made = await client.execute({ sessionId, files: [{ path: "make.py", content: MAKE_WHEEL }], command });
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.filesWritten.filter((path) => path.includes("site-packages"))).toEqual([]);
    const code = "import greeting_kit, sys; print(greeting_kit.greet(), sys.prefix)";
    const env = { PATH: "/workspace/.venv/bin:/usr/bin" };
    expect(await client.execute({ sessionId, language: "python", code, env })).toMatchObject({
      stdout: "installed /workspace/.venv\n",
    });
    expect(await client.execute({ sessionId, language: "python", code })).toMatchObject({ exitCode: 1 });
  });

  test.runIf(ON_DOCKER)("draw figures, which a context answers as images, and frames as tables", async () => {
    const context = await newContext(client, shared.id, { language: "python" });
    const code = `import matplotlib.pyplot as plot, pandas
plot.plot([1, 4, 9])
pandas.DataFrame({"a": [1, 2], "b": ["x", None]})`;
    const { results } = await context.run(code);
    expect(results).toMatchObject([
      { type: "table", main: true, columns: ["a", "b"], rows: [[1, "x"], [2, null]] }, // prettier-ignore
      { type: "image", main: false, mime: "image/png" },
    ]);
    const [data = ""] = results.flatMap((result) => (result.type === "image" ? [result.data] : []));
    expect(Buffer.from(data, "base64").subarray(1, 4).toString()).toBe("PNG");
  });

  test.runIf(ON_DOCKER)("that people expect of one who computes are there", async () => {
    const code = `import numpy, pandas, matplotlib.pyplot as plot
frame = pandas.DataFrame({"x": numpy.arange(3)})
plot.plot(frame.x)
plot.savefig("plot.png")
print(frame.x.sum())`;
    expect(await client.execute({ sessionId: shared.id, language: "python", code })).toMatchObject({
      stdout: "3\n",
      filesWritten: ["plot.png"],
    });
  });
});
