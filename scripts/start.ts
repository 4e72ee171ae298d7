// `npm start`: the whole platform on this machine, without Docker. Ends with 0 on Ctrl-C or TERM and leaves no process
// behind; sessions and their files are in the data directory and there at the next start.
// `npm run start:docker`: the same with real containers. None of them is left behind either; their files are saved first.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { startDockerEngine } from "./docker/engine.ts";
import { startEngine } from "./engine.ts";
import { lockDirectory } from "./lock.ts";
import { startPlatform } from "./platform.ts";
import { claimPort } from "./port.ts";
import { readyMessage } from "./ready-message.ts";
import { readSettings } from "./settings.ts";
import { repeat } from "./repeat.ts";

/** Not in the first minutes, which are busy; but a machine that is switched off every evening has one, too. */
const FIRST_SWEEP_MS = 300_000;

async function main(): Promise<void> {
  const settings = await readSettings(process.env);
  const { host, port: wantedPort, domain, apiKey, vars } = settings;
  const docker = process.argv.includes("--docker");
  const dataDir = docker ? path.join(settings.dataDir, "docker") : settings.dataDir;
  await mkdir(dataDir, { recursive: true });
  await lockDirectory(dataDir);
  const port = await claimPort(host, wantedPort);
  const engine = docker
    ? await startDockerEngine({ dataDir })
    : await startEngine({ dataDir, onCrash: (message) => console.error(`buntime: ${message}`) });
  const platform = await startPlatform({
    host,
    port,
    domain: domain ?? `localhost:${port}`,
    apiKey,
    vars,
    dataDir,
    engine,
  }).catch(async (error: unknown) => {
    await engine.stop();
    throw error;
  });

  const stopSweeps = repeat(() => platform.sweep(), {
    firstAfterMs: FIRST_SWEEP_MS,
    everyMs: settings.sweepEveryMs,
    onError: (error) => console.error(`buntime: the sweep failed: ${String(error)}`),
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    stopSweeps();
    await engine.drain();
    await platform.stop();
    await engine.stop();
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());

  console.log(readyMessage(platform.url, settings));
}

try {
  await main();
} catch (error) {
  console.error(`buntime: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
