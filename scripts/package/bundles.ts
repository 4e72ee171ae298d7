// The package's JavaScript. Each of these resolves with the files it is made of.
import path from "node:path";
import { build as esbuild, type BuildOptions, type Plugin } from "esbuild";
import { readWorker, ROOT, WORKER_BUNDLE } from "../../src/local/repository.ts";

const ESM = {
  bundle: true,
  format: "esm",
  target: "es2022",
  absWorkingDir: ROOT,
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** In the package, the platform's parts are files of the package. */
const INSTALLED: Plugin = {
  name: "installed",
  setup(build) {
    build.onResolve({ filter: /\/repository\.ts$/ }, ({ importer }) =>
      path.dirname(importer) === path.join(ROOT, "src/local")
        ? { path: path.join(ROOT, "src/local/installed.ts") }
        : undefined,
    );
  },
};

/** The test double and who tests with it use one and the same client library, with one class of errors. */
const SDK_BESIDE: Plugin = {
  name: "sdk beside",
  setup(build) {
    build.onResolve({ filter: /\/sdk\/index\.ts$/ }, () => ({ path: "../sdk/index.js", external: true }));
  },
};

/** What another entry has in common with the client library, so that there is one class of each. */
const CLASSES_BESIDE: Plugin = {
  name: "classes beside",
  setup(build) {
    build.onResolve({ filter: /\/(error|execution-stream)\.ts$/ }, () => ({ path: "../index.js", external: true }));
  },
};

export async function bundleSdk(dist: string): Promise<string[]> {
  const options = { ...ESM, platform: "neutral", minify: true } as const;
  const sdk = path.join(dist, "sdk");
  const made = await Promise.all([
    inputs({ ...options, entryPoints: { index: "src/sdk/index.ts" }, outdir: sdk }),
    ...["memory", "persist"].map((entry) =>
      inputs({
        ...options,
        entryPoints: { index: `src/sdk/${entry}/index.ts` },
        outdir: path.join(sdk, entry),
        plugins: [CLASSES_BESIDE],
      }),
    ),
  ]);
  return made.flat();
}

export const bundleTesting = (dist: string): Promise<string[]> =>
  inputs({
    ...ESM,
    entryPoints: { index: "src/local/testing.ts" },
    outdir: path.join(dist, "testing"),
    platform: "node",
    plugins: [INSTALLED, SDK_BESIDE],
  });

/** A verb is a file of its own, so that a start loads one. */
export const bundleCommand = (dist: string): Promise<string[]> =>
  inputs({
    ...ESM,
    entryPoints: { main: "src/cli/main.ts" },
    outdir: path.join(dist, "cli"),
    chunkNames: "[name]-[hash]",
    splitting: true,
    platform: "node",
    minify: true,
    plugins: [INSTALLED],
  });

export async function bundleWorker(dist: string): Promise<string[]> {
  const { main } = await readWorker(false);
  return await inputs({
    ...WORKER_BUNDLE,
    absWorkingDir: ROOT,
    entryPoints: [main],
    outfile: path.join(dist, "platform/worker.js"),
    legalComments: "none",
    minify: true,
  });
}

/** Relative to the repository. */
async function inputs(options: BuildOptions): Promise<string[]> {
  const { metafile } = await esbuild({ ...options, metafile: true });
  return Object.keys(metafile?.inputs ?? {});
}
