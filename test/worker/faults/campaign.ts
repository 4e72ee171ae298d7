// Runs a scenario once as it should be, to learn its steps, and then again with a fault at one or two of them. How many:
// a sample by default, the same each time; FAULT_ROUNDS names how many of each scenario, or `all`.
import { env } from "cloudflare:test";
import * as fc from "fast-check";
import { beforeAll, expect, vi } from "vitest";
import { describeFault, faultsAt } from "./faults.ts";
import type { Fault } from "./faults.ts";
import type { Scenario } from "./scenarios.ts";
import { operate } from "./operator.ts";
import { disarm, watchSteps } from "./steps.ts";
import { holdTime, restoreBounds } from "./time.ts";

/** Of this file's campaigns together. */
const total = { runs: 0, injected: 0, trees: 0, bytes: 0, losses: 0 };
/** One run; the sessions in it are small. */
const RUN_MS = 180_000;
const SEED = 20_261_120;

export const CAMPAIGN_MS = 4 * 60 * 60 * 1000;

/** Once per test file. */
export function prepareCampaigns(): void {
  beforeAll(() => {
    holdTime();
    watchSteps();
    vi.spyOn(console, "error").mockReturnValue();
  });
}

/** Every fault at every step, or so many of them; and the scenario without any. */
export async function withOneFault(scenario: Scenario, { sample }: { readonly sample: number }): Promise<void> {
  const { steps } = await attempt(scenario, []);
  const all = steps.flatMap(faultsAt);
  const failures: string[] = [];
  for (const fault of spread(all, roundsOr(sample, all.length))) {
    await attempt(scenario, [fault]).catch((error: unknown) => failures.push(failureOf([fault], error)));
  }
  report(scenario.name, failures);
  expect(failures).toEqual([]);
}

/** Pairs, at random. */
export async function withTwoFaults(scenario: Scenario, { sample }: { readonly sample: number }): Promise<void> {
  const { steps } = await attempt(scenario, []);
  const fault = fc.constantFrom(...steps).chain((step) => fc.constantFrom(...faultsAt(step)));
  const numRuns = roundsOr(sample, 10 * sample);
  const failures: string[] = [];
  await fc.assert(
    fc.asyncProperty(fault, fault, async (first, second) => {
      await attempt(scenario, [first, second]).catch((error: unknown) =>
        failures.push(failureOf([first, second], error)),
      );
    }),
    { numRuns, ...(rounds() === "" ? { seed: SEED } : {}) },
  );
  report(`${scenario.name} twice`, failures);
  expect(failures).toEqual([]);
}

/** The scenario with these faults; what it has to end with is checked by itself. */
export async function attempt(scenario: Scenario, faults: readonly Fault[]): ReturnType<Scenario> {
  try {
    const late = scheduler.wait(RUN_MS).then(() => Promise.reject(new Error(`not over after ${RUN_MS} ms`)));
    const outcome = await operate(Promise.race([scenario(faults), late]));
    total.runs++;
    total.injected += outcome.injected;
    total.trees += outcome.treesCompared;
    total.bytes += outcome.bytesCompared;
    return outcome;
  } finally {
    disarm();
    restoreBounds();
  }
}

/** So many of them, evenly over all: neighbours differ in what happens at a step, those further away in the step. */
function spread(all: readonly Fault[], count: number): Fault[] {
  if (count >= all.length) {
    return [...all];
  }
  // A stride that has no common divisor with the number of actions visits each of them.
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)]).filter(
    (fault) => fault !== undefined,
  );
}

function rounds(): string {
  return (env as unknown as Record<string, string>)["FAULT_ROUNDS"] ?? "";
}

function roundsOr(sample: number, all: number): number {
  const text = rounds();
  return text === "all" ? all : text === "" ? sample : Number(text);
}

function failureOf(faults: readonly Fault[], error: unknown): string {
  total.losses++;
  return `${faults.map(describeFault).join(" and ")}: ${error instanceof Error ? error.message : String(error)}`;
}

function report(name: string, failures: readonly string[]): void {
  if (rounds() !== "") {
    console.log(`faults: ${name}: ${JSON.stringify(total)}${failures.map((failure) => `\n  ${failure}`).join("")}`);
  }
}
