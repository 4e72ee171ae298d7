// The platform's parts in this repository: the Worker is bundled from its source, the engine runs from it.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";
import type { BuildOptions } from "esbuild";
import * as z from "zod";
import { buildAssets } from "./assets.ts";
import type { MiniflareModule, Parts, WorkerParts } from "./parts.ts";

export const ROOT = path.resolve(import.meta.dirname, "../..");
/** Runs the command in $TIED so that it cannot outlive its starter. */
export const TIED = path.join(import.meta.dirname, "tied.sh");
export const BUN = path.join(ROOT, "node_modules/.bin/bun");
export const WRANGLER = createRequire(import.meta.url).resolve("wrangler");

export const WORKER_BUNDLE = {
  bundle: true,
  format: "esm",
  target: "es2024",
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "node:*"],
  loader: { ".html": "text", ".txt": "text" },
  keepNames: true,
  logLevel: "warning",
} as const satisfies BuildOptions;

/** What is used of a Worker's options where containers are enabled. */
const Bound = z.object({
  durableObjects: z.record(
    z.string(),
    z.object({
      container: z.object({ images: z.array(z.object({ name: z.string(), image: z.string() })) }).optional(),
    }),
  ),
});

let bundled: Promise<string> | undefined;

export const parts: Parts = {
  tied: TIED,
  bun: () => BUN,
  miniflare() {
    const { Miniflare, convertV4MiniflareOptions } = createRequire(WRANGLER)("miniflare") as MiniflareModule;
    return { Miniflare, convertV4MiniflareOptions, workerd: workerdPath() };
  },
  engine: { main: path.join(ROOT, "container/engine/main.ts"), env: {} },
  async worker({ docker }) {
    const { main, ...worker } = await readWorker(docker);
    return { ...worker, code: await (bundled ??= bundleWorker(main)) };
  },
};

/** Of the workerd that this wrangler comes with. */
export function workerdPath(): string {
  const miniflare = createRequire(createRequire(WRANGLER).resolve("miniflare"));
  // SAFETY: workerd's package exports the path of its binary under `default`.
  return (miniflare("workerd") as { readonly default: string }).default;
}

/** All but the Worker's code, which begins with the file `main`. */
export async function readWorker(docker: boolean): Promise<Omit<WorkerParts, "code"> & { readonly main: string }> {
  const [{ unstable_getMiniflareWorkerOptions }] = await Promise.all([import("wrangler"), buildAssets(ROOT)]);
  const { workerOptions, externalWorkers, main } = unstable_getMiniflareWorkerOptions(
    path.join(ROOT, "wrangler.toml"),
    undefined,
    { overrides: { enableContainers: docker }, containerBuildId: randomUUID().slice(0, 8) },
  );
  if (main === undefined) throw new Error("wrangler.toml has no main");
  const { durableObjects } = Bound.parse(workerOptions);
  const images = Object.values(durableObjects).flatMap(({ container }) => container?.images ?? []);
  return { options: workerOptions, others: externalWorkers, images, main };
}

/** As wrangler bundles: one ES module, with the platform's own modules left to it. */
async function bundleWorker(main: string): Promise<string> {
  const { build, stop } = await import("esbuild");
  const { outputFiles } = await build({ ...WORKER_BUNDLE, entryPoints: [main], write: false, sourcemap: "inline" });
  const [file] = outputFiles;
  // Otherwise its service would stay, with its memory, for as long as the platform runs.
  await stop();
  if (file === undefined) throw new Error(`esbuild made nothing of ${main}`);
  return file.text;
}
