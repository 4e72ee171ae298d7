import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { expire, remove } from "./scenarios.ts";

prepareCampaigns();

describe("a session that ends", () => {
  it("when it is deleted, leaves nothing, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(remove, { sample: 2 }),
  );

  it("when its time is over, leaves nothing, whatever fails on the way", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(expire, { sample: 2 }),
  );
});
