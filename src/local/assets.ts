// The static files that the Worker serves, put together in the directory that wrangler.toml names: the API reference, with
// Scalar from its package, and the console, built by Vite. Made anew only when what they are made of has changed.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const STAMP = ".made-of";
const CONSOLE = "src/console";
/** What the console's files can be made of. */
const CONSOLE_SOURCES = [CONSOLE, "src/sdk", "src/contract", "src/lib"];

/** `root`: of the repository. May be called by several processes at the same time. */
export async function buildAssets(root: string): Promise<void> {
  const directory = path.join(root, "build/assets");
  const scalarPackage = path.join(root, "node_modules/@scalar/api-reference");
  // SAFETY: every package has a version.
  const { version } = JSON.parse(await readFile(path.join(scalarPackage, "package.json"), "utf8")) as {
    readonly version: string;
  };
  const [page, recipe, packages, consoleDigest] = await Promise.all([
    readFile(path.join(root, "src/docs/index.html"), "utf8"),
    readFile(import.meta.filename),
    readFile(path.join(root, "package-lock.json")),
    digestOf(CONSOLE_SOURCES.map((source) => path.join(root, source))),
  ]);
  const ofAll = createHash("sha256").update(version).update(page).update(recipe).update(packages);
  const stamp = ofAll.update(consoleDigest).digest("hex");
  if ((await readFile(path.join(directory, STAMP), "utf8").catch(() => "")) === stamp) return;

  await mkdir(path.dirname(directory), { recursive: true });
  // Elsewhere first, so that it is whole whenever it is there.
  const made = await mkdtemp(`${directory}-`);
  try {
    await chmod(made, 0o755);
    const scalar = `scalar-${version}`;
    const source = path.join(scalarPackage, "dist/browser");
    const target = path.join(made, "docs", scalar);
    await mkdir(target, { recursive: true });
    await cp(path.join(source, "standalone.esm.js"), path.join(target, "standalone.esm.js"));
    await cp(path.join(source, "chunks"), path.join(target, "chunks"), {
      recursive: true,
      filter: (file) => !file.endsWith(".map"),
    });
    await writeFile(path.join(made, "docs/index.html"), page.replaceAll("{{scalar}}", scalar));
    await buildConsole(root, path.join(made, "console"));
    await writeFile(path.join(made, STAMP), stamp);
    await rm(directory, { recursive: true, force: true });
    await rename(made, directory).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster, with the same.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** In a process of its own: what Vite has in memory is not needed once it is done. */
async function buildConsole(root: string, target: string): Promise<void> {
  const vite = path.join(root, "node_modules/vite/bin/vite.js");
  const options = [`--outDir=${target}`, "--emptyOutDir", "--logLevel=warn"];
  const env = { ...process.env, NODE_ENV: "production" };
  await promisify(execFile)(process.execPath, [vite, "build", path.join(root, CONSOLE), ...options], {
    cwd: root,
    env,
  });
}

/** Of the names of all files in these directories, and of what is in them. */
async function digestOf(directories: readonly string[]): Promise<Buffer> {
  const hash = createHash("sha256");
  for (const directory of directories) {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    for (const file of files.toSorted()) {
      hash.update(`${path.relative(directory, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest();
}
