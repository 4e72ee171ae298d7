// `npm run start:docker`: the platform with real containers, the Worker under `wrangler dev`. Prints what `npm start`
// prints. Ends with 0 on Ctrl-C or TERM and leaves no process and no container behind; a container's files end with it.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { startWranglerDev } from "./docker/wrangler-dev.ts";
import { lockDirectory } from "./lock.ts";
import { claimPort } from "./port.ts";
import { readyMessage } from "./ready-message.ts";
import { ROOT } from "./root.ts";
import { readSettings } from "./settings.ts";

async function main(): Promise<void> {
  const settings = await readSettings(process.env);
  const { host, port: wantedPort, domain, dataDir, apiKey } = settings;
  const directory = path.join(dataDir, "docker-state");
  await mkdir(directory, { recursive: true });
  await lockDirectory(directory);
  const env = await prepareImages();
  const port = await claimPort(host, wantedPort);
  const vars = { DOMAIN: domain ?? `localhost:${port}`, BUNTIME_API_KEY: apiKey };
  const wrangler = await startWranglerDev({ host, port, directory, vars, env });

  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    await wrangler.stop();
    process.exit(exitCode);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop(0));
  void wrangler.crashed.then((sentence) => {
    console.error(`buntime: ${sentence}`);
    return stop(1);
  });

  console.log(readyMessage(`http://localhost:${port}`, settings));
}

/** The environment that wrangler needs on this machine. @throws Error when Docker or an image is not to be had */
async function prepareImages(): Promise<Record<string, string>> {
  try {
    const { stdout } = await promisify(execFile)(path.join(ROOT, "scripts/docker/images.sh"));
    return Object.fromEntries(
      stdout
        .split("\n")
        .filter((line) => line.includes("="))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trimEnd().split("\n").at(-1) : "";
    throw new Error(said?.replace(/^docker: /, "") || String(error), { cause: error });
  }
}

try {
  await main();
} catch (error) {
  console.error(`buntime: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
