// What the variables of a context go through while something fails: none is lost without a word.
import { expect } from "vitest";
import { RunAnswer } from "../../../src/contract/context-run.ts";
import { Context } from "../../../src/contract/contexts.ts";
import { ExecutionList } from "../../../src/contract/execute.ts";
import { ask } from "../client.ts";
import type { Fault } from "./faults.ts";
import { containersOf } from "./oracle.ts";
import { passTime } from "./time.ts";
import type { Scenario } from "./scenarios.ts";
import { json, World } from "./world.ts";

/** Longer than a session may be without activity before it is idle, and then before it sleeps. */
const QUIET_MS = 31 * 60_000;
const LOOK = 'typeof n === "undefined" ? "none" : String(n)';

/** One is saved, two is bound since. Nobody asks for long enough, and then somebody does. */
export const sleepWithContext: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  const contexts = `/sessions/${world.id}/contexts`;
  const { id } = await json(Context, await ask("POST", contexts, { body: { language: "javascript" } }));
  const path = `${contexts}/${id}/run`;
  await json(RunAnswer, await ask("POST", path, { body: { code: "var n = 1" } }));
  await world.persist("POST", `/sessions/${world.id}/snapshots`, { body: {} });
  await json(RunAnswer, await ask("POST", path, { body: { code: "n = 2" } }));
  world.arm();
  for (let alarms = 0; alarms < 2; alarms++) {
    passTime(QUIET_MS);
    await world.alarm().catch(() => false);
  }
  await world.rest("asleep");
  expect(await containersOf(world.id), "it sleeps without a container").toBe(0);
  const listed = await world.persist("GET", `${contexts}/${id}`);
  expect(await json(Context, listed), "it is known while it sleeps").toMatchObject({ id });
  const first = await json(RunAnswer, await world.persist("POST", path, { body: { code: LOOK } }));
  await world.disarm();
  await expectHonest(world, first, faults);
  const again = await json(RunAnswer, await world.persist("POST", path, { body: { code: LOOK } }));
  if (again.results[0]?.text !== first.results[0]?.text) {
    await expectHonest(world, again, faults);
  }
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** What it finds is the newest, or a loss was told: by this run, or by one whose answer did not arrive. */
async function expectHonest(world: World, answer: RunAnswer, faults: readonly Fault[]): Promise<void> {
  const value = answer.results[0]?.text.replaceAll('"', "");
  expect(answer.error, `faults: ${world.faults}`).toBeNull();
  if (value === "2") {
    return;
  }
  expect(["1", "none"], `faults: ${world.faults}`).toContain(value);
  const mayEnd = faults.some(({ action }) => action === "kill container" || action === "kill supervisor");
  expect(mayEnd, `n is ${value} after ${world.faults}`).toBe(true);
  const list = await world.persist("GET", `/sessions/${world.id}/executions?limit=100`);
  const { executions } = await json(ExecutionList, list);
  const told = executions.some(({ context }) => (context?.lost ?? null) !== null);
  expect(told || answer.lost !== null, `the loss is told after ${world.faults}`).toBe(true);
}
