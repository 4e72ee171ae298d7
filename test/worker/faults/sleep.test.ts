import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault, withTwoFaults } from "./campaign.ts";
import { sleep } from "./scenarios.ts";

prepareCampaigns();

describe("a session that falls asleep and wakes", () => {
  it("has every file as it was, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(sleep, { sample: 5 }),
  );

  it("has every file as it was when two things fail", { timeout: CAMPAIGN_MS }, () =>
    withTwoFaults(sleep, { sample: 1 }),
  );
});
