// What a session goes through while something fails, and what has to be true afterwards. Every scenario begins with a
// workspace that is saved (`before`) and one that was changed since (`now`); faults happen between `arm` and `disarm` only.
import { env } from "cloudflare:test";
import { expect } from "vitest";
import { LAST_SAVE_MS } from "../../../src/contract/limits.ts";
import { Session } from "../../../src/contract/session.ts";
import { RestoreAnswer, Snapshot } from "../../../src/contract/snapshot.ts";
import { ask } from "../client.ts";
import type { Fault } from "./faults.ts";
import { carryOut } from "./operator.ts";
import { containersOf, expectGone } from "./oracle.ts";
import { passTime } from "./time.ts";
import { DAY_MS, json, World } from "./world.ts";
import type { Outcome } from "./world.ts";
import { withEntry } from "./tree.ts";

/** Longer than a session may be without activity before it is idle, and then before it sleeps. */
const QUIET_MS = 31 * 60_000;

/** An entry of the top of the workspace that changes, and has no hard links to others. */
const RESTORED = ".hidden";

export type Scenario = (faults: readonly Fault[]) => Promise<Outcome>;

/** A snapshot is asked for; then the container is lost. */
export const save: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  world.arm();
  const answer = await ask("POST", `/sessions/${world.id}/snapshots`, { body: {} }).catch(() => null);
  await world.disarm();
  const acknowledged = answer?.status === 201;
  const either = [world.before, world.now];
  const found = await world.expectTree(world.mayLose ? either : [world.now], "while its container lives");
  if (answer?.status === 201) {
    const { treeHash } = await json(Snapshot, answer);
    expect(treeHash).toMatch(/^[0-9a-f]{64}$/);
  }
  await world.loseContainer();
  await world.expectTree(acknowledged ? [found] : either, "after the loss of its container");
  await world.persist("POST", `/sessions/${world.id}/snapshots`, { body: {} });
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** Nobody asks for long enough, and then somebody does. */
export const sleep: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  world.arm();
  for (let alarms = 0; alarms < 2; alarms++) {
    passTime(QUIET_MS);
    await world.alarm().catch(() => false);
  }
  await world.rest("asleep");
  expect(await containersOf(world.id), "it sleeps without a container").toBe(0);
  const trees = world.mayLose ? [world.before, world.now] : [world.now];
  const found = await world.expectTree(trees, "when it wakes");
  await world.disarm();
  await world.expectTree([found], "once it is awake");
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** An earlier snapshot is restored, and then what was before that. */
export const restore: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  const either = [world.before, world.now];
  world.arm();
  const answer = await ask("POST", `/sessions/${world.id}/snapshots/${world.saved}/restore`, { body: {} }).catch(
    () => null,
  );
  const acknowledged = answer?.status === 200;
  const found = await world.expectTree(acknowledged ? [world.before] : either, "after the restore");
  await world.disarm();
  await world.loseContainer();
  await world.expectTree(acknowledged ? [found] : either, "restored, and then lost");
  if (answer?.status === 200) {
    const { previousSnapshotId } = await json(RestoreAnswer, answer);
    await world.persist("POST", `/sessions/${world.id}/snapshots/${previousSnapshotId}/restore`, { body: {} });
    await world.expectTree(world.mayLose ? either : [world.now], "restored and undone");
  }
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** One directory of an earlier snapshot is restored, and then all that was before that. */
export const restorePath: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  const { before, now } = world;
  const restored = withEntry(now, RESTORED, before);
  const trees = [restored, now, ...(world.mayLose ? [before] : [])];
  world.arm();
  const path = `/sessions/${world.id}/snapshots/${world.saved}/restore`;
  const answer = await ask("POST", path, { body: { path: RESTORED } }).catch(() => null);
  // What it has done is saved only later: with its container a restore of one path may go.
  const acknowledged = answer?.status === 200 && !world.mayLose;
  const found = await world.expectTree(acknowledged ? [restored] : trees, "after the restore of a directory");
  await world.disarm();
  await world.persist("POST", `/sessions/${world.id}/snapshots`, { body: {} });
  // It may have been killed as soon as it was looked into.
  const saved = await world.expectTree(world.mayLose ? trees : [found], "a directory restored, and saved");
  await world.loseContainer();
  await world.expectTree([saved], "a directory restored, saved, and then lost");
  if (answer?.status === 200) {
    const { previousSnapshotId } = await json(RestoreAnswer, answer);
    await world.persist("POST", `/sessions/${world.id}/snapshots/${previousSnapshotId}/restore`, { body: {} });
    await world.expectTree(world.mayLose ? [now, before] : [now], "a directory restored, and undone");
  }
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** The newest snapshot is deleted, and then its container is lost. */
export const forget: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  const trees = world.mayLose ? [world.before, world.now] : [world.now];
  world.arm();
  const made = await world.persist("POST", `/sessions/${world.id}/snapshots`, { body: {} });
  const { snapshotId } = await json(Snapshot, made);
  await world.persist("DELETE", `/sessions/${world.id}/snapshots/${snapshotId}`);
  await world.disarm();
  const found = await world.expectTree(trees, "once its newest snapshot is deleted");
  await world.loseContainer();
  await world.expectTree([found], "restored from what was kept of it");
  expect((await ask("GET", `/sessions/${world.id}/snapshots/${snapshotId}`)).status, "it is deleted").toBe(404);
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** The container is told to end by the platform. What was not saved before is saved then, if nothing fails. */
export const terminate: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  world.arm();
  await carryOut("end container", { sessionId: world.id, repositoryId: world.id });
  await untilEnded(world.id);
  await world.rest("asleep");
  const trees = faults.length === 0 ? [world.now] : [world.before, world.now];
  await world.expectTree(trees, "after its container was told to end");
  await world.disarm();
  await world.tidy([world.id]);
  await world.end();
  return world.outcome;
};

/** Two sessions go on from one; the original is deleted while something fails; the fork has everything. */
export const fork: Scenario = async (faults) => {
  const world = await World.begin(faults, null);
  const trees = world.mayLose ? [world.before, world.now] : [world.now];
  world.arm();
  const headers = { "idempotency-key": `fork of ${world.id}` };
  const made = await world.persist("POST", `/sessions/${world.id}/fork`, { body: {}, headers });
  const { id } = await json(Session, made);
  const forked = await world.expectTree(trees, "in the fork", id);
  await world.persist("DELETE", `/sessions/${world.id}`);
  await world.rest("gone");
  await world.disarm();
  await expectGone(world.id, null);
  await world.expectTree([forked], "in the fork, when its original is gone", id);
  await world.tidy([id]);
  await world.persist("DELETE", `/sessions/${id}`);
  await world.rest("gone", id);
  await expectGone(id, world.id);
  return world.outcome;
};

/** It is deleted, with all that it has. */
export const remove: Scenario = async (faults) => {
  const name = `n-${crypto.randomUUID()}`;
  const world = await World.begin(faults, name);
  world.arm();
  await world.persist("DELETE", `/sessions/${world.id}`);
  await world.rest("gone");
  await world.disarm();
  await expectRemoved(world, name);
  return world.outcome;
};

/** Its time is over. */
export const expire: Scenario = async (faults) => {
  const name = `n-${crypto.randomUUID()}`;
  const world = await World.begin(faults, name);
  world.arm();
  passTime(DAY_MS + 1000);
  await world.alarm().catch(() => false);
  await world.rest("gone");
  await world.disarm();
  await expectRemoved(world, name);
  return world.outcome;
};

async function expectRemoved(world: World, name: string): Promise<void> {
  await expectGone(world.id, world.id);
  expect(await env.DIRECTORY.get(`name/default/${name}`), "its name is free").toBeNull();
  const list = await (await ask("GET", "/sessions?limit=100")).text();
  expect(list, "it is in no list").not.toContain(world.id);
  expect((await ask("GET", `/sessions/${world.id}`)).status).toBe(404);
}

/** A container that is told to end waits for its last save, for so long. */
async function untilEnded(id: string): Promise<void> {
  const deadline = performance.now() + 2 * LAST_SAVE_MS;
  while ((await containersOf(id)) > 0) {
    expect(performance.now(), "the container ends").toBeLessThan(deadline);
    await scheduler.wait(20);
  }
}
