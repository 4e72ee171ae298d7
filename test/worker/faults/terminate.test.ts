import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { terminate } from "./scenarios.ts";

prepareCampaigns();

describe("what was saved and acknowledged", () => {
  // With a fault it may take all of the time that a container waits for its last save.
  it("is all that there is when a container is told to end", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(terminate, { sample: 0 }),
  );
});
