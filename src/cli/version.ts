// The version of the package that this is part of, in the repository and where it is installed.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Out of the nearest package.json above this file. */
export async function readVersion(): Promise<string> {
  for (let folder = path.dirname(fileURLToPath(import.meta.url)); ; folder = path.dirname(folder)) {
    try {
      // SAFETY: npm wants every package.json to have one.
      return (JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as { version: string }).version;
    } catch (error) {
      if (folder === path.dirname(folder)) throw error;
    }
  }
}
