// What the campaigns have found once, each as the faults that show it.
import { expect, it } from "vitest";
import { ask, execute } from "../client.ts";
import { attempt, prepareCampaigns } from "./campaign.ts";
import { trapOf } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { fork, remove, save, sleep } from "./scenarios.ts";
import { arm, disarm } from "./steps.ts";
import { World } from "./world.ts";

prepareCampaigns();

const before = (name: string, action: Fault["action"]): Fault => ({ step: { name, nth: 1 }, when: "before", action });

it("a container is released although the session was lost in the middle of that", async () => {
  await attempt(sleep, [before("engine DELETE", "lose session")]);
});

it("a container goes on although the engine did not answer a new instance of its session at once", async () => {
  const faults = [before("supervisor POST /snapshot", "lose session"), before("engine GET", "fail")];
  expect((await attempt(sleep, faults)).injected).toBe(2);
});

it("a fork whose creation was interrupted and asked for again has its original's files", async () => {
  await attempt(fork, [before("repository copy", "fail")]);
});

it("a save is over although R2 has never answered", async () => {
  expect((await attempt(save, [before("bucket put", "hang")])).injected).toBe(1);
});

it("a session sleeps although what R2 gave back of it has never ended", async () => {
  expect((await attempt(sleep, [before("bucket get", "stall")])).injected).toBe(1);
});

it("a session that is removed leaves nothing although a deletion was never answered", async () => {
  expect((await attempt(remove, [before("bucket delete", "hang")])).injected).toBe(1);
});

it("a restore whose answer was lost is read asleep as it is found awake", async () => {
  const world = await World.begin([], null);
  const step = { name: "repository copy", nth: 1 };
  arm([trapOf({ step, when: "after", action: "fail" }, { sessionId: world.id, repositoryId: world.id })]);
  await ask("POST", `/sessions/${world.id}/snapshots/${world.saved}/restore`, { body: {} });
  expect(disarm().sprung).toBe(1);
  const asleep = await ask("GET", `/sessions/${world.id}/files/.round`);
  const read = asleep.status === 200 ? new TextDecoder().decode(await asleep.arrayBuffer()) : "none\n";
  const { stdout } = await execute({ sessionId: world.id, command: "cat .round 2>/dev/null || echo none" });
  await world.end();
  expect(read).toBe(stdout);
});
