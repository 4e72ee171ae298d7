// How fast code runs: one call, many at once, side by side in one session, and from nothing to the first result.
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { BUN } from "../../src/local/repository.ts";
import { api, bareProcesses, execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { distribution, inTurns, median, rate, sequence, timed } from "./statistics.ts";

const Samples = z.array(z.number());
const SESSIONS = 8;
const IN_FLIGHT = 32;

export async function executeFigures(bench: Bench, options: { readonly docker: boolean }): Promise<Figure[]> {
  return [...(await warm(bench)), await manyInFlight(bench), await sideBySide(bench), await cold(bench, options)];
}

async function warm(bench: Bench): Promise<Figure[]> {
  const { id } = await bench.session();
  await sequence(20, () => execute(bench, id));
  const { floors, figures } = await inTurns(
    5,
    async () => distribution(Samples.parse(await bareProcesses(bench, "latency", "60"))),
    async () => distribution(await sequence(60, () => execute(bench, id))),
  );
  const floor = median(floors.map(({ p50 }) => p50));
  const p50 = median(figures.map((round) => round.p50));
  const p95 = median(figures.map((round) => round.p95));
  return [
    {
      name: "execute `console.log(1+1)`, warm, p50",
      aim: "≤ 3 × a bare run",
      value: p50,
      unit: "ms",
      floor: { name: "bare `bun run`", value: floor },
      met: p50 <= 3 * floor,
    },
    {
      name: "the same, p95",
      aim: "≤ 2 × its p50",
      value: p95,
      unit: "ms",
      floor: { name: "bare `bun run`, p95", value: median(floors.map((round) => round.p95)) },
      met: p95 <= 2 * p50,
      note: `${(p95 / p50).toFixed(2)} × its p50`,
    },
  ];
}

async function manyInFlight(bench: Bench): Promise<Figure> {
  const ids = await Promise.all(Array.from({ length: SESSIONS }, async () => (await bench.session()).id));
  const run = (lane: number): Promise<void> => execute(bench, ids[lane % SESSIONS] ?? "");
  await Promise.all(ids.map((_, lane) => run(lane)));
  const { floors, figures } = await inTurns(
    3,
    async () => z.number().parse(await bareProcesses(bench, "rate", String(IN_FLIGHT), "2000")),
    () => rate({ inFlight: IN_FLIGHT, durationMs: 2000 }, run),
  );
  const value = median(figures);
  return {
    name: `${IN_FLIGHT} executes in flight over ${SESSIONS} sessions`,
    aim: "≥ 300/s, none failed",
    value,
    unit: "/s",
    floor: { name: `${IN_FLIGHT} bare processes in flight`, value: median(floors) },
    met: value >= 300,
    note: "one that fails ends the bench",
  };
}

async function sideBySide(bench: Bench): Promise<Figure> {
  const { id: sessionId } = await bench.session();
  const sleep = (): Promise<Buffer> => call(api(bench, "POST", "/execute", { sessionId, command: "sleep 0.1" }));
  await sleep();
  const { floors, figures } = await inTurns(
    5,
    () => timed(() => Promise.all(Array.from({ length: 8 }, () => promisify(execFile)("sleep", ["0.1"])))),
    () => timed(() => Promise.all(Array.from({ length: 8 }, sleep))),
  );
  return {
    name: "eight `sleep 0.1` in one session",
    aim: "≤ 200 ms",
    value: median(figures),
    unit: "ms",
    floor: { name: "eight bare ones", value: median(floors) },
    met: median(figures) <= 200,
  };
}

async function cold(bench: Bench, { docker }: { readonly docker: boolean }): Promise<Figure> {
  const namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork"];
  const rootless = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const { floors, figures } = await inTurns(
    12,
    () =>
      timed(() =>
        promisify(execFile)("unshare", [
          ...rootless,
          ...namespaces,
          BUN,
          "run",
          path.join(bench.directory, "program.ts"),
        ]),
      ),
    async () => {
      let id = "";
      const ms = await timed(async () => {
        ({ id } = await bench.client.createSession());
        await execute(bench, id);
      });
      await bench.client.request("DELETE", `/sessions/${id}`);
      return ms;
    },
  );
  const aim = docker ? 600 : 250;
  return {
    name: "create → first result, p50",
    aim: `≤ ${aim} ms`,
    value: median(figures),
    unit: "ms",
    floor: { name: "`unshare … bun run`", value: median(floors) },
    met: median(figures) <= aim,
  };
}
