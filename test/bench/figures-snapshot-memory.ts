// What saving and restoring a large workspace takes in memory. The local R2 lives in the same workerd as the session's
// object, so the floor is a bare Worker that stores as much.
import path from "node:path";
import { descendants, listProcesses } from "../support/processes.ts";
import { execute } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { bareBucket, save } from "./figures-saves.ts";
import { fork } from "./figures-wake.ts";
import { MemoryPeaks } from "./memory-peaks.ts";
import type { Figure } from "./report.ts";

const AIM_MB = 64;
const MIB = 1024 * 1024;
const FILE_MB = 100;
/** The first warms up what stays in memory however much is saved. A session's disk has 1,024 MB. */
const WARM_FILES = 2;
const FILES = 9;
const WORKERD = /workerd/;
const SUPERVISOR = /^\S*bun .*(buntime|supervisor)\/main\.[jt]s$/;

export async function snapshotMemoryFigures(bench: Bench, { docker }: { readonly docker: boolean }): Promise<Figure[]> {
  // Docker's containers are processes of this machine as well, but not below the start script.
  const memory = new MemoryPeaks(() =>
    docker
      ? [...descendants(bench.pid), ...listProcesses().filter(({ command }) => SUPERVISOR.test(command))]
      : descendants(bench.pid),
  );
  const warm = await fill(bench, WARM_FILES);
  await save(bench, warm, "warm");
  await execute(bench, await fork(bench, warm));

  const large = await fill(bench, FILES);
  await memory.during(() => save(bench, large, "large"));
  const saving = { workerd: memory.growthOf(WORKERD), supervisor: memory.growthOf(SUPERVISOR) };
  const asleep = await fork(bench, large);
  await memory.during(() => execute(bench, asleep));
  const restoring = memory.growthOf(WORKERD);
  const size = FILES * FILE_MB;
  const bucket = await bareBucket(path.join(bench.dataDir, "bench-memory"), { sizeBytes: size * 1e6 });
  const figure = (name: string, bytes: number): Figure => ({
    name,
    aim: `≤ ${AIM_MB} MB`,
    value: bytes / MIB,
    unit: "MB",
    met: bytes / MIB <= AIM_MB,
  });
  return [
    {
      ...figure(`workerd grown by a snapshot of ${size} MB`, saving.workerd),
      floor: { name: "a bare Worker that stores as much", value: bucket.grownBytes / MIB },
    },
    figure(`workerd grown by a restore of ${size} MB`, restoring),
    figure(`supervisor grown by a snapshot of ${size} MB`, saving.supervisor),
  ];
}

/** A session with so many files of random bytes. */
async function fill(bench: Bench, files: number): Promise<string> {
  const { id: sessionId } = await bench.session();
  const command = `for i in $(seq ${files}); do head -c ${FILE_MB * 1e6} /dev/urandom > file-$i; done`;
  const { exitCode, stderr } = await bench.client.execute({ sessionId, command });
  if (exitCode !== 0) throw new Error(`the files were not made: ${stderr}`);
  return sessionId;
}
