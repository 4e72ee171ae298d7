// What is bundled into the package stays under its authors' terms, which ask to be passed on with it.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ROOT } from "../../src/local/repository.ts";

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
/** Not bundled but served as it is, with the Worker. */
const COPIED = ["node_modules/@scalar/api-reference"];
const LICENSE = /^licen[cs]e(\.(md|txt))?$/i;

/**
 * Writes `dist/third-party-licenses.txt`.
 * @param inputs the files that went into the package, relative to the repository
 * @throws Error naming a package that says nothing about its license
 */
export async function writeLicenses(dist: string, inputs: readonly string[]): Promise<void> {
  const folders = new Set([...COPIED, ...inputs.flatMap((file) => PACKAGE.exec(file)?.[1] ?? [])]);
  const texts = await Promise.all([...folders].toSorted().map(describe));
  await writeFile(path.join(dist, "third-party-licenses.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}

async function describe(folder: string): Promise<string> {
  const directory = path.join(ROOT, folder);
  // SAFETY: npm has checked these two, and a license that is missing is looked at below.
  const { name, version, license } = JSON.parse(await readFile(path.join(directory, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const file = (await readdir(directory)).find((entry) => LICENSE.test(entry));
  if (license === undefined && file === undefined) throw new Error(`${name} says nothing about its license`);
  const text = file === undefined ? "" : await readFile(path.join(directory, file), "utf8");
  return `${name} ${version} (${license ?? "see below"})\n\n${text.trim()}\n`;
}
