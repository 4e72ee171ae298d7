// The embedded engine as a child process: started once, started again on the same port when it dies, stopped in order.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { PLATFORM_HOST } from "../contract/ids.ts";
import { LAST_SAVE_MS } from "../contract/limits.ts";
import type { ContainerImage } from "./parts.ts";
import { claimPort } from "./port.ts";
import { parts } from "./repository.ts";

/** What a Worker needs whose containers the platform starts in Docker. */
interface DockerAccess {
  /** The name it has to have. */
  readonly worker: string;
  /** Of wrangler, Miniflare and `docker build`: where Docker is and which images to use. */
  readonly env: Readonly<Record<string, string>>;
  /** @throws Error when Docker cannot build the image */
  build(image: ContainerImage): Promise<void>;
}

/** What starts containers: this one, or Docker. */
export interface Engine {
  /** Variables by which the Worker finds it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Null: containers are the Worker's own affair, through `variables`. */
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

/** Addresses to listen on that are none to connect to. */
const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Resolves when the engine answers. `log` gets what it prints, and a sentence for every death that was not asked for.
 * @throws Error with what the engine said, when it cannot start here at all
 */
export async function startEngine({
  dataDirectory,
  platform,
  log,
}: {
  readonly dataDirectory: string;
  /** Where the Worker listens: sessions reach their account's storage there. */
  readonly platform: { readonly host: string; readonly port: number };
  readonly log: (line: string) => void;
}): Promise<Engine> {
  const port = await claimPort("127.0.0.1", 0);
  const token = randomBytes(32).toString("hex");
  const url = `http://127.0.0.1:${port}`;
  const bun = parts.bun();
  let stopping = false;
  let quickDeaths = 0;
  let restart: NodeJS.Timeout | undefined;
  /** What the last start printed before the first answer; null afterwards. */
  let said: string[] | null = [];

  const launch = (): ChildProcess => {
    const startedAt = Date.now();
    if (said !== null) said = [];
    const child = spawn(parts.tied, [parts.engine.main], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        ...parts.engine.env,
        TIED: bun,
        ENGINE_PORT: String(port),
        ENGINE_TOKEN: token,
        ENGINE_PLATFORM: `${ANY[platform.host] ?? platform.host}:${platform.port}`,
        BUNTIME_DATA_DIR: dataDirectory,
      },
    });
    createInterface({ input: child.stderr }).on("line", (line) => (said === null ? log(line) : said.push(line)));
    child.once("close", (code, signal) => {
      if (stopping) return;
      quickDeaths = Date.now() - startedAt < QUICK_MS ? quickDeaths + 1 : 0;
      if (quickDeaths >= QUICK_DEATHS) {
        if (said === null)
          log(`the engine ended ${quickDeaths} times in a row (${signal ?? code}); it is not started again`);
        return;
      }
      if (said === null)
        log(`the engine ended (${signal ?? code}) and is started again; sessions recover on their next call`);
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
      throw new Error(said.join("\n").replace(/^engine: /, "") || "the engine did not start in time");
    }
    await delay(10);
  }
  for (const line of said) log(line);
  said = null;
  const variables = { ENGINE_URL: url, ENGINE_TOKEN: token, INSIDE_ORIGIN: `http://${PLATFORM_HOST}` };
  return { variables, docker: null, drain: stop, stop };
}

async function isHealthy(url: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { headers: { authorization: `Bearer ${token}` } });
    return response.ok;
  } catch {
    return false;
  }
}
