// The package's types, as TypeScript's compiler writes them, but for src/sdk/contract.ts: what that takes from zod's schemas
// becomes plain types, so that who uses the client library needs no zod.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/local/repository.ts";
import { contractTypes } from "./contract-types.ts";

const RELATIVE = /(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.ts"/g;

export async function writeDeclarations(dist: string): Promise<void> {
  await mkdir(dist, { recursive: true });
  const emitted = await mkdtemp(path.join(dist, "types-"));
  try {
    const project = path.join(emitted, "tsconfig.json");
    await writeFile(
      project,
      JSON.stringify({
        extends: path.join(ROOT, "src/local/tsconfig.json"),
        compilerOptions: {
          noEmit: false,
          declaration: true,
          emitDeclarationOnly: true,
          stripInternal: true,
          rootDir: path.join(ROOT, "src"),
          outDir: emitted,
          typeRoots: [path.join(ROOT, "node_modules/@types")],
        },
        include: [],
        files: ["src/sdk/index.ts", "src/sdk/memory/index.ts", "src/sdk/persist/index.ts", "src/local/testing.ts"].map(
          (file) => path.join(ROOT, file),
        ),
      }),
    );
    await compile(project);
    const contract = await contractTypes();
    await copyReachable(path.join(emitted, "sdk"), path.join(dist, "sdk"), contract);
    await copyOne(path.join(emitted, "local/testing.d.ts"), path.join(dist, "testing/index.d.ts"));
  } finally {
    await rm(emitted, { recursive: true, force: true });
  }
}

async function compile(project: string): Promise<void> {
  try {
    await promisify(execFile)(path.join(ROOT, "node_modules/.bin/tsc"), ["-p", project]);
  } catch (error) {
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    throw new Error(`the package's types do not compile:\n${said}`, { cause: error });
  }
}

/** The declarations that the entries in `home` lead to, all of them in there. */
async function copyReachable(home: string, target: string, contract: string): Promise<void> {
  const done = new Set<string>();
  const queue = ["index.d.ts", "memory/index.d.ts", "persist/index.d.ts"].map((entry) => path.join(home, entry));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    const name = path.relative(home, file);
    if (name.startsWith("..")) throw new Error(`the client library's types lead to ${name}, which is not published`);
    if (name === "contract.d.ts") {
      await writeFile(path.join(target, name), contract);
      continue;
    }
    for (const module of await copyOne(file, path.join(target, name))) {
      queue.push(path.resolve(path.dirname(file), `${module}.d.ts`));
    }
  }
}

/** Resolves with the modules that it imports. */
async function copyOne(from: string, to: string): Promise<string[]> {
  const text = await readFile(from, "utf8");
  await mkdir(path.dirname(to), { recursive: true });
  await writeFile(to, text.replaceAll(RELATIVE, '$1"$2.js"'));
  return [...text.matchAll(RELATIVE)].flatMap(([, , module]) => module ?? []);
}
