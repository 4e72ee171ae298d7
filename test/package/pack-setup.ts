// Packs the package once and installs it twice, offline: for who brings the peers that start a platform, and for who does not.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { ROOT } from "../../src/local/repository.ts";

declare module "vitest" {
  export interface ProvidedContext {
    tarball: string;
    /** A project that has installed the package alone. */
    bare: string;
    /** The same with `miniflare` and `bun`. */
    full: string;
  }
}

/** What others bring, linked from here: nothing is fetched. */
const TOOLS = ["vitest", "typescript", "@types/node", "undici-types"];

export default function setup(project: TestProject): () => void {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "buntime-package-")));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    prepare(project, folder);
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function prepare(project: TestProject, folder: string): void {
  npm(ROOT, "pack", "--pack-destination", folder);
  const tarball = path.join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  const install = (name: string, packages: readonly string[]): string => {
    const home = path.join(folder, name);
    mkdirSync(home);
    writeFileSync(path.join(home, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
    npm(home, "install", "--offline", "--no-audit", "--no-fund", tarball);
    for (const dependency of packages) link(home, dependency);
    return home;
  };
  project.provide("tarball", tarball);
  project.provide("bare", install("bare", TOOLS));
  project.provide("full", install("full", [...TOOLS, "miniflare", "bun"]));
}

function link(home: string, name: string): void {
  const target = path.join(home, "node_modules", name);
  mkdirSync(path.dirname(target), { recursive: true });
  symlinkSync(path.join(ROOT, "node_modules", name), target);
}

function npm(cwd: string, ...args: readonly string[]): void {
  // Of a script that npm runs, such as `npm test`, it would take its settings.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  execFileSync("npm", [...args, "--loglevel=error"], { cwd, env, stdio: ["ignore", "ignore", "inherit"] });
}
