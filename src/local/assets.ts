// The static files that the Worker serves, put together in the directory that wrangler.toml names: the API reference, with
// Scalar from its package. Made anew only when what it is made of has changed.
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

const STAMP = ".made-of";

/** `root`: of the repository. May be called by several processes at the same time. */
export async function buildAssets(root: string): Promise<void> {
  const directory = path.join(root, "build/assets");
  const scalarPackage = path.join(root, "node_modules/@scalar/api-reference");
  // SAFETY: every package has a version.
  const { version } = JSON.parse(await readFile(path.join(scalarPackage, "package.json"), "utf8")) as {
    readonly version: string;
  };
  const [page, recipe] = await Promise.all([
    readFile(path.join(root, "src/docs/index.html"), "utf8"),
    readFile(import.meta.filename),
  ]);
  const stamp = createHash("sha256").update(version).update(page).update(recipe).digest("hex");
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
