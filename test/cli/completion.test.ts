// What Tab brings: the scripts run in the shells that they are for.
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { buntime, environment, folder, MAIN } from "./command.ts";
import { Pty } from "./pty.ts";

const platform = platformOfRun();

/** A folder with `buntime` in it, for the PATH. */
function installed(): string {
  const bin = folder();
  const program = path.join(bin, "buntime");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(program, 0o755);
  return `${bin}:${process.env["PATH"] ?? ""}`;
}

/** What bash would offer for a line with the cursor at its end. */
async function offered(line: string, cwd = "/"): Promise<string[]> {
  const script = `
    source <(buntime completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
    _buntime
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...environment(), PATH: installed() };
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script, "bash", line], { env, cwd });
  return stdout.trimEnd().split("\n");
}

const isThere = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

/** Local files beside which the lines are typed. */
function localFiles(): string {
  const local = folder();
  mkdirSync(path.join(local, "here of mine"));
  writeFileSync(path.join(local, "here of mine/it's"), "");
  writeFileSync(path.join(local, "alone.csv"), "");
  return local;
}

const SHELLS = {
  bash: { program: ["bash", "--norc", "--noprofile", "-i"], setup: "" },
  zsh: { program: ["zsh", "-f", "-i"], setup: "autoload -Uz compinit; compinit -u -D; " },
} as const;

/** The words of a line that is typed at a terminal, with its Tabs, as the shell takes them then. */
async function typed(shell: keyof typeof SHELLS, line: string, cwd: string): Promise<string> {
  const { program, setup } = SHELLS[shell];
  const pty = new Pty([], { program, cwd, cols: 400, env: { PATH: installed(), TERM: "vt100", PS1: "$ " } });
  // Its words in quotes, so that what the terminal echoes of it is not taken for what it prints.
  pty.type(
    `${setup}source <(buntime completion ${shell}); show() { printf '<%s>' "$@"; printf '.%s\\n' end; }; show ready\r`,
  );
  await pty.shows("<ready>.end");
  // To the line's beginning, so that it is shown in place of run.
  pty.type(`${line}\u0001show \r`);
  await pty.matches(/<buntime>.*\.end/s);
  const shown = /<buntime>.*?\.end/s.exec(pty.output)?.[0] ?? "";
  pty.type("exit\r");
  return shown;
}

/** A session whose files have names that shells must quote. */
async function sessionWithFiles(): Promise<string> {
  const name = `tab-${Date.now()}-${Math.floor(Math.random() * 1e6)}`;
  const { id } = await newSession(platform, { name });
  for (const file of ["a folder/one.txt", "$(touch hit)", 'q"uo`te', "it's", "c:d=e"]) {
    await platform.request("POST", "/files/write", { json: { sessionId: id, path: file, content: "" } });
  }
  return name;
}

describe.each(["bash", "zsh"] as const)("%s at a terminal", (shell) => {
  test.skipIf(!isThere(shell)).each([
    ["a verb and what follows it", "buntime sess\tinf\t", ["sessions", "info"]],
    ["a session's name", "buntime exec TAB\t", ["exec", "NAME"]],
    ["a folder and a file in it, behind a colon", "buntime cp NAME:a\to\t", ["cp", "NAME:a folder/one.txt"]],
    ["the same behind a backslash", "buntime cp NAME:a\\ folder/o\t", ["cp", "NAME:a folder/one.txt"]],
    ["the same in quotes", 'buntime cp "NAME:a folder/o\t', ["cp", "NAME:a folder/one.txt"]],
    ["what a shell would run", "buntime files cat NAME \\$\t", ["files", "cat", "NAME", "$(touch hit)"]],
    ["a quote in quotes", 'buntime cp "NAME:q\t', ["cp", 'NAME:q"uo`te']],
    ["a colon and an equals sign in a name", "buntime cp NAME:c:d=\t", ["cp", "NAME:c:d=e"]],
    ["the value of an option", "buntime run --session=TAB\t", ["run", "--session=NAME"]],
    ["a local file", "buntime cp al\t", ["cp", "alone.csv"]],
    ["a local folder and a file in it", "buntime run here\tit\t", ["run", "here of mine/it's"]],
    ["nothing of here behind a colon", "buntime cp NAME:al\t", ["cp", "NAME:al"]],
  ])("completes %s", async (_, line, words) => {
    const name = await sessionWithFiles();
    const named = (text: string): string => text.replaceAll("NAME", name).replaceAll("TAB", name.slice(0, -2));
    const shown = await typed(shell, named(line), localFiles());
    expect(shown).toBe(`${["buntime", ...words].map((word) => `<${named(word)}>`).join("")}.end`);
  });
});

describe.skipIf(!isThere("fish"))("fish", () => {
  /** Candidates, without what they are. */
  async function offers(line: string, cwd = "/"): Promise<string[]> {
    const script = "buntime completion fish | source; complete -C $argv[1]";
    const env = { ...environment(), PATH: installed() };
    const { stdout } = await promisify(execFile)("fish", ["--no-config", "-c", script, line], { env, cwd });
    return stdout
      .trimEnd()
      .split("\n")
      .map((each) => each.split("\t")[0] ?? "")
      .toSorted();
  }

  test("offers verbs, sessions, and the values of options, whichever way they are given", async () => {
    const name = await sessionWithFiles();
    expect(await offers("buntime s")).toEqual(["sessions", "shell", "snapshots"]);
    expect(await offers("buntime usage --by ")).toEqual(["day", "session"]);
    expect(await offers(`buntime exec ${name.slice(0, -2)}`)).toEqual([name]);
    expect(await offers(`buntime run --session=${name.slice(0, -2)}`)).toEqual([`--session=${name}`]);
  });

  test("offers files in a session also in quotes and behind backslashes, and those of here only where they can be", async () => {
    const name = await sessionWithFiles();
    const local = localFiles();
    const inFolder = [`${name}:a folder/one.txt`];
    expect(await offers(`buntime cp "${name}:a folder/`, local)).toEqual(inFolder);
    expect(await offers(`buntime cp '${name}:a folder/o`, local)).toEqual(inFolder);
    expect(await offers(`buntime cp ${name}:a\\ folder/`, local)).toEqual(inFolder);
    expect(await offers(`buntime cp ${name}:`, local)).toEqual(
      ["$(touch hit)", "a folder/", "c:d=e", "it's", 'q"uo`te'].map((file) => `${name}:${file}`),
    );
    expect(await offers("buntime cp al", local)).toEqual(["alone.csv"]);
    expect(await offers("buntime run here", local)).toEqual(["here of mine/"]);
    expect(await offers(`buntime exec al`, local)).toEqual([""]);
  });
});

describe("bash's function", () => {
  test("offers verbs, what they do, their options and the values of options", async () => {
    const [verbs, inner, options, choices] = await Promise.all([
      offered("buntime s"),
      offered("buntime sessions "),
      offered("buntime exec --"),
      offered("buntime usage --by "),
    ]);
    expect(verbs.toSorted()).toEqual(["sessions", "shell", "snapshots"]);
    expect(inner).toEqual(expect.arrayContaining(["create", "list", "info", "delete", "fork", "open"]));
    expect(options).toEqual(expect.arrayContaining(["--timeout", "--detach", "--json", "--help"]));
    expect(choices).toEqual(["day", "session"]);
  });

  test("offers sessions by name and id, snapshots, and files in a session behind the colon", async () => {
    const name = `tab-${Date.now()}`;
    const { id } = await newSession(platform, { name });
    await platform.request("POST", "/files/write", { json: { sessionId: id, path: "a folder/one.txt", content: "" } });
    await platform.request("POST", "/files/write", { json: { sessionId: id, path: "$(touch hit)", content: "" } });
    const snapshot = (await buntime(["snapshots", "create", id])).stdout.trim();
    expect(await offered(`buntime exec ${name.slice(0, 6)}`)).toContain(name);
    expect(await offered(`buntime shell ${id.slice(0, 10)}`)).toEqual([id]);
    expect(await offered(`buntime snapshots restore ${name} snp`)).toEqual([snapshot]);
    expect(await offered(`buntime cp ${name}`)).toContain(`${name}:`);
    expect((await offered(`buntime cp ${name}:`)).toSorted()).toEqual(["\\$\\(touch\\ hit\\)", "a\\ folder/"]);
  });

  test("offers nothing, and says nothing, where there is no platform", async () => {
    const env = { BUNTIME_BASE_URL: "http://127.0.0.1:9/api" };
    expect(await buntime(["__complete", "exec", ""], { env })).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

test.each(["bash", "zsh", "fish"])(
  "the script for %s is one that the shell takes, where it is there",
  async (shell) => {
    const script = path.join(folder(), "completion");
    const { code, stdout } = await buntime(["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(script, stdout);
    const check = shell === "fish" ? ["--no-execute", script] : ["-n", script];
    await promisify(execFile)(shell, check).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  },
);
