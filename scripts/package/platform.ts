// The platform's files in the package, but for the Worker's code: what src/local/installed.ts expects to find.
import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { BUN, readWorker, ROOT, TIED } from "../../src/local/repository.ts";

/** Bun bundles what Bun runs. */
const BUNDLE = `
const { bundleEngine, bundleSupervisor } = await import(process.argv[1]);
await bundleEngine(process.argv[2]);
await bundleSupervisor(process.argv[2] + "/supervisor");
`;

export async function copyPlatform(dist: string): Promise<void> {
  const platform = path.join(dist, "platform");
  await mkdir(path.join(platform, "supervisor"), { recursive: true });
  const bundler = pathToFileURL(path.join(ROOT, "container/engine/bundle.ts")).href;
  await promisify(execFile)(BUN, ["--eval", BUNDLE, bundler, platform], { cwd: ROOT });
  await copyFile(TIED, path.join(platform, "tied.sh"));

  const { options, others } = await readWorker(false);
  const { assets } = options;
  if (assets !== undefined) await cp(assets.directory, path.join(platform, "assets"), { recursive: true });
  // Where this repository is must not be in it.
  const portable = {
    ...options,
    ...(assets === undefined ? {} : { assets: { ...assets, directory: "assets" } }),
    rootPath: undefined,
  };
  await writeFile(path.join(platform, "worker.json"), `${JSON.stringify({ options: portable, others }, null, 2)}\n`);
}
