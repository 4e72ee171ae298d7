// The command line as it is published: what a short command costs in all, how fast files go and come, and what memory that
// takes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, createReadStream, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { bundleCommand } from "../../scripts/package/bundles.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence, timed } from "./statistics.ts";

const LARGE_MB = 1024;
const SMALL_MB = 64;
/** More than this is a body that was held, not a runtime that breathes. */
const FLAT_MB = 50;
const SAMPLE_MS = 20;

export async function cliFigures(bench: Bench): Promise<Figure[]> {
  await bundleCommand(bench.directory);
  return [await command(bench), ...(await copies(bench))];
}

/** Resolves with the largest resident size it had, in MB. */
async function run(bench: Bench, program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env["PATH"],
      BUNTIME_API_KEY: bench.client.apiKey,
      BUNTIME_BASE_URL: `${bench.client.url.origin}/api`,
    },
  });
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, peakOf(child.pid ?? 0))), SAMPLE_MS);
  const [code] = await once(child, "exit");
  clearInterval(timer);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return peak;
}

function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it ended just now
  }
}

const buntime = (bench: Bench, ...args: readonly string[]): Promise<number> =>
  run(bench, process.execPath, [path.join(bench.directory, "cli/main.js"), ...args]);

async function command(bench: Bench): Promise<Figure> {
  const { id } = await bench.session();
  const ours = (): Promise<number> => buntime(bench, "exec", id, "--", "true");
  const bare = (): Promise<number> => run(bench, process.execPath, ["-e", "0"]);
  await sequence(3, ours);
  const { floors, figures } = await inTurns(
    5,
    async () => median(await sequence(10, bare)),
    async () => median(await sequence(10, ours)),
  );
  const value = median(figures);
  return {
    name: "`buntime exec session -- true`, p50",
    aim: "≤ 120 ms",
    value,
    unit: "ms",
    floor: { name: "`node -e 0`", value: median(floors) },
    met: value <= 120,
  };
}

async function copies(bench: Bench): Promise<Figure[]> {
  const { id } = await bench.client.createSession({ resourceLimits: { disk: 4 * LARGE_MB } });
  const local = path.join(bench.directory, "large.bin");
  const small = path.join(bench.directory, "small.bin");
  const back = path.join(bench.directory, "back.bin");
  writeFile(local, LARGE_MB);
  writeFile(small, SMALL_MB);
  const bare = await startBare(local);
  const peaks = { small: 0, large: 0 };
  const speed = async (work: () => Promise<unknown>): Promise<number> => (LARGE_MB * 1000) / (await timed(work));
  const copy = async (from: string, to: string): Promise<void> => {
    peaks.large = Math.max(peaks.large, await buntime(bench, "cp", from, to));
  };
  for (const ends of [
    [small, `${id}:small.bin`],
    [`${id}:small.bin`, back],
  ]) {
    peaks.small = Math.max(peaks.small, await buntime(bench, "cp", ...ends));
  }
  const up = await inTurns(
    3,
    () => speed(() => run(bench, "curl", ["-sfT", local, bare.url])),
    () => speed(() => copy(local, `${id}:large.bin`)),
  );
  const down = await inTurns(
    3,
    () => speed(() => run(bench, "curl", ["-sfo", back, bare.url])),
    () => speed(() => copy(`${id}:large.bin`, back)),
  );
  bare.server.close();
  await bench.client.request("DELETE", `/sessions/${id}`);
  for (const file of [local, small, back]) rmSync(file, { force: true });
  const figure = (name: string, { floors, figures }: { floors: number[]; figures: number[] }): Figure => ({
    name: `\`buntime cp\` of 1 GB ${name}`,
    aim: "≥ 200 MB/s",
    value: median(figures),
    unit: "MB/s",
    floor: { name: "`curl`, bare node server", value: median(floors) },
    met: median(figures) >= 200,
  });
  const growth = Math.max(0, peaks.large - peaks.small);
  return [
    figure("to a session", up),
    figure("back", down),
    {
      name: `memory of these beyond that of ${SMALL_MB} MB`,
      aim: `flat (≤ ${FLAT_MB} MB)`,
      value: growth,
      unit: "MB",
      met: growth <= FLAT_MB,
      note: `${Math.round(peaks.large)} MB in all`,
    },
  ];
}

/** Takes what is sent and gives a file, with nothing in between. */
async function startBare(file: string): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    if (request.method === "PUT") request.resume().once("end", () => response.end());
    else createReadStream(file, { highWaterMark: 1024 * 1024 }).pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // SAFETY: it listens on TCP.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/large.bin`, server };
}

function writeFile(file: string, megabytes: number): void {
  const piece = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  const descriptor = openSync(file, "w");
  for (let written = 0; written < megabytes; written++) writeSync(descriptor, piece);
  closeSync(descriptor);
}
