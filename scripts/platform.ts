// The Worker of wrangler.toml in workerd on this machine, on a public port, with its KV, R2 and Durable Objects kept on
// disk. Its bindings are read from wrangler.toml by wrangler itself, so what runs here is what is deployed.
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { build, stop } from "esbuild";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import * as z from "zod";
import { buildImage } from "./docker/images.ts";
import type { Engine } from "./engine.ts";
import { ROOT, TIED, workerdPath, WRANGLER } from "./root.ts";

export interface PlatformOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly apiKey: string;
  /** Of the Worker, in place of those in wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
  /** KV, R2 and Durable Objects live in its `state` folder. */
  readonly dataDir: string;
  readonly engine: Pick<Engine, "vars" | "docker">;
}

/** What is used of a Worker's options where containers are enabled. */
const Bound = z.object({
  durableObjects: z.record(
    z.string(),
    z.object({ container: z.object({ images: z.array(z.object({ image: z.string() })) }).optional() }),
  ),
});

export interface Platform {
  readonly url: string;
  /** Fires the Worker's `scheduled`, as the cron of wrangler.toml does on Cloudflare. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What is used of miniflare. It comes with wrangler and is found through it, so that their versions always agree. */
interface MiniflareModule {
  readonly Miniflare: new (options: unknown) => {
    readonly ready: Promise<URL>;
    getWorker(): Promise<{ scheduled(): Promise<{ readonly outcome: string }> }>;
    dispose(): Promise<void>;
  };
  readonly convertV4MiniflareOptions: (options: unknown) => unknown;
}

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { vars, docker } = options.engine;
  const { workerOptions, externalWorkers, main } = unstable_getMiniflareWorkerOptions(
    path.join(ROOT, "wrangler.toml"),
    undefined,
    { overrides: { enableContainers: docker !== null }, containerBuildId: randomUUID().slice(0, 8) },
  );
  if (main === undefined) throw new Error("wrangler.toml has no main");

  await mkdir(options.dataDir, { recursive: true });
  const [contents] = await Promise.all([
    bundle(main),
    ...(docker === null ? [] : imagesOf(workerOptions).map((image) => buildImage(image, docker.env))),
  ]);
  // Miniflare reads some of it there.
  Object.assign(process.env, docker?.env);
  const { Miniflare, convertV4MiniflareOptions } = loadMiniflare();
  // This is where Miniflare looks for the command to run, and what that command runs.
  process.env["MINIFLARE_WORKERD_PATH"] = TIED;
  process.env["TIED"] = workerdPath();

  const removeListeners = rememberListeners();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Its own entry goes through a proxy that doubles the time of a small request; nobody uses it.
      host: "127.0.0.1",
      port: 0,
      logRequests: false,
      cf: false,
      resourcePersistencePath: path.join(options.dataDir, "state"),
      ...(docker === null ? {} : { containerEngine: docker.env["DOCKER_HOST"] }),
      workers: [
        {
          ...workerOptions,
          name: docker?.worker ?? "buntime",
          modules: [{ type: "ESModule", path: "index.js", contents }],
          bindings: {
            // SAFETY: the [vars] of wrangler.toml, which wrangler has checked to be a table.
            ...(workerOptions["bindings"] as object),
            DOMAIN: options.domain,
            BUNTIME_API_KEY: options.apiKey,
            ...options.vars,
            ...vars,
          },
          serviceBindings: {
            // SAFETY: as wrangler made them.
            ...(workerOptions["serviceBindings"] as object),
            // It looks at the address that a name resolves to, which the Worker cannot.
            ...(options.vars["WEBHOOKS_ALLOW_PRIVATE"] === "true"
              ? {}
              : { WEBHOOK_EGRESS: { network: { allow: ["public"], tlsOptions: { trustBrowserCas: true } } } }),
          },
          unsafeDirectSockets: [{ host: options.host, port: options.port }],
        },
        ...externalWorkers,
      ],
    }),
  );
  removeListeners();
  await miniflare.ready;
  return {
    url: `http://localhost:${options.port}`,
    async sweep() {
      const { outcome } = await (await miniflare.getWorker()).scheduled();
      if (outcome !== "ok") throw new Error(`the Worker's scheduled handler ended with: ${outcome}`);
    },
    stop: () => miniflare.dispose(),
  };
}

/** The names under which the Worker's containers are started. */
function imagesOf(workerOptions: object): string[] {
  const { durableObjects } = Bound.parse(workerOptions);
  return Object.values(durableObjects).flatMap(({ container }) => container?.images.map(({ image }) => image) ?? []);
}

/** As wrangler bundles: one ES module, with the platform's own modules left to it. */
async function bundle(main: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [main],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".html": "text", ".txt": "text" },
    keepNames: true,
    sourcemap: "inline",
    logLevel: "warning",
  });
  const [file] = outputFiles;
  // Otherwise its service would stay, with its memory, for as long as the platform runs.
  await stop();
  if (file === undefined) throw new Error(`esbuild made nothing of ${main}`);
  return file.text;
}

/** Miniflare ends the process at once on these signals; here that is for whoever started the platform to decide. */
function rememberListeners(): () => void {
  const before = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  return () => {
    for (const [index, signal] of SIGNALS.entries()) {
      for (const listener of process.listeners(signal)) {
        if (before[index]?.has(listener) === false) process.removeListener(signal, listener);
      }
    }
  };
}

function loadMiniflare(): MiniflareModule {
  // SAFETY: the shape is that of the miniflare of the wrangler that package.json pins; every suite starts through it.
  return createRequire(WRANGLER)("miniflare") as MiniflareModule;
}
