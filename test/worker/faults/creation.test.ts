import { env, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { DEVELOPMENT_ACCOUNT, newId } from "../../../src/contract/ids.ts";
import { Session, SessionList } from "../../../src/contract/session.ts";
import { enterAgain } from "../../../src/http/routes/sessions.ts";
import type { SessionRecord } from "../../../src/session/record.ts";
import { sessionOf } from "../../../src/session/rpc.ts";
import { ask, execute } from "../client.ts";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { trapOf } from "./faults.ts";
import { ordersCarriedOut } from "./operator.ts";
import { containersOf, expectGone } from "./oracle.ts";
import type { Scenario } from "./scenarios.ts";
import { arm, disarm } from "./steps.ts";
import { passTime } from "./time.ts";

const CALLS = 8;
const ALARMS = 12;
const RETRY_MS = 11 * 60_000;

function recordOf(id: string): SessionRecord {
  const createdAt = Date.now();
  return {
    id,
    accountId: DEVELOPMENT_ACCOUNT,
    name: `n-${id.slice(4)}`,
    image: "bun",
    createdAt,
    expiresAt: createdAt + 86_400_000,
    resourceLimits: { memory: 256, cpu: 0.25, timeout: 30, disk: 64 },
    metadata: {},
    tags: [id.slice(4)],
    oneShot: false,
    repositoryId: id,
    idleAfterMs: null,
    deepSleepAfterMs: null,
    services: [],
  };
}

/** As a call with an `Idempotency-Key` does that is sent until it is answered. */
async function create(id: string): Promise<Session> {
  const record = recordOf(id);
  for (let call = 1; call <= CALLS; call++) {
    try {
      const again = call === 1 ? null : await enterAgain(sessionOf(env, id), DEVELOPMENT_ACCOUNT);
      const answer = again ?? (await sessionOf(env, id).create(record, { onDemand: true }));
      if (answer.ok) {
        return Session.parse(answer.value);
      }
    } catch {
      // The answer was lost.
    }
  }
  throw new Error("it was not created");
}

/** A session is made that gets its container on demand. */
const createOnDemand: Scenario = async (faults) => {
  const id = newId("ses");
  arm(faults.map((fault) => trapOf(fault, { sessionId: id, repositoryId: id })));
  expect((await create(id)).state).toBe("deep-sleep");
  const { steps, sprung } = disarm();
  await ordersCarriedOut();
  const { sessions, total } = SessionList.parse(await (await ask("GET", `/sessions?tag=${id.slice(4)}`)).json());
  expect([sessions.map(({ state }) => state), total], "the list has it once, asleep").toEqual([["deep-sleep"], 1]);
  expect(await containersOf(id), "no container was started").toBe(0);
  expect((await execute({ sessionId: id, command: "ls; echo on" })).stdout).toBe("on\n");
  expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(200);
  for (let alarms = 0; alarms < ALARMS; alarms++) {
    passTime(RETRY_MS);
    await runDurableObjectAlarm(env.SESSION.getByName(id));
  }
  await expectGone(id, id);
  return { steps, injected: sprung, treesCompared: 0, bytesCompared: 0 };
};

prepareCampaigns();

describe("a session whose container comes on demand", () => {
  it("is made once, asleep, and can be used, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(createOnDemand, { sample: 6 }),
  );
});
