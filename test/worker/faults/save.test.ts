import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { forget, save, terminate } from "./scenarios.ts";

prepareCampaigns();

describe("what was saved and acknowledged", () => {
  it("outlives its container, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(save, { sample: 3 }),
  );

  it("outlives the snapshot that it was saved in, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(forget, { sample: 2 }),
  );

  // With a fault it may take all of the time that a container waits for its last save.
  it("is all that there is when a container is told to end", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(terminate, { sample: 0, most: 20 }),
  );
});
