// How code of other languages becomes a program. Languages that this machine does not have are stood in for by programs of
// their names, so that the table is tested whole.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Language } from "../../../src/contract/language.ts";
import { extensionWithJsx, extensionWithoutJsx } from "../../../container/supervisor/process/language-syntax.ts";
import { TOOLCHAINS } from "../../../container/supervisor/process/languages.ts";
import { command, isRoot, refusalOf, startSupervisor } from "./harness.ts";
import type { TestSupervisor } from "./harness.ts";

let supervisor: TestSupervisor;
/** A PATH with a shell and what the test puts there. */
let programs: string;

beforeAll(async () => {
  supervisor = await startSupervisor({ env: { PATH: "/usr/bin:/bin", BUNTIME_IMAGE: "bun" } });
  programs = `${supervisor.workspace}/programs`;
  mkdirSync(programs);
  if (isRoot) chownSync(programs, supervisor.uid, supervisor.uid);
});
afterAll(() => supervisor[Symbol.asyncDispose]());

/** Prints its name, its arguments one a line, and the file that is the last of them. */
function standIn(name: string): void {
  writeFileSync(
    `${programs}/${name}`,
    `#!/bin/sh
echo "${name}"
for argument; do echo "$argument"; done
cat "$argument"
exit 7
`,
  );
  chmodSync(`${programs}/${name}`, 0o755);
}

const run = (language: Language, code: string) =>
  supervisor.execute({ language, code, env: { PATH: `${programs}:/usr/bin:/bin` } });

describe("a language", () => {
  test.each([
    ["python", "python3", [], "py"],
    ["node", "node", [], "js"],
    ["deno", "deno", ["run", "--allow-all", "--quiet"], "ts"],
  ] as const)(
    "%s is run by %s, from a file beside the code's imports",
    async (language, program, options, extension) => {
      standIn(program);
      const { stdout, exitCode } = await run(language, "let x = 1");
      const lines = stdout.split("\n");
      expect(lines.slice(0, options.length + 1)).toEqual([program, ...options]);
      expect(lines.at(options.length + 1)).toMatch(
        new RegExp(String.raw`^${supervisor.workspace}/\.exe_[0-9a-z]{20}\.${extension}$`),
      );
      expect(lines.at(-1)).toBe("let x = 1");
      expect(exitCode).toBe(7);
    },
  );

  test("Go is compiled, and what was made is run in the compiler's place and removed", async () => {
    writeFileSync(
      `${programs}/go`,
      // What it is given: build -buildmode=exe -overlay /dev/stdin -o <output> <source>.
      String.raw`#!/bin/sh
overlay=$(cat)
[ "$1 $2 $3 $4 $5" = "build -buildmode=exe -overlay /dev/stdin -o" ] || exit 99
printf '#!/bin/sh\ncat; echo "%s"; kill -TERM $$\n' "$(echo "$overlay" | tr -d '"')" > "$6"
chmod +x "$6"
echo "$7"
`,
    );
    chmodSync(`${programs}/go`, 0o755);
    const env = { PATH: `${programs}:/usr/bin:/bin` };
    const answer = await supervisor.execute({ language: "go", code: "package main", env, stdin: "for the program" });
    const [, name] = /^(.*)\/exe_([0-9a-z]{20})\.go$/m.exec(answer.stdout)?.slice(1) ?? [];
    const folder = supervisor.workspace;
    expect(answer.stdout).toBe(
      `${folder}/exe_${name}.go\nfor the program{Replace:{${folder}/exe_${name}.go:${folder}/.exe_${name}.go}}\n`,
    );
    expect(answer).toMatchObject({ exitCode: null, signal: "SIGTERM", filesWritten: [] });
    expect(readdirSync(folder).filter((file) => file.includes("exe_"))).toEqual([]);
  });

  test("whose compiler fails ends as that does, and runs nothing", async () => {
    writeFileSync(`${programs}/go`, "#!/bin/sh\ncat >/dev/null\necho 'undefined: x' >&2\nexit 1\n");
    const answer = await run("go", "package main");
    expect(answer).toMatchObject({ stdout: "", stderr: "undefined: x\n", exitCode: 1 });
  });

  test("javascript and typescript are Bun's, whatever else is there", async () => {
    for (const language of ["javascript", "typescript"] as const) {
      expect(await run(language, "console.log(typeof Bun)")).toMatchObject({ stdout: "object\n", exitCode: 0 });
    }
  });

  test("is looked for at every call", async () => {
    const env = { PATH: `${supervisor.workspace}/later:/bin-of-nobody` };
    const first = await supervisor.refusal({ language: "python", code: "", env });
    mkdirSync(`${supervisor.workspace}/later`);
    symlinkSync(`${programs}/python3`, `${supervisor.workspace}/later/python3`);
    expect([first.status, first.error.code]).toEqual([400, "invalid_request"]);
    const env2 = { PATH: `${supervisor.workspace}/later:/usr/bin:/bin` };
    expect(await supervisor.execute({ language: "python", code: "", env: env2 })).toMatchObject({ exitCode: 7 });
  });

  test.each(["#!/nowhere\n", "no program", ""])(
    "whose program is the user's own and broken is no fault of ours: %p",
    async (text) => {
      const folder = `${supervisor.workspace}/broken`;
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/python3`, text);
      chmodSync(`${folder}/python3`, 0o755);
      const json = { language: "python", code: "print(1)", env: { PATH: folder } } as const;
      const response = await supervisor.post("/execute", command(json));
      if (response.ok) expect(await response.json()).not.toMatchObject({ stdout: "1\n" });
      else expect((await refusalOf(response)).error.code).toBe("invalid_request");
      expect(readdirSync(supervisor.workspace).filter((file) => file.startsWith(".exe_"))).toEqual([]);
    },
  );

  test("that is missing is refused before anything is written, with what there is", async () => {
    mkdirSync(`${supervisor.workspace}/one`);
    symlinkSync(process.execPath, `${supervisor.workspace}/one/node`);
    symlinkSync(`${programs}/deno`, `${supervisor.workspace}/one/deno`);
    const { status, error } = await supervisor.refusal({
      language: "python",
      code: "print(1)",
      env: { PATH: `${supervisor.workspace}/one` },
      files: [{ path: "early.txt", content: "" }],
    });
    expect([status, error.code]).toEqual([400, "invalid_request"]);
    // Bun under the name of node is not Node.
    expect(error.details).toEqual({ language: "python", image: "bun", has: ["javascript", "typescript", "deno"] });
    expect(error.message).toContain("no python3 on the PATH of this execution");
    expect(readdirSync(supervisor.workspace)).not.toContain("early.txt");
  });
});

test("every language has a name of its own for its source", () => {
  const extensions = Object.values(TOOLCHAINS).map(({ extension }) => extension("x"));
  expect(new Set(extensions).size).toBe(extensions.length);
});

test.each([
  ["let a = 1", "ts", "js"],
  ["let a: number = 1", "ts", "ts"],
  ["const f = <T>(a: T): T => a", "ts", "ts"],
  ["const a = <b>c</b>", "tsx", "js"],
  ["const = 1", "ts", "js"],
])("%p is called .%s where JSX is known, .%s where it is not", (code, withJsx, withoutJsx) => {
  expect([extensionWithJsx(code), extensionWithoutJsx(code)]).toEqual([withJsx as "ts", withoutJsx as "js"]);
});
