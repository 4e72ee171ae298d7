// The platform's parts in the published package: files that scripts/package.ts made, in `dist/platform`, and the optional
// peers of package.json. Takes the place of repository.ts there.
import { accessSync, constants, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { MiniflareModule, Parts, WorkerParts } from "./parts.ts";

// From `dist/cli/*.js` as from `dist/testing/*.js`.
const PLATFORM = fileURLToPath(new URL("../platform", import.meta.url));
const PACKAGE = new URL("../../package.json", import.meta.url);
/** Beside this package, as npm puts peers, or in the project that this is run in. */
const PLACES = [import.meta.url, path.join(process.cwd(), "package.json")];

export const parts: Parts = {
  tied: path.join(PLATFORM, "tied.sh"),
  bun: () => findBun() ?? refuse(),
  miniflare() {
    const main = resolve("miniflare") ?? refuse();
    const load = createRequire(main);
    // SAFETY: the shapes are those of the version that package.json asks for.
    const { Miniflare, convertV4MiniflareOptions } = load(main) as MiniflareModule;
    return { Miniflare, convertV4MiniflareOptions, workerd: (load("workerd") as { readonly default: string }).default };
  },
  engine: {
    main: path.join(PLATFORM, "engine.js"),
    env: { ENGINE_SUPERVISOR: path.join(PLATFORM, "supervisor") },
  },
  async worker({ docker }) {
    if (docker) throw new Error("sessions on Docker need buntime's repository: npm run start:docker");
    const [worker, code] = await Promise.all(
      ["worker.json", "worker.js"].map((name) => readFile(path.join(PLATFORM, name), "utf8")),
    );
    // SAFETY: scripts/package.ts wrote it.
    const { options, others } = JSON.parse(worker ?? "") as Pick<WorkerParts, "options" | "others">;
    const assets = options.assets && {
      assets: { ...options.assets, directory: path.join(PLATFORM, options.assets.directory) },
    };
    return { options: { ...options, ...assets, rootPath: PLATFORM }, others, images: [], code: code ?? "" };
  },
};

function findBun(): string | null {
  if (process.versions["bun"] !== undefined) return process.execPath;
  const manifest = resolve("bun/package.json");
  const inPath = (process.env["PATH"] ?? "").split(path.delimiter).map((directory) => path.join(directory, "bun"));
  const candidates = [...(manifest === null ? [] : [path.join(path.dirname(manifest), "bin/bun.exe")]), ...inPath];
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function resolve(name: string): string | null {
  for (const place of PLACES) {
    try {
      return createRequire(place).resolve(name);
    } catch {
      // Not from there.
    }
  }
  return null;
}

/** Names all that is missing, so that one installation is enough. */
function refuse(): never {
  // SAFETY: it is this package's own.
  const { peerDependencies } = JSON.parse(readFileSync(PACKAGE, "utf8")) as {
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  const missing = Object.entries(peerDependencies).filter(([name]) =>
    name === "bun" ? findBun() === null : resolve(name) === null,
  );
  const packages = missing.map(([name, version]) => `${name}@${version}`).join(" ");
  const named = missing.map(([name]) => name).join(" and ");
  throw new Error(
    `the platform on this machine needs ${named}, which buntime does not bring: npm install --save-dev ${packages}`,
  );
}
