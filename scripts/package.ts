// `npm run build`: makes in `dist/` what the package `buntime` consists of. `npm pack` does it by itself.
//   sdk/       the client library and its types          cli/       the command `buntime`
//   testing/   `buntime/testing` and its types           platform/  what runs where those two start a platform
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../src/local/repository.ts";
import { bundleCommand, bundleSdk, bundleTesting, bundleWorker } from "./package/bundles.ts";
import { writeDeclarations } from "./package/declarations.ts";
import { writeLicenses } from "./package/licenses.ts";
import { copyPlatform } from "./package/platform.ts";

const DIST = path.join(ROOT, "dist");
const CACHE = path.join(ROOT, "node_modules/.cache");

// Elsewhere first, so that `dist` is whole whenever it is there.
await mkdir(CACHE, { recursive: true });
const made = await mkdtemp(path.join(CACHE, "buntime-"));
try {
  const [bundled] = await Promise.all([
    Promise.all([bundleSdk(made), bundleTesting(made), bundleCommand(made), bundleWorker(made)]),
    copyPlatform(made),
    writeDeclarations(made),
  ]);
  await writeLicenses(made, bundled.flat());
  // As it was made for a moment, it is its maker's alone.
  await chmod(made, 0o755);
  await rm(DIST, { recursive: true, force: true });
  await rename(made, DIST);
} finally {
  await rm(made, { recursive: true, force: true });
}
