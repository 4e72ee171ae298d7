// `buntime` as people run it: a process with arguments, stdin, stdout, stderr and an exit code.
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterAll, onTestFinished } from "vitest";
import { ROOT } from "../../src/local/repository.ts";
import { platformOfRun } from "../support/e2e.ts";
import { until } from "../support/until.ts";

export const MAIN = path.join(ROOT, "src/cli/main.ts");

export interface RunOptions {
  /** Default: nothing, and its end. */
  readonly input?: string | Uint8Array;
  /** Undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

export class Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];

  constructor(args: readonly string[], { env, cwd }: RunOptions = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      stdio: "pipe",
      env: { ...environment(), ...env },
      cwd: cwd ?? tmpdir(),
    });
    this.child.stdout.on("data", (chunk: Buffer) => this.#stdout.push(chunk));
    this.child.stderr.on("data", (chunk: Buffer) => this.#stderr.push(chunk));
    // It may have gone before it has read everything.
    this.child.stdin.on("error", () => {});
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  async printed(text: string, { deadlineMs = 50_000 } = {}): Promise<void> {
    await until(`${JSON.stringify(text)} on stdout`, () => this.stdout.includes(text), { deadlineMs });
  }

  async ended(): Promise<Ran> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
    const bytes = Buffer.concat(this.#stdout);
    return {
      code: this.child.exitCode,
      stdout: bytes.toString(),
      bytes,
      stderr: Buffer.concat(this.#stderr).toString(),
    };
  }
}

/** One that is ended with the test. Its stdin stays open. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const running = new Running(args, options);
  onTestFinished(() => void running.child.kill("SIGKILL"));
  return running;
}

export async function buntime(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const running = new Running(args, options);
  running.child.stdin.end(options.input ?? "");
  return await running.ended();
}

/** The one JSON value of a run that went well. */
export async function json(args: readonly string[], options: RunOptions = {}): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await buntime([...args, "--json"], options);
  if (code !== 0) throw new Error(`buntime ${args.join(" ")} ended with ${code}: ${stderr}`);
  // SAFETY: verbs print objects.
  return JSON.parse(stdout) as Record<string, unknown>;
}

const home = mkdtempSync(path.join(tmpdir(), "buntime-cli-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Nothing of whoever runs the tests: no profile, no colours, no terminal. */
export function environment(): Record<string, string | undefined> {
  const { url, apiKey } = platformOfRun();
  return {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, "config"),
    NODE_COMPILE_CACHE: path.join(tmpdir(), "buntime-cli-compiled"),
    BUNTIME_API_KEY: apiKey,
    BUNTIME_BASE_URL: `${url.origin}/api`,
  };
}

/** A folder for this test alone. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), "buntime-cli-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
