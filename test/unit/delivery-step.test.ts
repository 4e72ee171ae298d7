import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterAttempt } from "../../src/account/delivery-step.ts";
import type { DeliveryStep } from "../../src/account/delivery-step.ts";
import type { Attempt } from "../../src/account/events-rpc.ts";
import type { DeliveryRow, WebhookRow } from "../../src/account/webhook-rows.ts";
import { WEBHOOKS } from "../../src/contract/limits.ts";

const TAKEN: Attempt = { responseStatus: 204, durationMs: 5, error: null };
const REFUSED: Attempt = { responseStatus: 500, durationMs: 5, error: "it answered 500" };
const GONE: Attempt = { responseStatus: 410, durationMs: 5, error: "it answered 410" };
const DAY_MS = 24 * 60 * 60 * 1000;

const webhook: WebhookRow = {
  id: "whk_00000000000000000000",
  url: "https://example.com/",
  types: null,
  secret: "whsec_",
  created_at: 0,
  failing_since: null,
  failures: 0,
  disabled_reason: null,
};
const delivery: DeliveryRow = {
  id: "dlv_00000000000000000000",
  webhook_id: webhook.id,
  event_id: "evt_00000000000000000000",
  type: "session.created",
  body: "{}",
  status: "pending",
  round: 0,
  attempts: 0,
  tries: 0,
  response_status: null,
  duration_ms: null,
  error: null,
  created_at: 0,
  last_attempt_at: null,
  next_attempt_at: 0,
};

describe("a delivery", () => {
  it("that is refused is tried again after 5 s, 30 s, 2 min, 10 min, 1 h and 6 h, and then has failed", () => {
    let step: DeliveryStep = { delivery, webhook, retryInSeconds: 0 };
    const waits: number[] = [];
    for (let now = 0; step.delivery.status === "pending";) {
      step = afterAttempt(step, REFUSED, now);
      if (step.retryInSeconds !== null) {
        waits.push(step.retryInSeconds);
        now += step.retryInSeconds * 1000;
        expect(step.delivery.next_attempt_at).toBe(now);
      }
    }
    expect(waits).toEqual([5, 30, 120, 600, 3600, 21_600]);
    expect(step.delivery).toMatchObject({ status: "failed", attempts: 7, next_attempt_at: null, response_status: 500 });
    expect(step.webhook).toMatchObject({ failures: 1, failing_since: 0, disabled_reason: null });
  });

  it("that is taken is delivered, and its webhook is healthy again", () => {
    const sick = { ...webhook, failures: 99, failing_since: 1, disabled_reason: "Disabled" };
    const step = afterAttempt({ delivery, webhook: sick }, TAKEN, 7);
    expect(step.delivery).toMatchObject({ status: "delivered", attempts: 1, error: null, last_attempt_at: 7 });
    expect(step.webhook).toEqual(webhook);
    expect(step.retryInSeconds).toBeNull();
  });
});

describe("a webhook", () => {
  it("that has failed for five days is disabled and says so", () => {
    const failing = { ...webhook, failing_since: DAY_MS };
    const before = afterAttempt({ delivery, webhook: failing }, REFUSED, 6 * DAY_MS - 1);
    expect(before.webhook.disabled_reason).toBeNull();
    const after = afterAttempt({ delivery, webhook: failing }, REFUSED, 6 * DAY_MS);
    expect(after.webhook.disabled_reason).toContain("has failed since 1970-01-02");
    expect(after).toMatchObject({ delivery: { status: "failed" }, retryInSeconds: null });
  });

  it("of which a hundred deliveries in a row have failed is disabled and says so", () => {
    let current = webhook;
    for (let count = 1; count <= WEBHOOKS.disabledAfterFailures; count++) {
      expect(current.disabled_reason).toBeNull();
      const last = { ...delivery, tries: WEBHOOKS.backOffSeconds.length };
      current = afterAttempt({ delivery: last, webhook: current }, REFUSED, count).webhook;
    }
    expect(current.disabled_reason).toContain("100 deliveries in a row have failed");
  });

  it("that answers 410 Gone is disabled at once", () => {
    const step = afterAttempt({ delivery, webhook }, GONE, 1);
    expect(step.webhook.disabled_reason).toContain("410 Gone");
    expect(step).toMatchObject({ delivery: { status: "failed" }, retryInSeconds: null });
  });

  it("has a next attempt for each pending delivery and for no other, whatever its answers", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(TAKEN, REFUSED, GONE), fc.nat(2 * DAY_MS))), (attempts) => {
        let step: DeliveryStep = { delivery, webhook, retryInSeconds: null };
        let now = 0;
        for (const [attempt, later] of attempts) {
          if (step.delivery.status !== "pending") {
            break;
          }
          now += later;
          step = afterAttempt(step, attempt, now);
          const isPending = step.delivery.status === "pending";
          expect(step.retryInSeconds !== null).toBe(isPending);
          expect(step.delivery.next_attempt_at !== null).toBe(isPending);
          expect(step.webhook.disabled_reason === null || !isPending).toBe(true);
          expect(step.webhook.failing_since === null).toBe(step.delivery.status === "delivered");
        }
      }),
    );
  });
});
