// What a reader does: runs a program in the project, knowing where the platform is.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";
import type { TestContext } from "vitest";

export const project = inject("project");
export const platform = inject("platform");

/** Ends a program that hangs. */
const RUN_MS = 100_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder in the project to run something in, so that `buntime` is found from there. */
export function folder(): string {
  mkdirSync(path.join(project, "runs"), { recursive: true });
  return mkdtempSync(path.join(project, "runs/run-"));
}

export async function run(
  command: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Ran> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: RUN_MS,
    killSignal: "SIGKILL",
    env: {
      // This Node, and the project's commands, first.
      PATH: [path.join(project, "node_modules/.bin"), path.dirname(process.execPath), process.env["PATH"]].join(":"),
      HOME: project,
      BUNTIME_BASE_URL: `http://${platform.domain}/api`,
      BUNTIME_API_KEY: platform.apiKey,
      BUNTIME_ADMIN_KEY: platform.adminKey,
      ...env,
    },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const PROBE = `const url = process.env.NPM_CONFIG_REGISTRY ?? "https://registry.npmjs.org/";
console.log((await fetch(new URL("hono", url), { signal: AbortSignal.timeout(10_000) })).ok);`;

/** Skips where no packages can be had. Asked from inside a session, since that is where they have to arrive. */
export async function needRegistry(context: TestContext): Promise<void> {
  const cwd = folder();
  writeFileSync(path.join(cwd, "probe.ts"), PROBE);
  const { stdout } = await run(["buntime", "run", "--no-stdin", "probe.ts"], { cwd });
  context.skip(stdout.trim() !== "true", "no registry can be reached from a session");
}
