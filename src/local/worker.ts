// The Worker in workerd on this machine, on a public port, with its KV, R2 and Durable Objects kept on disk. Its bindings
// are those of wrangler.toml, read by wrangler itself, so what runs here is what is deployed.
import { mkdir } from "node:fs/promises";
import type { Engine } from "./engine.ts";
import { parts } from "./repository.ts";

export interface LocalWorkerOptions {
  readonly host: string;
  readonly port: number;
  /** In place of those in wrangler.toml. */
  readonly variables: Readonly<Record<string, string>>;
  /** KV, R2 and Durable Objects live there. */
  readonly stateDirectory: string;
  readonly engine: Pick<Engine, "variables" | "docker">;
}

/**
 * Serves the assets, and is asked by the Worker alone. In the Worker itself Miniflare would put a router before it, which
 * every request had to pass, and which fails where a request has no address that it can read.
 */
const ASSETS = {
  name: "buntime-assets",
  modules: [{ type: "ESModule", path: "assets.js", contents: "export default {};" }],
} as const;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface LocalWorker {
  /** Fires the Worker's `scheduled`, as the cron of wrangler.toml does on Cloudflare. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const { variables, docker } = options.engine;
  const { Miniflare, convertV4MiniflareOptions, workerd } = parts.miniflare();
  await mkdir(options.stateDirectory, { recursive: true });
  const worker = await parts.worker({ docker: docker !== null });
  const { assets, ...workerOptions } = worker.options;
  // One after the other, since they have steps in common, which one builder would take twice at the same time.
  for (const image of worker.images) await docker?.build(image);

  // Miniflare reads all of these there: some of Docker's, and the command to run, which runs the other one.
  const restore = setEnvironment({ ...docker?.env, MINIFLARE_WORKERD_PATH: parts.tied, TIED: workerd });
  const removeListeners = rememberListeners();
  try {
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        // Its own entry goes through a proxy that doubles the time of a small request; nobody uses it.
        host: "127.0.0.1",
        port: 0,
        logRequests: false,
        cf: false,
        resourcePersistencePath: options.stateDirectory,
        ...(docker === null ? {} : { containerEngine: docker.env["DOCKER_HOST"] }),
        workers: [
          {
            ...workerOptions,
            name: docker?.worker ?? "buntime",
            modules: [{ type: "ESModule", path: "index.js", contents: worker.code }],
            bindings: {
              // SAFETY: the [vars] of wrangler.toml, which wrangler has checked to be a table.
              ...(workerOptions["bindings"] as object),
              ...options.variables,
              ...variables,
            },
            serviceBindings: {
              // SAFETY: as wrangler made them.
              ...(workerOptions["serviceBindings"] as object),
              ...(assets === undefined ? {} : { [assets.binding]: ASSETS.name }),
              // It looks at the address that a name resolves to, which the Worker cannot.
              ...(options.variables["WEBHOOKS_ALLOW_PRIVATE"] === "true"
                ? {}
                : { WEBHOOK_EGRESS: { network: { allow: ["public"], tlsOptions: { trustBrowserCas: true } } } }),
            },
            unsafeDirectSockets: [{ host: options.host, port: options.port }],
          },
          ...(assets === undefined ? [] : [{ ...ASSETS, assets: { directory: assets.directory } }]),
          ...worker.others,
        ],
      }),
    );
    removeListeners();
    try {
      await miniflare.ready;
    } catch (error) {
      await miniflare.dispose();
      throw error;
    }
    return {
      async sweep() {
        const { outcome } = await (await miniflare.getWorker()).scheduled();
        if (outcome !== "ok") throw new Error(`the Worker's scheduled handler ended with: ${outcome}`);
      },
      stop: () => miniflare.dispose(),
    };
  } finally {
    restore();
  }
}

let setters = 0;
let before: Readonly<Record<string, string | undefined>> = {};

/** Until the last of those that start at the same time, which all set the same, has called what this gives back. */
function setEnvironment(variables: Readonly<Record<string, string>>): () => void {
  if (setters++ === 0) before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  Object.assign(process.env, variables);
  return () => {
    if (--setters > 0) return;
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Miniflare ends the process at once on these signals; here that is for whoever started the platform to decide. */
function rememberListeners(): () => void {
  const kept = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  return () => {
    for (const [index, signal] of SIGNALS.entries()) {
      for (const listener of process.listeners(signal)) {
        if (kept[index]?.has(listener) === false) process.removeListener(signal, listener);
      }
    }
  };
}
