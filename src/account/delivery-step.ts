// What an attempt means for a delivery and its webhook: (both, the attempt, now) → both, and when to try again. Pure.
import { WEBHOOKS } from "../contract/limits.ts";
import type { Attempt } from "./events-rpc.ts";
import type { DeliveryRow, WebhookRow } from "./webhook-rows.ts";

export interface DeliveryStep {
  readonly delivery: DeliveryRow;
  readonly webhook: WebhookRow;
  readonly retryInSeconds: number | null;
}

const GONE = 410;

export function afterAttempt(
  before: { readonly delivery: DeliveryRow; readonly webhook: WebhookRow },
  attempt: Attempt,
  now: number,
): DeliveryStep {
  const tries = before.delivery.tries + 1;
  const delivery: DeliveryRow = {
    ...before.delivery,
    attempts: before.delivery.attempts + 1,
    tries,
    response_status: attempt.responseStatus,
    duration_ms: attempt.durationMs,
    error: attempt.error,
    last_attempt_at: now,
    next_attempt_at: null,
  };
  if (attempt.error === null) {
    const webhook = { ...before.webhook, failing_since: null, failures: 0, disabled_reason: null };
    return { delivery: { ...delivery, status: "delivered" }, webhook, retryInSeconds: null };
  }
  const backOff = WEBHOOKS.backOffSeconds[tries - 1] ?? null;
  const isOver = backOff === null || attempt.responseStatus === GONE;
  const failing: WebhookRow = {
    ...before.webhook,
    failing_since: before.webhook.failing_since ?? now,
    failures: before.webhook.failures + (isOver ? 1 : 0),
  };
  const webhook = { ...failing, disabled_reason: failing.disabled_reason ?? disabledReason(failing, attempt, now) };
  return isOver || webhook.disabled_reason !== null
    ? { delivery: { ...delivery, status: "failed" }, webhook, retryInSeconds: null }
    : { delivery: { ...delivery, next_attempt_at: now + backOff * 1000 }, webhook, retryInSeconds: backOff };
}

/** Null while it goes on being tried. */
function disabledReason({ failing_since, failures }: WebhookRow, attempt: Attempt, now: number): string | null {
  const how = "Repair it and replay a delivery, which enables it, or delete it";
  if (attempt.responseStatus === GONE) {
    return `Disabled: it answered 410 Gone. ${how}.`;
  }
  if (failing_since !== null && now - failing_since >= WEBHOOKS.disabledAfterMs) {
    return `Disabled: it has failed since ${new Date(failing_since).toISOString()}. ${how}.`;
  }
  return failures >= WEBHOOKS.disabledAfterFailures
    ? `Disabled: ${failures} deliveries in a row have failed. ${how}.`
    : null;
}
