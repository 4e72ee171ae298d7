// What an idle session costs in memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { SPARE_MEMORY_MS } from "../../src/contract/limits.ts";
import { BUN } from "../../src/local/repository.ts";
import { descendants, listProcesses } from "../support/processes.ts";
import type { HostProcess } from "../support/processes.ts";
import { execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./report.ts";

const AIM_MB = 40;
const MIB = 1024 * 1024;
const SUPERVISOR = /^\S*bun .*(buntime|supervisor)\/main\.[jt]s$/;
/** For what the last call took to be given back. */
const SETTLE_MS = SPARE_MEMORY_MS + 3000;

export async function memoryFigures(bench: Bench, { docker }: { readonly docker: boolean }): Promise<Figure[]> {
  // Docker's containers are processes of this machine as well, but not below the start script.
  const supervisors = (): HostProcess[] =>
    (docker ? listProcesses() : descendants(bench.pid)).filter(({ command }) => SUPERVISOR.test(command));
  const before = new Set(supervisors().map(({ pid }) => pid));
  const { id } = await bench.session();
  await execute(bench, id);
  await delay(SETTLE_MS);
  const mine = supervisors().filter(({ pid }) => !before.has(pid));
  const [supervisor] = mine;
  if (supervisor === undefined || mine.length > 1) throw new Error(`${mine.length} supervisors came with one session`);

  const bare = spawn(BUN, ["--smol", "-e", "Bun.serve({ port: 0, fetch: () => new Response() }); console.log(1)"]);
  await once(bare.stdout, "data");
  await delay(SETTLE_MS);
  const floor = listProcesses().find(({ pid }) => pid === bare.pid)?.memory ?? Number.NaN;
  bare.kill();
  return [
    {
      name: "supervisor, idle, resident",
      aim: `≤ ${AIM_MB} MB`,
      value: supervisor.memory / MIB,
      unit: "MB",
      floor: { name: "bare `Bun.serve`", value: floor / MIB },
      met: supervisor.memory / MIB <= AIM_MB,
    },
  ];
}
