// What a run in a context takes, and what an interpreter that waits for the next one holds of memory.
import type { Client } from "../../scripts/client.ts";
import type { ContextLanguage } from "../../src/contract/contexts.ts";
import { languagesOf, newContext } from "../support/contexts.ts";
import type { TestContext } from "../support/contexts.ts";
import { api, execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { distribution, inTurns, median, sequence } from "./statistics.ts";

const RUNS = 200;
const AIMS: Partial<Record<ContextLanguage, number>> = { javascript: 3, python: 4 };
const MIB = 1024 * 1024;

export async function contextFigures(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const language of await languagesOf(bench.client)) {
    const aim = AIMS[language];
    if (aim !== undefined) figures.push(...(await warm(bench, language, aim)));
  }
  return figures;
}

async function warm(bench: Bench, language: ContextLanguage, aim: number): Promise<Figure[]> {
  const { id } = await bench.session();
  const context = await newContext(bench.client, id, { language });
  await context.run(language === "python" ? "n = 0" : "var n = 0");
  const pathname = `${context.path}/run`;
  let ran = 0;
  const run = async (): Promise<void> => {
    const body = await call(api(bench, "POST", pathname, { code: "n = n + 1\nn" }));
    const { results } = JSON.parse(body.toString());
    if (results[0]?.text !== String(++ran)) throw new Error(`run ${ran} answered ${body.toString()}`);
  };
  // The way there and back, to the supervisor that holds the context, without the interpreter.
  const look = (): Promise<Buffer> => call(api(bench, "GET", context.path));
  await sequence(50, run);
  await sequence(50, look);
  const { floors, figures } = await inTurns(
    5,
    () => sequence(RUNS, look),
    () => sequence(RUNS, run),
  );
  const executed = median(await sequence(RUNS / 4, () => execute(bench, id)));
  const measured = figures.map(distribution);
  const value = median(measured.map(({ p50 }) => p50));
  const p95 = median(measured.map(({ p95 }) => p95));
  const idle = await residentOf(bench.client, id, context);
  return [
    {
      name: `a run in a warm context, ${language}, p50`,
      aim: `≤ ${aim} ms`,
      value,
      unit: "ms",
      floor: { name: "a look at the context", value: median(floors.map(median)) },
      met: value <= aim,
      note: `p95 ${p95.toFixed(1)} ms; an execute ${executed.toFixed(1)} ms`,
    },
    {
      name: `memory of an idle context, ${language}`,
      aim: "≤ 50 MB",
      value: idle / MIB,
      unit: "MB",
      met: idle <= 50 * MIB,
      note: "its share of what it shares included",
    },
  ];
}

/** Bytes: the process's own, and its part of what others use as well. */
async function residentOf(client: Client, sessionId: string, context: TestContext): Promise<number> {
  const { pid } = await context.run("n");
  const { stdout } = await client.execute({ sessionId, command: `cat /proc/${pid}/smaps_rollup` });
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(stdout)?.[1];
  if (kilobytes === undefined) throw new Error(`no memory of process ${pid}: ${stdout}`);
  return Number(kilobytes) * 1024;
}
