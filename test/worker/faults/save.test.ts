import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { forget, save } from "./scenarios.ts";

prepareCampaigns();

describe("what was saved and acknowledged", () => {
  it("outlives its container, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(save, { sample: 3 }),
  );

  it("outlives the snapshot that it was saved in, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(forget, { sample: 2 }),
  );
});
