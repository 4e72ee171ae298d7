// What a snapshot costs: the first of a workspace, beside `tar | zstd -1` and beside what the local R2 takes for the same
// bytes by itself, and those that follow small changes.
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { Snapshot } from "../../src/contract/snapshot.ts";
import { api } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, timed } from "./statistics.ts";
import { shell } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const ROUNDS = 3;
const CHANGES = 20;
const FIRST_AIM = 1.3;
const CHANGED_AIM = { ms: 150, ofFirst: 0.05 } as const;
const STORED_AIM = 1.05;
/** Of a pack, about. */
const OBJECT_BYTES = 4 * 1024 * 1024;
const BareBucket = z.object({ ms: z.number(), grownBytes: z.number() });

/** Leaves the packed workspace at `<scratch>/workspace.tar.zst`, and a saved session. */
export async function saveFigures(
  bench: Bench,
  workspace: Workspace,
  scratch: string,
): Promise<{ first: Figure; figures: Figure[]; sessionId: string }> {
  const sessions = [workspace.sessionId];
  while (sessions.length < ROUNDS) sessions.push(await copyOf(bench, workspace));
  let sessionId = "";
  let storedBytes = 0;
  const { floors, figures } = await inTurns(
    ROUNDS,
    () => timed(() => shell(`tar -cf - -C ${workspace.copy} . | zstd -1 -q -f -o ${scratch}/workspace.tar.zst`)),
    async () => {
      sessionId = sessions.pop() ?? "";
      return timed(async () => ({ storedBytes } = await save(bench, sessionId, "first")));
    },
  );
  const bucket = await bareBucket(path.join(scratch, "bucket"), { sizeBytes: storedBytes });
  const copied = await timed(() => shell(`cp -r ${workspace.copy} ${scratch}/copied`));
  const value = median(figures);
  const floor = median(floors);
  return {
    sessionId,
    first: {
      name: "first snapshot",
      aim: `≤ ${FIRST_AIM} × its floor`,
      value,
      unit: "ms",
      floor: { name: "`tar \\| zstd -1`", value: floor },
      met: value <= FIRST_AIM * floor,
    },
    figures: [
      {
        name: "the same, beside the local R2 alone",
        aim: "for scale",
        value,
        unit: "ms",
        floor: { name: "a bare Worker that stores as much", value: bucket.ms },
        met: true,
        note: `${(storedBytes / 1e6).toFixed(0)} MB compressed`,
      },
      { name: "`cp -r` of that workspace", aim: "for scale", value: copied, unit: "ms", met: true },
      ...(await changeFigures(bench, { sessionId, firstMs: value, storedBytes })),
    ],
  };
}

async function changeFigures(
  bench: Bench,
  { sessionId, firstMs, storedBytes }: { sessionId: string; firstMs: number; storedBytes: number },
): Promise<Figure[]> {
  const before = await bucketBytes(bench);
  const samples: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const body = { sessionId, path: "note.txt", content: `change ${change}` };
    await call(api(bench, "POST", "/files/write", body));
    samples.push(await timed(() => save(bench, sessionId, `change ${change}`)));
  }
  const stored = 1 + ((await bucketBytes(bench)) - before) / storedBytes;
  const value = median(samples);
  return [
    {
      name: "snapshot after one changed file, p50",
      aim: `≤ ${CHANGED_AIM.ms} ms, ≤ ${CHANGED_AIM.ofFirst * 100} % of the first`,
      value,
      unit: "ms",
      met: value <= CHANGED_AIM.ms && value <= CHANGED_AIM.ofFirst * firstMs,
      note: `${((100 * value) / firstMs).toFixed(1)} % of the first`,
    },
    {
      name: `bytes stored after ${CHANGES} of these`,
      aim: `≤ ${STORED_AIM} × the first`,
      value: stored,
      unit: "×",
      met: stored <= STORED_AIM,
      note: "all of them kept",
    },
  ];
}

export async function save({ client }: Bench, sessionId: string, label: string): Promise<Snapshot> {
  return await client.ask(Snapshot, "POST", `/sessions/${sessionId}/snapshots`, { label });
}

/** How long a Worker takes that does nothing else, and how much its workerd grows. */
export async function bareBucket(
  directory: string,
  { sizeBytes }: { readonly sizeBytes: number },
): Promise<z.infer<typeof BareBucket>> {
  const count = Math.max(1, Math.round(sizeBytes / OBJECT_BYTES));
  const args = [path.join(import.meta.dirname, "bare-bucket.ts"), directory, count, Math.round(sizeBytes / count)];
  const { stdout } = await promisify(execFile)(process.execPath, args.map(String));
  return BareBucket.parse(JSON.parse(stdout));
}

/** Another session with the same workspace. */
async function copyOf(bench: Bench, { archive }: Workspace): Promise<string> {
  const { id } = await bench.session();
  const response = await bench.client.request("PUT", `/sessions/${id}/archive`, { body: createReadStream(archive) });
  if (!response.ok) throw new Error(`the archive was not unpacked: ${await response.text()}`);
  await response.body?.cancel();
  return id;
}

/** What the platform's bucket holds on disk. */
async function bucketBytes({ dataDir }: Bench): Promise<number> {
  const sizes = await shell(`find ${dataDir} -path '*/state/*blobs*' -type f -printf '%s\\n'`);
  return sizes.split("\n").reduce((sum, size) => sum + Number(size), 0);
}
