import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault, withTwoFaults } from "./campaign.ts";
import { sleepWithContext } from "./context-scenarios.ts";

prepareCampaigns();

describe("a session with a context that falls asleep and wakes", () => {
  it(
    "has the context's variables, or tells what became of them, whatever fails on the way",
    { timeout: CAMPAIGN_MS },
    () => withOneFault(sleepWithContext, { sample: 5 }),
  );

  it("has them, or tells it, when two things fail", { timeout: CAMPAIGN_MS }, () =>
    withTwoFaults(sleepWithContext, { sample: 1 }),
  );
});
