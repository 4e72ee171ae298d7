// The whole platform on this machine: the engine that starts containers, the Worker in workerd, and their end in order.
// `npm start` and `buntime dev` run it until a signal (serve.ts), `buntime/testing` and the demo within their own process:
//
//   const { url, apiKey, stop } = await startPlatform({ dataDirectory: ".buntime" });
//
// Many may run at the same time, each with a data directory of its own.
import { mkdir } from "node:fs/promises";
import type { Engine } from "./engine.ts";
import { startEngine } from "./engine.ts";
import { lockDirectory } from "./lock.ts";
import { claimPort } from "./port.ts";
import { repeat } from "./repeat.ts";
import { LOCAL_VARIABLES, newApiKey, SWEEP_EVERY_MS } from "./settings.ts";
import { startWorker } from "./worker.ts";

export interface PlatformOptions {
  /** Sessions and their files are kept here, and there at the next start. */
  readonly dataDirectory: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, any that is free. */
  readonly port?: number;
  /** Previews are at `ses-<id>.<domain>`. Default: `localhost:<port>`. */
  readonly domain?: string | null;
  /** Of the account that there is from the start. Default: a new one. */
  readonly apiKey?: string;
  /** Of the Worker, such as IDLE_AFTER, in place of those in wrangler.toml and of LOCAL_VARIABLES. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What fires on Cloudflare by cron. Default: an hour. */
  readonly sweepEveryMs?: number;
  /** Gets what the platform has to say while it runs, line by line. Default: stderr. */
  readonly log?: (line: string) => void;
  /** What starts containers. Default: the embedded engine. */
  readonly engine?: (options: EngineOptions) => Promise<Engine>;
}

/** Not in the first minutes, which are busy; but a machine that is switched off every evening has one, too. */
const FIRST_SWEEP_MS = 300_000;

interface EngineOptions {
  readonly dataDirectory: string;
  /** Where the Worker listens. */
  readonly platform: { readonly host: string; readonly port: number };
  readonly log: (line: string) => void;
}

export interface Platform {
  /** `http://localhost:<port>`; the API is below `/api`. */
  readonly url: string;
  readonly apiKey: string;
  /** Saves the files of all that runs, then ends everything. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Resolves when the platform answers.
 * @throws Error to show to whoever started it: the port or the directory is taken, this machine cannot run containers
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { dataDirectory, host = "127.0.0.1", apiKey = newApiKey(), log = console.error } = options;
  await mkdir(dataDirectory, { recursive: true });
  const unlock = await lockDirectory(dataDirectory);
  const stops = [unlock];
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) await end();
  };
  try {
    const port = await claimPort(host, options.port ?? 0);
    const engine = await (options.engine ?? startEngine)({ dataDirectory, platform: { host, port }, log });
    stops.push(() => engine.stop());
    const worker = await startWorker({
      host,
      port,
      engine,
      stateDirectory: `${dataDirectory}/state`,
      variables: {
        ...LOCAL_VARIABLES,
        DOMAIN: options.domain ?? `localhost:${port}`,
        BUNTIME_API_KEY: apiKey,
        // Who asks directly could write any header.
        CLIENT_ADDRESS_HEADER: "",
        ...options.variables,
      },
    });
    stops.push(() => worker.stop());
    const stopSweeps = repeat(() => worker.sweep(), {
      firstAfterMs: FIRST_SWEEP_MS,
      everyMs: options.sweepEveryMs ?? SWEEP_EVERY_MS,
      onError: (error) => log(`the sweep failed: ${String(error)}`),
    });
    stops.push(() => Promise.resolve(stopSweeps()));
    // Before the Worker's end: it saves the containers' files.
    stops.push(() => engine.drain());
    let stopping: Promise<void> | undefined;
    return { url: `http://localhost:${port}`, apiKey, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await stop();
    throw error;
  }
}
