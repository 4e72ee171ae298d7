import { describe, it } from "vitest";
import { CAMPAIGN_MS, prepareCampaigns, withOneFault } from "./campaign.ts";
import { fork } from "./scenarios.ts";

prepareCampaigns();

describe("a fork", () => {
  it("has everything, and keeps it when its original is deleted, whatever fails", { timeout: CAMPAIGN_MS }, () =>
    withOneFault(fork, { sample: 3 }),
  );
});
