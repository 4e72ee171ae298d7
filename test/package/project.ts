// Somebody's project that has installed the package, and what can be run in it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";
import { BUN, ROOT } from "../../src/local/repository.ts";

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const RUN_MS = 100_000;

/** Of another Node than the one that these tests run in, by its major version; null where this machine has none. */
export function otherNode(major: number): string | null {
  const own = path.join(ROOT, "node_modules");
  const candidates = (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((directory) => !directory.startsWith(own))
    .map((directory) => path.join(directory, "node"));
  return candidates.find((node) => isExecutable(node) && versionOf(node).startsWith(`v${major}.`)) ?? null;
}

export const RUNTIMES = [
  { name: "Node 20", program: otherNode(20) },
  { name: `Node ${process.versions.node.split(".")[0]}`, program: process.execPath },
  { name: "Bun", program: BUN },
] as const;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function versionOf(node: string): string {
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout;
}

export class Project {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(kind: "bare" | "full") {
    this.home = inject(kind);
    const { BUNTIME_API_KEY: _key, BUNTIME_BASE_URL: _url, ...env } = process.env;
    const PATH = [path.join(this.home, "node_modules/.bin"), path.dirname(process.execPath), "/usr/bin", "/bin"];
    this.env = { ...env, PATH: PATH.join(path.delimiter) };
  }

  /** A new folder of files below the project. */
  write(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(path.join(this.home, "sample-"));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    return folder;
  }

  start(
    program: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ): ChildProcess {
    return spawn(program, args, {
      cwd: options.cwd ?? this.home,
      env: { ...this.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async run(
    program: string,
    args: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Ended> {
    const child = this.start(program, args, options);
    const output = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), RUN_MS);
    try {
      return await new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (status) => resolve({ status, ...output }));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
