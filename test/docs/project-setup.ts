// A reader's project: a folder in which `buntime` is installed, as a library and as a command, made from today's sources.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { bundleCommand, bundleSdk } from "../../scripts/package/bundles.ts";
import { ROOT } from "../../src/local/repository.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder. */
    project: string;
  }
}

/** What snippets import besides, linked from here: nothing is fetched. */
const LINKED = [
  "standardwebhooks",
  "sandbox-agent",
  "@types/better-sqlite3",
  "@types/pg",
  "@types/node",
  "undici-types",
];

export default async function setup(project: TestProject): Promise<() => void> {
  const home = realpathSync(mkdtempSync(path.join(tmpdir(), "buntime-docs-")));
  const remove = (): void => rmSync(home, { recursive: true, force: true });
  try {
    const modules = path.join(home, "node_modules");
    const installed = path.join(modules, "buntime");
    mkdirSync(path.join(modules, ".bin"), { recursive: true });
    mkdirSync(installed);
    await Promise.all([bundleSdk(path.join(installed, "dist")), bundleCommand(path.join(installed, "dist"))]);
    copyFileSync(path.join(ROOT, "package.json"), path.join(installed, "package.json"));
    symlinkSync("../buntime/dist/cli/main.js", path.join(modules, ".bin/buntime"));
    chmodSync(path.join(installed, "dist/cli/main.js"), 0o755);
    for (const name of LINKED) {
      mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
      symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name));
    }
    writeFileSync(path.join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
    writeFileSync(
      path.join(home, "tsconfig.json"),
      JSON.stringify({
        extends: path.join(ROOT, "tsconfig.base.json"),
        compilerOptions: {
          lib: ["esnext"],
          types: ["node"],
          paths: {
            buntime: [path.join(ROOT, "src/sdk/index.ts")],
            "buntime/persist": [path.join(ROOT, "src/sdk/persist/index.ts")],
            "buntime/memory": [path.join(ROOT, "src/sdk/memory/index.ts")],
            "buntime/testing": [path.join(ROOT, "src/local/testing.ts")],
          },
          // Snippets are modules, whether they import anything or not.
          moduleDetection: "force",
        },
        include: ["snippets/*.ts"],
      }),
    );
    cpSync(path.join(ROOT, "examples"), path.join(home, "examples"), { recursive: true });
  } catch (error) {
    remove();
    throw error;
  }
  project.provide("project", home);
  return remove;
}
