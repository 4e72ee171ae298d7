// A platform of its own for a suite: `npm start` as a user runs it, on a free port with a new data directory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Client } from "../../scripts/client.ts";
import { ROOT, TIED } from "../../src/local/repository.ts";

export interface TestPlatform {
  readonly client: Client;
  /** Of the start script; the engine, workerd and every container are its descendants. */
  readonly pid: number;
  readonly dataDir: string;
  /** All that the platform has written to stderr, as far as it has been read. */
  readonly logFile: string;
  /** Sends a signal and resolves with how the start script ended. The data directory stays. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Ends it in order and removes the data directory. May be called after end(). */
  stop(): Promise<void>;
}

export interface TestPlatformOptions {
  /** Default: a new one. */
  readonly dataDir?: string;
  /** Default: any that is free. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Real containers, by `npm run start:docker` or, named so, by `npm run dev -- --docker`. */
  readonly docker?: boolean | "wrangler dev";
}

const API_KEY = "btk_end2end00000000000000000000000";

/** Resolves when the ready line is printed; rejects with its stderr when it ends before that. */
export async function startTestPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const dataDir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), "buntime-e2e-"));
  const script = options.docker === "wrangler dev" ? "scripts/dev.ts" : "scripts/start.ts";
  const args = options.docker === undefined || options.docker === false ? [] : ["--docker"];
  // Tied to this process, so that a test run that is killed leaves no platform behind.
  const child = spawn(TIED, [path.join(ROOT, script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      TIED: process.execPath,
      PORT: String(options.port ?? 0),
      BUNTIME_API_KEY: API_KEY,
      BUNTIME_DATA_DIR: dataDir,
      ...options.env,
    },
  });
  const exited = once(child, "exit");
  const logFile = `${dataDir}.log`;
  const log = createWriteStream(logFile, { flags: "a" });
  child.stderr.pipe(log);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-8192);
    if (process.env["BUNTIME_E2E_VERBOSE"] !== undefined) process.stderr.write(text);
  });

  const port = await Promise.race([
    readyPort(child.stdout),
    exited.then(() => Promise.reject(new Error(`the platform ended before it was ready: ${stderr}`))),
  ]);
  const end: TestPlatform["end"] = async (signal) => {
    child.kill(signal);
    await exited;
    return { code: child.exitCode, signal: child.signalCode };
  };
  return {
    client: new Client({ url: `http://127.0.0.1:${port}`, apiKey: API_KEY, domain: `localhost:${port}` }),
    pid: child.pid ?? 0,
    dataDir,
    logFile,
    end,
    async stop() {
      await end("SIGTERM");
      rmSync(dataDir, { recursive: true, force: true });
      rmSync(logFile, { force: true });
    },
  };
}

async function readyPort(stdout: NodeJS.ReadableStream): Promise<number> {
  const lines = createInterface({ input: stdout });
  return await new Promise((resolve) => {
    lines.on("line", (line) => {
      const match = /^buntime ready http:\/\/localhost:(\d+)$/.exec(line);
      if (match !== null) resolve(Number(match[1]));
    });
  });
}
