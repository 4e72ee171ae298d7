// Part of `npm run check`: imports point one way, no source file grows past two ideas, files have kebab-case names that say something, and each opens with
// a comment on what it is for. Prints every breach and ends with 1 when there is one.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../src/local/repository.ts";

/** What a folder may import besides itself. The longest folder that a file lies in counts. `type` goes for types alone. */
const ALLOWED: Readonly<Record<string, { readonly value: readonly string[]; readonly type?: readonly string[] }>> = {
  "src/contract": { value: [] },
  "src/lib": { value: ["src/contract"] },
  "src/storage": { value: ["src/contract", "src/lib", "src/env.ts"] },
  "src/account": {
    value: ["src/contract", "src/lib", "src/storage", "src/env.ts", "src/session/rpc.ts", "src/data/rpc.ts"],
    type: ["src/session"],
  },
  "src/session": {
    value: ["src/contract", "src/lib", "src/storage", "src/env.ts", "src/account/rpc.ts"],
    type: ["src/account"],
  },
  // The front door reaches the Durable Objects by their RPC alone.
  "src/http": {
    value: [
      "src/contract",
      "src/lib",
      "src/storage",
      "src/env.ts",
      "src/session/rpc.ts",
      "src/session/record.ts",
      "src/account/rpc.ts",
      "src/account/registry-rpc.ts",
      "src/data/access.ts",
      "src/agentbase",
      "src/era",
      "src/mcp",
    ],
    type: ["src/session", "src/account"],
  },
  // What an account has stored of its own.
  "src/data": { value: ["src/contract", "src/lib", "src/env.ts", "src/account/rpc.ts"] },
  // Dialects call the API's own routes.
  "src/agentbase": { value: ["src/contract", "src/lib"] },
  "src/era": { value: ["src/contract", "src/lib", "src/data", "src/sdk/server-sent-events.ts"] },
  "src/mcp": { value: ["src/contract", "src/lib", "src/sdk"] },
  "src/sdk": { value: [], type: ["src/contract", "src/lib"] },
  "src/cli": { value: ["src/contract", "src/lib", "src/sdk", "src/local"] },
  // The platform on this machine, which runs in the user's own process.
  "src/local": { value: ["src/contract", "src/sdk/index.ts"] },
  "src/console": { value: ["src/contract", "src/lib", "src/sdk"] },
  src: { value: ["src"] },
  // The supervisor stays small: of the contract it runs only what has no zod in it.
  container: {
    value: [
      "src/contract/errors.ts",
      "src/contract/ids.ts",
      "src/contract/limits.ts",
      "src/contract/manifest.ts",
      "src/contract/supervisor.ts",
      "src/contract/terminal-wire.ts",
      "src/lib",
    ],
    type: ["src/contract"],
  },
  scripts: { value: ["src/contract", "src/sdk", "src/local"] },
  test: { value: ["src", "container", "scripts"] },
};
/** A longer file usually holds two ideas. Tests may be longer. */
const LINES_MAX = 350;
const EMPTY_NAMES = /^(utils?|helpers?|types?|common|misc|shared)\.ts$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench|config|d))?\.tsx?$/;
const IMPORT =
  /^(?:import|export)\s+(type\s)?[^"';]*?from\s+"(\.[^"]+)"|^import\s+"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gm;

const lies = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

function* breaches(file: string): Generator<string> {
  const name = path.basename(file);
  if (!KEBAB_CASE.test(name)) yield "its name is not kebab-case";
  if (EMPTY_NAMES.test(name)) yield "its name says nothing; name it after what is in it";

  const text = readFileSync(path.join(ROOT, file), "utf8");
  // A test says what it is for in its titles.
  if (!name.endsWith(".test.ts") && !/^(#!.*\n)?\/[/*]/.test(text))
    yield "it does not open with a comment on what it is for";

  const lines = text.split("\n").length;
  if (lines > LINES_MAX && !file.startsWith("test/")) yield `it has ${lines} lines; ${LINES_MAX} are the most`;

  const home = Object.keys(ALLOWED)
    .filter((folder) => lies(file, folder))
    .toSorted((one, other) => other.length - one.length)[0];
  const rule = home === undefined ? undefined : ALLOWED[home];
  if (home === undefined || rule === undefined) return;
  for (const [, typeOnly, from, bare, dynamic] of text.matchAll(IMPORT)) {
    const target = path.join(path.dirname(file), from ?? bare ?? dynamic ?? "");
    const places = [home, ...rule.value, ...(typeOnly === undefined ? [] : (rule.type ?? []))];
    if (!places.some((place) => lies(target, place))) {
      yield `it imports ${target}${typeOnly === undefined ? "" : " (as a type)"}, which ${home} may not know`;
    }
  }
}

const files = globSync(["{src,container,scripts,examples,test}/**/*.ts", "src/**/*.tsx"], { cwd: ROOT })
  .filter((file) => !file.endsWith("worker-configuration.d.ts"))
  .toSorted();
const found = files.flatMap((file) => [...breaches(file)].map((breach) => `${file}: ${breach}`));
for (const line of found) console.error(line);
console.log(`layout: ${files.length} files, ${found.length} breaches`);
process.exit(found.length === 0 ? 0 : 1);
