// How fast files come and go: small ones as JSON, large ones as raw bytes, and what memory that takes.
import { descendants } from "../support/processes.ts";
import { api } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { call, drain, upload } from "./http.ts";
import type { Figure } from "./report.ts";
import { inTurns, median, sequence, timed } from "./statistics.ts";

const LARGE_MB = 200;
const SIZE_BYTES = LARGE_MB * 1024 * 1024;
/** More than this is a body that was held, not a runtime that breathes. */
const FLAT_MB = 50;

export async function fileFigures(bench: Bench): Promise<Figure[]> {
  return [...(await small(bench)), ...(await large(bench))];
}

async function small(bench: Bench): Promise<Figure[]> {
  const { id: sessionId } = await bench.session();
  const content = "x".repeat(1024);
  const write = (): Promise<Buffer> =>
    call(api(bench, "POST", "/files/write", { sessionId, path: "small.txt", content }));
  const read = (): Promise<Buffer> => call(api(bench, "GET", `/files/read?sessionId=${sessionId}&path=small.txt`));
  const bareWrite = (): Promise<Buffer> =>
    call({ url: new URL("/bare.txt", bench.direct), method: "PUT", body: content });
  const bareRead = (): Promise<Buffer> => call({ url: new URL("/bare.txt", bench.direct) });
  await sequence(20, async () => [await write(), await read(), await bareWrite(), await bareRead()]);

  const figure = async (name: string, ours: () => Promise<unknown>, bare: () => Promise<unknown>): Promise<Figure> => {
    const { floors, figures } = await inTurns(
      5,
      async () => median(await sequence(200, bare)),
      async () => median(await sequence(200, ours)),
    );
    const value = median(figures);
    const floor = { name: "bare Bun server", value: median(floors) };
    return { name: `file ${name} of 1 KB, p50`, aim: "≤ 3 ms", value, unit: "ms", floor, met: value <= 3 };
  };
  return [await figure("write", write, bareWrite), await figure("read", read, bareRead)];
}

async function large(bench: Bench): Promise<Figure[]> {
  const { id } = await bench.session();
  const ours = api(bench, "PUT", `/sessions/${id}/files/large.bin`);
  const bare = { url: new URL("/large.bin", bench.direct) };
  const speed = async (run: () => Promise<unknown>): Promise<number> => (LARGE_MB * 1000) / (await timed(run));

  const memory = new Memory(bench.pid);
  const up = await inTurns(
    3,
    () => speed(() => upload({ ...bare, sizeBytes: SIZE_BYTES })),
    () => memory.during(() => speed(() => upload({ ...ours, sizeBytes: SIZE_BYTES }))),
  );
  const down = await inTurns(
    3,
    () => speed(() => whole(drain(bare))),
    () => memory.during(() => speed(() => whole(drain({ ...ours, method: "GET" })))),
  );
  const figure = (name: string, { floors, figures }: { floors: number[]; figures: number[] }): Figure => ({
    name: `raw ${name} of ${LARGE_MB} MB`,
    aim: "≥ 300 MB/s",
    value: median(figures),
    unit: "MB/s",
    floor: { name: "bare Bun server", value: median(floors) },
    met: median(figures) >= 300,
  });
  const growth = memory.growth();
  return [
    figure("upload", up),
    figure("download", down),
    {
      name: "memory grown during these, most of any process",
      aim: `flat (≤ ${FLAT_MB} MB)`,
      value: growth.megabytes,
      unit: "MB",
      met: growth.megabytes <= FLAT_MB,
      note: growth.process,
    },
  ];
}

async function whole(bytes: Promise<number>): Promise<void> {
  if ((await bytes) !== SIZE_BYTES) throw new Error(`${await bytes} of ${SIZE_BYTES} bytes arrived`);
}

/** The largest each process of the platform becomes while something runs, against the largest it was after the first run. */
class Memory {
  readonly #root: number;
  readonly #first = new Map<number, number>();
  readonly #later = new Map<number, number>();
  readonly #names = new Map<number, string>();
  #runs = 0;

  constructor(root: number) {
    this.#root = root;
  }

  async during<T>(run: () => Promise<T>): Promise<T> {
    // The first run warms allocators up; held bodies would show as growth from run to run and with size.
    const peaks = this.#runs++ === 0 ? this.#first : this.#later;
    const sample = (): void => {
      for (const { pid, memory, command } of descendants(this.#root)) {
        peaks.set(pid, Math.max(memory, peaks.get(pid) ?? 0));
        this.#names.set(pid, command);
      }
    };
    sample();
    const timer = setInterval(sample, 50);
    try {
      return await run();
    } finally {
      clearInterval(timer);
      sample();
    }
  }

  growth(): { megabytes: number; process: string } {
    let most = { megabytes: 0, process: "" };
    for (const [pid, bytes] of this.#later) {
      const megabytes = (bytes - (this.#first.get(pid) ?? bytes)) / (1024 * 1024);
      if (megabytes > most.megabytes) most = { megabytes, process: nameOf(this.#names.get(pid) ?? "") };
    }
    return most;
  }
}

function nameOf(command: string): string {
  return (
    /workerd|engine|buntime\/main/.exec(command)?.[0].replace("buntime/main", "supervisor") ?? command.slice(0, 20)
  );
}
