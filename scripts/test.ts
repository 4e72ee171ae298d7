// Runs test suites one after another and adds up what they counted: `node scripts/test.ts [suite …]`.
// Each suite leaves `<suite>.xml` (JUnit) and `<suite>.count` in test-results/; the last line printed is `N passed, N failed`.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const RESULTS = "test-results";

type Suite = (resultFile: string) => { readonly command: readonly string[]; readonly env?: Record<string, string> };

const vitest =
  (project: string, env: Record<string, string> = {}): Suite =>
  (file) => ({
    command: ["vitest", "run", "--project", project, "--reporter=default", "--reporter=junit", `--outputFile=${file}`],
    env,
  });

const SUITES: Readonly<Record<string, Suite>> = {
  unit: vitest("unit"),
  worker: vitest("worker"),
  container: (file) => ({
    command: ["bun", "test", "--timeout=30000", "--reporter=junit", `--reporter-outfile=${file}`, "./test/container"],
  }),
  e2e: vitest("e2e"),
  docker: vitest("e2e", { BUNTIME_E2E: "docker" }),
  browser: vitest("browser"),
};

/** What `npm test` runs: all that needs neither Docker nor a browser. */
const DEFAULT_SUITES = ["unit", "worker", "container", "e2e"];

interface Count {
  readonly passed: number;
  readonly failed: number;
}

function run(command: readonly string[], env: Record<string, string>): Promise<number> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
  return new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Counts `<testcase>` elements; the summary attributes mean different things to different runners. */
function countJUnit(path: string): Count {
  let xml: string;
  try {
    xml = readFileSync(path, "utf8");
  } catch {
    return { passed: 0, failed: 0 };
  }
  const cases = xml.match(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const failed = cases.filter((text) => /<(?:failure|error)\b/.test(text)).length;
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  return { passed: cases.length - failed - skipped, failed };
}

async function runSuite(name: string, suite: Suite): Promise<Count> {
  const file = `${RESULTS}/${name}.xml`;
  rmSync(file, { force: true });
  console.log(`\n== ${name}`);
  const started = performance.now();
  const { command, env = {} } = suite(file);
  const exitCode = await run(command, env);
  const count = countJUnit(file);
  // A suite that broke before or after its tests has failed, whatever its tests said.
  const failed = exitCode !== 0 && count.failed === 0 ? 1 : count.failed;
  writeFileSync(`${RESULTS}/${name}.count`, `${count.passed} ${failed}\n`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${name}: ${count.passed} passed, ${failed} failed in ${seconds} s`);
  return { passed: count.passed, failed };
}

const names = process.argv.length > 2 ? process.argv.slice(2) : DEFAULT_SUITES;
mkdirSync(RESULTS, { recursive: true });
const counts: Count[] = [];
for (const name of names) {
  const suite = SUITES[name];
  if (suite === undefined) throw new Error(`no suite ${name}; there are ${Object.keys(SUITES).join(", ")}`);
  counts.push(await runSuite(name, suite));
}
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failed = counts.reduce((sum, count) => sum + count.failed, 0);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
