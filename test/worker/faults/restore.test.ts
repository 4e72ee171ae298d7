import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault, withTwoFaults } from "./campaign.ts";
import { restore, restorePath } from "./scenarios.ts";

prepareCampaigns();

describe("a restore", () => {
  it("is done or not, and can be undone, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(restore, { sample: 3 }),
  );

  it("is done or not, and can be undone, when two things fail", { timeout: CAMPAIGN_MS }, () =>
    withTwoFaults(restore, { sample: 1 }),
  );
});

describe("a restore of one directory", () => {
  it("is done or not, and can be undone, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(restorePath, { sample: 3 }),
  );
});
