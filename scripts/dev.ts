// `npm run dev`: the Worker under `wrangler dev`, which reloads it at every change of src/, over the embedded engine or,
// with `--docker`, over real containers. Its sessions are its own: what is tried here does not touch those of `npm start`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startEngine } from "../src/local/engine.ts";
import { lockDirectory } from "../src/local/lock.ts";
import { claimPort } from "../src/local/port.ts";
import { readyMessage } from "../src/local/ready-message.ts";
import { ROOT, TIED, workerdPath, WRANGLER } from "../src/local/repository.ts";
import { readSettings } from "../src/local/settings.ts";
import { startDockerEngine } from "./docker/engine.ts";

/** Includes pulling and building the image for the first time. */
const READY_MS = 600_000;
const READY_POLL_MS = 50;
const STOP_MS = 15_000;

async function main(): Promise<number> {
  const settings = await readSettings(process.env);
  const { host, port: wantedPort, domain, apiKey } = settings;
  const onDocker = process.argv.includes("--docker");
  const dataDirectory = path.join(settings.dataDirectory, onDocker ? "dev-docker" : "dev");
  await mkdir(dataDirectory, { recursive: true });
  await lockDirectory(dataDirectory);
  const port = await claimPort(host, wantedPort);
  const engine = onDocker
    ? await startDockerEngine({ dataDirectory, platform: { host, port } })
    : await startEngine({ dataDirectory, platform: { host, port }, log: (line) => console.error(`buntime: ${line}`) });

  const varsFile = path.join(dataDirectory, "vars.env");
  const variables = {
    DOMAIN: domain ?? `localhost:${port}`,
    BUNTIME_API_KEY: apiKey,
    ...settings.variables,
  };
  // In a file, because everybody can read a command line.
  await writeFile(varsFile, dotenv({ ...variables, ...engine.variables }), { mode: 0o600 });
  const args = ["dev", `--ip=${host}`, `--port=${port}`, "--inspector-port=0", `--env-file=${varsFile}`];
  args.push(`--persist-to=${path.join(dataDirectory, "state")}`);
  args.push(engine.docker === null ? "--enable-containers=false" : `--name=${engine.docker.worker}`);
  // Tied twice: wrangler ends with this process, and workerd with wrangler.
  const wrangler = spawn(TIED, [`TIED=${workerdPath()}`, process.execPath, "--no-warnings", WRANGLER, ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      ...engine.docker?.env,
      // Nothing of this needs the Internet.
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
      TIED: "env",
      MINIFLARE_WORKERD_PATH: TIED,
    },
  });
  const ended = once(wrangler, "exit");
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      stopping = true;
      wrangler.kill(signal);
      setTimeout(() => wrangler.kill("SIGKILL"), STOP_MS).unref();
    });
  }

  const ready = answers(`http://${host}:${port}/health`);
  if (await Promise.race([ready, ended.then(() => false)])) {
    console.log(readyMessage(`http://localhost:${port}`, settings));
  }
  await ended;
  await engine.stop();
  await rm(varsFile, { force: true });
  return stopping ? 0 : (wrangler.exitCode ?? 1);
}

/** @throws Error naming the variable whose value cannot stand in such a file. */
function dotenv(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
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
    await delay(READY_POLL_MS);
  }
  return false;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(`buntime: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
