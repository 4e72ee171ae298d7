// `npm run dev`: the Worker under `wrangler dev`, which reloads it at every change of src/, over the embedded engine.
// Its sessions are its own: what is tried here does not touch those of `npm start`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { startEngine } from "./engine.ts";
import { lockDirectory } from "./lock.ts";
import { claimPort } from "./port.ts";
import { ROOT } from "./root.ts";
import { readSettings } from "./settings.ts";

const settings = await readSettings(process.env);
const dataDir = path.join(settings.dataDir, "dev");
await mkdir(dataDir, { recursive: true });
await lockDirectory(dataDir);
const port = await claimPort(settings.host, settings.port);
const engine = await startEngine({ dataDir, onCrash: (message) => console.error(`buntime: ${message}`) });

const vars = {
  DOMAIN: settings.domain ?? `localhost:${port}`,
  BUNTIME_API_KEY: settings.apiKey,
  ENGINE_URL: engine.url,
  ENGINE_TOKEN: engine.token,
};
const wrangler = spawn(
  path.join(ROOT, "node_modules/.bin/wrangler"),
  ["dev", "--enable-containers=false", `--ip=${settings.host}`, `--port=${port}`]
    .concat(`--persist-to=${path.join(dataDir, "state")}`)
    .concat(Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`])),
  { cwd: ROOT, stdio: "inherit" },
);
console.log(`buntime key ${settings.apiKey}`);

// Ctrl-C reaches wrangler by itself, since it shares the terminal; when it has ended, so does the rest.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => wrangler.kill(signal));
await once(wrangler, "exit");
await engine.stop();
process.exit(wrangler.exitCode ?? 0);
