// How much processes grow while something runs: their largest resident size meanwhile, against the one just before.
import type { HostProcess } from "../support/processes.ts";

const SAMPLE_MS = 20;

export class MemoryPeaks {
  readonly #list: () => readonly HostProcess[];
  readonly #processes = new Map<number, { readonly command: string; readonly before: number; peak: number }>();

  constructor(list: () => readonly HostProcess[]) {
    this.#list = list;
  }

  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#processes.clear();
    this.#sample();
    const timer = setInterval(() => this.#sample(), SAMPLE_MS);
    try {
      return await run();
    } finally {
      clearInterval(timer);
      this.#sample();
    }
  }

  /** Bytes by which the one that has grown most has grown, of those with such a command. */
  growthOf(command: RegExp): number {
    const growths = [...this.#processes.values()].filter((process) => command.test(process.command));
    if (growths.length === 0) throw new Error(`no process is ${command.source}`);
    return Math.max(...growths.map(({ before, peak }) => peak - before));
  }

  #sample(): void {
    for (const { pid, command, memory } of this.#list()) {
      const known = this.#processes.get(pid) ?? { command, before: memory, peak: memory };
      known.peak = Math.max(known.peak, memory);
      this.#processes.set(pid, known);
    }
  }
}
