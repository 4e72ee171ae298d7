// `wrangler dev` as a child process, with real containers. However it ends, no container and no image of it is left: those
// of a run that was killed are removed at the next start, found by the Worker's name, which is the data directory's own.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { setInterval, setTimeout as delay } from "node:timers/promises";
import { ROOT, TIED } from "../root.ts";
import { removeBuiltImage } from "./built-image.ts";
import { removeContainers, removeLoneSidecars } from "./containers.ts";

export interface WranglerDevOptions {
  readonly host: string;
  readonly port: number;
  /** For state, log and, while it runs, the variables. One wrangler at a time. */
  readonly directory: string;
  /** Variables of the Worker. They go through a file, because everybody can read a command line. */
  readonly vars: Readonly<Record<string, string>>;
  /** What wrangler itself needs to find Docker and its images. */
  readonly env: Readonly<Record<string, string>>;
}

export interface WranglerDev {
  /** Resolves with a sentence when it has ended without being asked to. */
  readonly crashed: Promise<string>;
  /** Ends it and removes its containers and its image. */
  stop(): Promise<void>;
}

/** Includes pulling and building the image for the first time. */
const READY_MS = 600_000;
const STOP_MS = 15_000;
const SWEEP_MS = 5000;
const LOG_TAIL_LINES = 15;

/**
 * Resolves when the Worker answers.
 * @throws Error with the end of wrangler's log when it does not get there.
 */
export async function startWranglerDev(options: WranglerDevOptions): Promise<WranglerDev> {
  const { directory, host, port } = options;
  const worker = `buntime-${createHash("sha256").update(directory).digest("hex").slice(0, 8)}`;
  const logFile = path.join(directory, "wrangler.log");
  const varsFile = path.join(directory, "vars.env");
  await mkdir(directory, { recursive: true });
  await removeContainers(worker);
  await removeBuiltImage(logFile);
  await writeFile(varsFile, dotenv(options.vars), { mode: 0o600 });

  const log = await open(logFile, "w");
  const args = ["dev", "--name", worker, "--ip", host, "--port", String(port), "--inspector-port", "0"];
  args.push("--persist-to", directory, "--env-file", varsFile, "--show-interactive-dev-session=false");
  // Tied twice: wrangler ends with this process, and workerd with wrangler.
  const wrangler = spawn(TIED, [`TIED=${workerdPath()}`, process.execPath, "--no-warnings", wranglerPath(), ...args], {
    cwd: ROOT,
    stdio: ["ignore", log.fd, log.fd],
    env: {
      ...process.env,
      ...options.env,
      TIED: "env",
      MINIFLARE_WORKERD_PATH: TIED,
      // Nothing of this needs the Internet.
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
    },
  });
  await log.close();

  const stopping = new AbortController();
  const ended = once(wrangler, "exit");
  const sweeping = sweep(worker, stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await end(wrangler, ended);
    await sweeping;
    await Promise.all([removeContainers(worker), rm(varsFile, { force: true })]);
    await removeBuiltImage(logFile);
  };
  const crashed = new Promise<string>((resolve) => {
    wrangler.once("exit", () => {
      if (!stopping.signal.aborted) resolve(`wrangler ended; see ${logFile}, which ends with:\n${tail(logFile)}`);
    });
  });

  const ready = await Promise.race([answers(`http://${host}:${port}/health`), crashed]);
  if (ready !== true) {
    await stop();
    throw new Error(ready === false ? `the Worker was not ready after ${READY_MS / 1000} s, see ${logFile}` : ready);
  }
  return { crashed, stop };
}

/** @throws Error naming the variable whose value cannot stand in such a file. */
function dotenv(vars: Readonly<Record<string, string>>): string {
  return Object.entries(vars)
    .map(([name, value]) => {
      if (!/^[\w.:@/+=-]*$/.test(value)) throw new Error(`${name} may hold letters, digits and _.:@/+=- only`);
      return `${name}=${value}\n`;
    })
    .join("");
}

async function answers(url: string): Promise<boolean> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      if (response.ok) return true;
    } catch {
      // Not listening yet.
    }
    await delay(50);
  }
  return false;
}

async function end(wrangler: ChildProcess, ended: Promise<unknown>): Promise<void> {
  wrangler.kill("SIGTERM");
  const force = setTimeout(() => wrangler.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(force);
}

/** Ends when the signal is aborted. */
async function sweep(worker: string, signal: AbortSignal): Promise<void> {
  let lone: ReadonlySet<string> = new Set();
  try {
    for await (const _ of setInterval(SWEEP_MS, null, { signal })) {
      lone = await removeLoneSidecars(worker, lone).catch(() => lone);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}

function wranglerPath(): string {
  return createRequire(import.meta.url).resolve("wrangler");
}

/** Of the workerd that this wrangler comes with. */
function workerdPath(): string {
  // SAFETY: workerd's package exports the path of its binary under `default`.
  return (createRequire(createRequire(wranglerPath()).resolve("miniflare"))("workerd") as { default: string }).default;
}
