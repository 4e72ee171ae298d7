// The supervisor as the files that containers run, and the engine as the one that the published package runs.
import { copyFile, cp } from "node:fs/promises";
import { join } from "node:path";

const HERE = import.meta.dir;
const SUPERVISOR = join(HERE, "../supervisor");

/**
 * Lazy imports stay lazy. The preload of user code and the interpreters of contexts are files of their own, found beside
 * the supervisor by their names.
 */
export async function bundleSupervisor(target: string): Promise<void> {
  const options = { outdir: target, target: "bun", splitting: true, minify: { syntax: true }, throw: true } as const;
  await Bun.build({ ...options, entrypoints: [join(SUPERVISOR, "main.ts")] });
  await Bun.build({ ...options, entrypoints: [join(SUPERVISOR, "process/preload.ts")], naming: "[name].ts" });
  const kernels = join(SUPERVISOR, "context/kernels");
  const naming = { entry: "[name].ts" } as const;
  const outdir = join(target, "kernels");
  await Bun.build({ ...options, entrypoints: [join(kernels, "javascript.ts")], outdir, naming });
  await copyFile(join(kernels, "python.py"), join(outdir, "python.py"));
  await cp(join(kernels, "python"), join(outdir, "python"), {
    recursive: true,
    filter: (path) => !path.endsWith("__pycache__"),
  });
  await copyFile(join(HERE, "../init.sh"), join(target, "init.sh"));
  await copyFile(join(HERE, "drop.sh"), join(target, "drop.sh"));
}

/** `engine.js` and the script that it needs beside it. It has to be given a supervisor, by ENGINE_SUPERVISOR. */
export async function bundleEngine(target: string): Promise<void> {
  await Bun.build({
    entrypoints: [join(HERE, "main.ts")],
    outdir: target,
    naming: "engine.js",
    target: "bun",
    minify: { syntax: true, whitespace: true },
    throw: true,
  });
  await copyFile(join(HERE, "enter.sh"), join(target, "enter.sh"));
}
