// The embedded engine as a child process: started once, started again on the same port when it dies, stopped in order.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LAST_SAVE_MS } from "../src/contract/limits.ts";
import { claimPort } from "./port.ts";
import { BUN, ROOT, TIED } from "./root.ts";

/** What a Worker needs whose containers the platform starts in Docker. */
export interface DockerAccess {
  /** The name it has to have. */
  readonly worker: string;
  /** Of wrangler, Miniflare and `docker build`: where Docker is and which images to use. */
  readonly env: Readonly<Record<string, string>>;
}

/** What starts containers: this one, or Docker. */
export interface Engine {
  /** Variables by which the Worker finds it. */
  readonly vars: Readonly<Record<string, string>>;
  /** Null: containers are the Worker's own affair, through `vars`. */
  readonly docker: DockerAccess | null;
  /** Tells every container to end, once the Worker has saved its files: to be called before the Worker's end. */
  drain(): Promise<void>;
  /** To be called after the Worker's end. */
  stop(): Promise<void>;
}

const READY_MS = 15_000;
/** Longer than the engine waits for its containers. */
const STOP_MS = LAST_SAVE_MS + 15_000;
/** Deaths in a row, each within `QUICK_MS` of its start, after which it is not started again. */
const QUICK_DEATHS = 5;
const QUICK_MS = 5000;
/** Each quick death in a row makes the next start wait this much longer. */
const RESTART_STEP_MS = 250;

/**
 * Resolves when the engine answers. `onCrash` gets a sentence for every death that was not asked for.
 * @throws Error when it cannot start here at all.
 */
export async function startEngine(options: {
  readonly dataDir: string;
  readonly onCrash: (message: string) => void;
}): Promise<Engine> {
  const port = await claimPort("127.0.0.1", 0);
  const token = randomBytes(32).toString("hex");
  const url = `http://127.0.0.1:${port}`;
  let stopping = false;
  let quickDeaths = 0;
  let restart: NodeJS.Timeout | undefined;

  const launch = (): ChildProcess => {
    const startedAt = Date.now();
    const child = spawn(TIED, [path.join(ROOT, "container/engine/main.ts")], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        TIED: BUN,
        ENGINE_PORT: String(port),
        ENGINE_TOKEN: token,
        BUNTIME_DATA_DIR: options.dataDir,
      },
    });
    child.once("exit", (code, signal) => {
      if (stopping) return;
      quickDeaths = Date.now() - startedAt < QUICK_MS ? quickDeaths + 1 : 0;
      if (quickDeaths >= QUICK_DEATHS) {
        options.onCrash(`the engine ended ${QUICK_DEATHS} times in a row (${signal ?? code}); it is not started again`);
        return;
      }
      options.onCrash(`the engine ended (${signal ?? code}) and is started again; sessions recover on their next call`);
      // At once the first time. What keeps it from starting, such as its predecessor's end, may need a moment.
      restart = setTimeout(() => (engine = launch()), Math.max(0, quickDeaths - 1) * RESTART_STEP_MS);
    });
    return child;
  };
  let engine = launch();

  const stop = async (): Promise<void> => {
    stopping = true;
    clearTimeout(restart);
    if (engine.exitCode !== null || engine.signalCode !== null) return;
    const exited = once(engine, "exit");
    engine.kill("SIGTERM");
    const force = setTimeout(() => engine.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(force);
  };

  const deadline = Date.now() + READY_MS;
  while (!(await isHealthy(url, token))) {
    if (quickDeaths >= QUICK_DEATHS || Date.now() > deadline) {
      await stop();
      throw new Error("the engine did not start; its message is above");
    }
    await delay(10);
  }
  return { vars: { ENGINE_URL: url, ENGINE_TOKEN: token }, docker: null, drain: stop, stop };
}

async function isHealthy(url: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { headers: { authorization: `Bearer ${token}` } });
    return response.ok;
  } catch {
    return false;
  }
}
