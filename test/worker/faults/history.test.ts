import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault, withTwoFaults } from "./campaign.ts";
import { appends } from "./log.ts";

prepareCampaigns();

describe("a history to which several write", () => {
  it("has what was acknowledged once, in order and without gaps, whatever fails", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(appends, { sample: 12 }),
  );

  it("does so when two things fail", { timeout: CAMPAIGN_MS }, () => withTwoFaults(appends, { sample: 6 }));
});
