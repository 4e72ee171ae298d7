// `npm run bench`, `npm run bench -- --docker`: every figure of the performance promise beside its floor, measured in
// turns in the same run. Prints a table; bench-results/ gets it as JSON and as markdown. Ends with 1 when it could not
// measure; an aim that is missed is a result, not a failure. `--only=snapshots,wake` measures just these groups, and
// keeps nothing. `--scale` measures nothing: see scale.ts.
import path from "node:path";
import { ROOT } from "../../src/local/repository.ts";
import { startTestPlatform } from "../support/platform.ts";
import { ADMIN_KEY } from "./accounts.ts";
import { startBench } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { cliFigures } from "./figures-cli.ts";
import { consoleFigures } from "./figures-console.ts";
import { contextFigures } from "./figures-contexts.ts";
import { executeFigures } from "./figures-execute.ts";
import { fileFigures } from "./figures-files.ts";
import { historyFigures } from "./figures-history.ts";
import { loadFigures } from "./figures-load.ts";
import { memoryFigures } from "./figures-memory.ts";
import { previewFigures } from "./figures-preview.ts";
import { sdkFigures } from "./figures-sdk.ts";
import { snapshotMemoryFigures } from "./figures-snapshot-memory.ts";
import { snapshotFigures } from "./figures-snapshots.ts";
import { streamFigures } from "./figures-stream.ts";
import { terminalFigures } from "./figures-terminal.ts";
import { wakeFigures } from "./figures-wake.ts";
import { workerFigures } from "./figures-worker.ts";
import { describeMachine, save, table } from "./report.ts";
import type { Figure, Report } from "./report.ts";

if (process.argv.includes("--scale")) {
  await import("./scale.ts");
  process.exit(0);
}

const docker = process.argv.includes("--docker");
const GROUPS: readonly (readonly [name: string, measure: (bench: Bench) => Promise<Figure[]>])[] = [
  ["memory", (bench) => memoryFigures(bench, { docker })],
  ["worker", workerFigures],
  ["execute", (bench) => executeFigures(bench, { docker })],
  ["contexts", contextFigures],
  ["history", historyFigures],
  ["files", fileFigures],
  ["preview", previewFigures],
  ["stream", streamFigures],
  ["load", loadFigures],
  ["sdk", sdkFigures],
  ["cli", cliFigures],
  ["console", consoleFigures],
  ["terminal", terminalFigures],
  ["wake", wakeFigures],
  ["snapshots", (bench) => snapshotFigures(bench, { docker })],
  ["snapshot-memory", (bench) => snapshotMemoryFigures(bench, { docker })],
];
const only = process.argv
  .find((argument) => argument.startsWith("--only="))
  ?.slice("--only=".length)
  .split(",");

// What is measured is saved when it is asked for, and not in between.
const platform = await startTestPlatform({ docker, env: { SAVE_AFTER: "1h", BUNTIME_ADMIN_KEY: ADMIN_KEY } });
const bench = await startBench(platform);
const figures: Figure[] = [];
const machine = describeMachine(platform.dataDir);
try {
  for (const [name, measure] of GROUPS.filter(([group]) => only === undefined || only.includes(group))) {
    console.error(`measuring ${name} …`);
    figures.push(...(await measure(bench)));
  }
} finally {
  await bench.stop();
  await platform.stop();
}

const report: Report = {
  platform: docker ? "docker" : "embedded",
  at: new Date().toISOString(),
  machine,
  figures,
};
console.log(`\n${table(report)}\n\n${report.machine}`);
if (only === undefined) {
  const written = save(report, path.join(ROOT, "bench-results"));
  console.log(`written to ${path.relative(process.cwd(), written)}.json and .md`);
}
process.exit(0);
