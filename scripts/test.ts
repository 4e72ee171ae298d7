// Runs test suites and adds up what they counted: `node scripts/test.ts [suite or group …]`.
// Each suite leaves `<suite>.xml` (JUnit), `<suite>.count` and, if tests failed, `<suite>.failures` in test-results/.
// The failures are printed once more at the end; the last line is `N passed, N failed`.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readJUnit } from "./junit.ts";

const RESULTS = "test-results";

type Suite = (resultFile: string) => { readonly command: readonly string[]; readonly env?: Record<string, string> };

const vitest =
  (project: string, env: Record<string, string> = {}, ...only: readonly string[]): Suite =>
  (file) => ({
    command: ["vitest", "run", "--project", project, ...only].concat(
      "--reporter=default",
      "--reporter=junit",
      `--outputFile=${file}`,
    ),
    env,
  });

/** Of test/container, by what their paths there begin with. */
const bunTest =
  (...only: readonly string[]): Suite =>
  (file) => ({
    command: ["bun", "test", "--timeout=30000", "--reporter=junit", `--reporter-outfile=${file}`].concat(
      only.map((name) => `test/container/${name}`),
    ),
  });

/** Minutes, where the rest takes seconds: a suite of their own. */
const CAMPAIGNS = ["save", "sleep", "restore", "fork", "creation", "removal", "terminate", "history", "contexts"]
  .map((name) => `test/worker/faults/${name}.test.ts`)
  .concat("test/worker/repository-races.test.ts");
/** Of whole platforms, which are started, ended and killed. */
const OUTAGES = ["restart", "crash", "history-crash", "loss", "durability", "sweep"].map((name) => `${name}.test.ts`);

/** Of other systems' APIs. */
const DIALECTS = ["era", "era-accounts", "era-seed", "era-variables", "agentbase"].map((name) => `${name}.test.ts`);
/** About what never reaches a container, so that another engine says nothing new. */
const WORKER_ONLY = [
  "accounts",
  "asleep",
  "events",
  "history",
  "hostile-input",
  "idempotency",
  "sessions",
  "usage",
].map((name) => `${name}.test.ts`);

/** Relative to the project's folder, as vitest has it. */
const without = (patterns: readonly string[]): string[] => patterns.flatMap((pattern) => ["--exclude", pattern]);

const SUITES: Readonly<Record<string, Suite>> = {
  unit: vitest("unit"),
  worker: vitest("worker", {}, ...without(CAMPAIGNS)),
  supervisor: bunTest("files", "process", "snapshot"),
  context: bunTest("context", "javascript-kernel"),
  engine: bunTest("engine"),
  terminal: bunTest("terminal"),
  e2e: vitest("e2e", {}, ...without([...OUTAGES, ...DIALECTS])),
  sdk: vitest("sdk"),
  cli: vitest("cli"),
  security: vitest("security"),
  package: vitest("package"),
  mcp: vitest("mcp"),
  persist: vitest("persist"),
  dialects: vitest("e2e", {}, ...DIALECTS.map((file) => `test/e2e/${file}`)),
  docs: vitest("docs"),
  faults: vitest("worker", { FAULT_ROUNDS: process.env["FAULT_ROUNDS"] ?? "3" }, ...CAMPAIGNS),
  outages: vitest("e2e", {}, ...OUTAGES.map((file) => `test/e2e/${file}`)),
  // With what user code tries from inside a session, which depends on what its container is.
  docker: vitest(
    "e2e",
    { BUNTIME_E2E: "docker" },
    "--project",
    "security",
    "test/e2e",
    "test/security/inside.test.ts",
    ...without(WORKER_ONLY),
    // Making the image takes longer than all else of this suite.
    ...(process.env["SESSION_IMAGES"] === "bun"
      ? without(["languages.test.ts", "era-storage.test.ts", ...DIALECTS])
      : []),
  ),
  browser: vitest("browser"),
};

/** Suites by what is asked for. Those of a row run side by side, since they wait more than they work. */
const GROUPS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  /** What `npm test` runs: the platform itself, by all that needs neither Docker nor a browser, nor minutes. */
  platform: [
    ["unit", "e2e", "supervisor", "context"],
    // Later, and without those that ask for changed files: the sessions of `worker` live as long as it does, and a user has
    // 128 of what tells a supervisor of them.
    ["worker", "engine", "terminal"],
  ],
  /** What people use it by. */
  clients: [
    ["sdk", "cli", "mcp"],
    ["package", "docs", "persist", "dialects"],
  ],
  /** What it outlives. */
  outlives: [["faults", "outages"]],
};

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** What failed and how, a paragraph each. */
  readonly failures: readonly string[];
}

interface Ended {
  readonly exitCode: number;
  /** What it printed, where that was not shown at once. */
  readonly output: string;
}

function run(command: readonly string[], env: Record<string, string>, alone: boolean): Promise<Ended> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: alone ? "inherit" : "pipe", env: { ...process.env, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ exitCode: 127, output: String(error) }));
    child.once("close", (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

async function runSuite(name: string, alone: boolean): Promise<Count> {
  const suite = SUITES[name];
  if (suite === undefined) throw new Error(`no suite ${name}; there are ${Object.keys(SUITES).join(", ")}`);
  const file = `${RESULTS}/${name}.xml`;
  for (const left of [file, `${RESULTS}/${name}.failures`]) rmSync(left, { force: true });
  if (alone) console.log(`\n== ${name}`);
  const started = performance.now();
  const { command, env = {} } = suite(file);
  const { exitCode, output } = await run(command, env, alone);
  if (!alone) console.log(`\n== ${name}\n${output}`);
  const { passed, failures } = readJUnit(file);
  // A suite that broke before or after its tests has failed, whatever its tests said.
  const broke =
    exitCode !== 0 && failures.length === 0 ? [`ended with exit code ${exitCode}, without a failed test`] : [];
  const told = [...failures, ...broke].map((failure) => `${name}: ${failure}`);
  if (told.length > 0) writeFileSync(`${RESULTS}/${name}.failures`, `${told.join("\n")}\n`);
  writeFileSync(`${RESULTS}/${name}.count`, `${passed} ${told.length}\n`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${name}: ${passed} passed, ${told.length} failed in ${seconds} s`);
  return { passed, failed: told.length, failures: told };
}

const asked = process.argv.slice(2);
const rows = (asked.length > 0 ? asked : ["platform"]).flatMap((name) => GROUPS[name] ?? [[name]]);
mkdirSync(RESULTS, { recursive: true });
const counts: Count[] = [];
for (const row of rows) {
  counts.push(...(await Promise.all(row.map((name) => runSuite(name, row.length === 1)))));
}
for (const failure of counts.flatMap((count) => count.failures)) console.log(`\nFAILED ${failure}`);
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
