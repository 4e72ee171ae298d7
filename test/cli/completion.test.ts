// What Tab brings: the scripts run in the shells that they are for.
import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { buntime, environment, folder, MAIN } from "./command.ts";

const platform = platformOfRun();

/** What bash would offer for a line with the cursor at its end. */
async function offered(line: string, cwd = "/"): Promise<string[]> {
  const bin = folder();
  const program = path.join(bin, "buntime");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(program, 0o755);
  const script = `
    source <(buntime completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
    _buntime
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...environment(), PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script, "bash", line], { env, cwd });
  return stdout.trimEnd().split("\n");
}

describe("bash", () => {
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
