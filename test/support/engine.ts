// Starts a real embedded engine for a test suite, from vitest (node) as well as from `bun test`, so only node: modules.
// Every engine gets its own data directory; stop() leaves neither a process nor a file of it.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { descendants, listProcesses } from "./processes.ts";
import { until } from "./until.ts";

export interface EngineOptions {
  /** Kept at stop(). Default: a new temporary directory, removed at stop(). */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Added to the environment of the engine, such as ENGINE_EGRESS_ALLOW. */
  readonly env?: Readonly<Record<string, string>>;
  /** Words before `bun`, such as `setpriv --reuid=1001 --`. */
  readonly prefix?: readonly string[];
}

export interface TestEngine {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  readonly pid: number;
  /** SIGTERM, and resolves when the engine has ended. May be called twice. */
  stop(): Promise<void>;
  /** At once, where nobody is left to whom containers could give their files. */
  kill(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Resolves when the engine answers; rejects with what it wrote to stderr when it ends before that. */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "buntime-engine-"));
  const token = randomBytes(32).toString("hex");
  // It ends with the test suite, even with one that is killed.
  const command = [
    ...(options.prefix ?? []),
    "setpriv",
    "--pdeathsig",
    "TERM",
    "--",
    process.versions["bun"] === undefined ? join(ROOT, "node_modules/.bin/bun") : process.execPath,
    join(ROOT, "container/engine/main.ts"),
  ];
  const child = spawn(command[0] ?? "", command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...options.env,
      ENGINE_PORT: String(options.port ?? 0),
      ENGINE_TOKEN: token,
      BUNTIME_DATA_DIR: dataDir,
    },
  });
  const ended = once(child, "exit");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4096)));

  const url = await Promise.race([
    readyUrl(child.stdout),
    ended.then(() => Promise.reject(new Error(`the engine ended before it was ready: ${stderr}`))),
  ]);
  return {
    url,
    token,
    dataDir,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
    async kill() {
      const containers = new Set(descendants(child.pid ?? 0).map(({ pid }) => pid));
      child.kill("SIGKILL");
      await ended;
      await until("its containers have ended with it", () => !listProcesses().some(({ pid }) => containers.has(pid)));
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function readyUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const message: unknown = JSON.parse(line);
    if (typeof message === "object" && message !== null && "url" in message && typeof message.url === "string") {
      return message.url;
    }
  }
  return await new Promise<never>(() => {}); // stdout is closed: the engine's exit says why
}
