// Numbers out of many samples. Times are milliseconds.
import { setTimeout as delay } from "node:timers/promises";

export interface Distribution {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

export function distribution(samples: readonly number[]): Distribution {
  return { p50: median(samples), p95: percentile(samples, 0.95), p99: percentile(samples, 0.99) };
}

export async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

/** One after the other. */
export async function sequence(count: number, run: (index: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index++) samples.push(await timed(() => run(index)));
  return samples;
}

/** So many in a second, whether those before are done or not: what each took. */
export async function atRate(
  perSecond: number,
  durationMs: number,
  run: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const startedAt = performance.now();
  const runs: Promise<number>[] = [];
  for (let index = 0; index < (perSecond * durationMs) / 1000; index++) {
    const wait = startedAt + (index * 1000) / perSecond - performance.now();
    if (wait > 0) await delay(wait);
    runs.push(timed(() => run(index)));
  }
  return Promise.all(runs);
}

/** Runs per second with `inFlight` of them at any time, for about `durationMs`. */
export async function rate(
  options: { readonly inFlight: number; readonly durationMs: number },
  run: (lane: number) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: options.inFlight }, async (_, lane) => {
      while (performance.now() - startedAt < options.durationMs) {
        await run(lane);
        done += 1;
      }
    }),
  );
  return (done * 1000) / (performance.now() - startedAt);
}

/**
 * Measures floor and figure in turns, so that whatever else the machine does meets both, and gives each one's median
 * round.
 */
export async function inTurns<Floor, Figure>(
  rounds: number,
  floor: () => Promise<Floor>,
  figure: () => Promise<Figure>,
): Promise<{ floors: Floor[]; figures: Figure[] }> {
  const floors: Floor[] = [];
  const figures: Figure[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await floor());
    figures.push(await figure());
  }
  return { floors, figures };
}
