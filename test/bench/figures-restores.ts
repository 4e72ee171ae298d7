// What it takes to have a saved workspace again: forks, wakes beside `zstd -d | tar x`, and reads that wake nobody.
import { glob, mkdir } from "node:fs/promises";
import { api, execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { fork } from "./figures-wake.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence, timed } from "./statistics.ts";
import { shell } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const ROUNDS = 3;
const FORKS = 5;
const READS = 50;
const FORK_AIM_MS = 100;
const RESTORE_AIM = 1.3;
const WAKE_AIM_MS = { embedded: 1500, docker: 2000 } as const;
const READ_AIM_MS = 20;

interface Options {
  readonly scratch: string;
  /** Was saved. */
  readonly sessionId: string;
  readonly docker: boolean;
}

export async function restoreFigures(bench: Bench, workspace: Workspace, options: Options): Promise<Figure[]> {
  const { scratch, sessionId, docker } = options;
  const forks: string[] = [];
  const forking = await sequence(FORKS, async () => forks.push(await fork(bench, sessionId)));
  const created = await sequence(FORKS, async () => execute(bench, (await bench.session()).id));
  const { floors, figures } = await inTurns(
    ROUNDS,
    async () => {
      const into = `${scratch}/unpacked-${forks.length}`;
      await mkdir(into);
      return timed(() => shell(`zstd -d -q -c ${scratch}/workspace.tar.zst | tar -xf - -C ${into}`));
    },
    () => timed(() => execute(bench, forks.pop() ?? "")),
  );
  const reads = await readAsleep(bench, workspace, forks.pop() ?? "");
  const floor = median(floors);
  const wake = median(figures);
  const restore = wake - median(created);
  return [
    bounded("fork, p50", { value: median(forking), aimMs: FORK_AIM_MS }),
    {
      name: "restore",
      aim: `≤ ${RESTORE_AIM} × its floor`,
      value: restore,
      unit: "ms",
      floor: { name: "`zstd -d \\| tar x`", value: floor },
      met: restore <= RESTORE_AIM * floor,
      note: "the wake below, less create → first result",
    },
    bounded("wake of that session → first result", {
      value: wake,
      aimMs: docker ? WAKE_AIM_MS.docker : WAKE_AIM_MS.embedded,
    }),
    bounded("read of a small file while it sleeps, p50", { value: median(reads), aimMs: READ_AIM_MS }),
  ];
}

/** Of files that lie in many places, each once. */
async function readAsleep(bench: Bench, { copy }: Workspace, sessionId: string): Promise<number[]> {
  const paths: string[] = [];
  for await (const found of glob("node_modules/{*,@*/*}/package.json", { cwd: copy })) paths.push(found);
  const read = (file: string): Promise<Buffer> =>
    call(api(bench, "GET", `/files/read?sessionId=${sessionId}&path=${encodeURIComponent(file)}`));
  await read("package.json");
  return await sequence(Math.min(READS, paths.length), (at) => read(paths[at] ?? ""));
}

function bounded(name: string, { value, aimMs }: { readonly value: number; readonly aimMs: number }): Figure {
  return { name, aim: `≤ ${aimMs} ms`, value, unit: "ms", met: value <= aimMs };
}
