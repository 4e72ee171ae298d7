// An account's webhooks: who gets which event, what is on its way, and what became of it. The queue brings each delivery to
// delivery.ts, which asks here before an attempt and tells here how it went. The queue may lose a message, or bring it
// twice: a delivery that nobody attempted when it was due is sent into the queue anew.
import type { CreateWebhook, Delivery, DeliveryList, NewWebhook, Webhook, WebhookList } from "../contract/events.ts";
import { newId } from "../contract/ids.ts";
import { EVENTS, WEBHOOKS } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { afterAttempt } from "./delivery-step.ts";
import type { Attempt, Claim, DeliveryMessage } from "./events-rpc.ts";
import type { KeptEvent } from "./events-store.ts";
import { checkWebhookUrl } from "./webhook-address.ts";
import type { AddressRules } from "./webhook-address.ts";
import { newSecret } from "./webhook-signature.ts";
import type { DeliveryRow, WebhookRow } from "./webhook-rows.ts";
import type { WebhookStore } from "./webhooks-store.ts";

/** Within which an attempt has been settled, or was lost. */
const LEASE_MS = WEBHOOKS.attemptMs + 20_000;
/** What the queue may take beyond the time for which it was asked. */
const OVERDUE_MS = 60_000;
/** The queue's clock and this one may differ by so much. */
const EARLY_MS = 1000;
const SWEPT_AT_ONCE = 100;

export interface WebhookParts {
  readonly accountId: string;
  readonly rules: AddressRules;
  /** Into the queue, in the background. What it loses is found by `sweep`. */
  readonly send: (messages: readonly DeliveryMessage[]) => void;
  /** Have `sweep` called by then. */
  readonly wakeBy: (at: number) => void;
}

export class Webhooks {
  readonly #store: WebhookStore;
  readonly #parts: WebhookParts;
  /** Until when an attempt is being made, by delivery. In memory: what a crash leaves is attempted again. */
  readonly #leases = new Map<string, number>();

  constructor(store: WebhookStore, parts: WebhookParts) {
    this.#store = store;
    this.#parts = parts;
  }

  create({ url, types }: CreateWebhook): Result<NewWebhook> {
    const checked = checkWebhookUrl(url, this.#parts.rules);
    if (!checked.ok) {
      return checked;
    }
    if (this.#store.webhooks().length >= WEBHOOKS.most) {
      const message = `This account has ${WEBHOOKS.most} webhooks, which is the most. Delete one first.`;
      return fail("conflict", message, { webhooksMax: WEBHOOKS.most });
    }
    const row: WebhookRow = {
      id: newId("whk"),
      url: checked.value,
      types: types === undefined ? null : JSON.stringify(types),
      secret: newSecret(),
      created_at: Date.now(),
      failing_since: null,
      failures: 0,
      disabled_reason: null,
    };
    this.#store.addWebhook(row);
    return ok({ ...webhookView(row), secret: row.secret });
  }

  list(): WebhookList {
    const webhooks = this.#store.webhooks().map(webhookView);
    return { webhooks, total: webhooks.length };
  }

  remove(id: string): Result<{ deleted: true; id: string }> {
    return this.#store.removeWebhook(id) ? ok({ deleted: true, id }) : noWebhook(id);
  }

  deliveries(webhookId: string, paging: { limit: number; offset: number }): Result<DeliveryList> {
    if (this.#store.webhook(webhookId) === null) {
      return noWebhook(webhookId);
    }
    const deliveries = this.#store.deliveries(webhookId, paging).map(deliveryView);
    return ok({ deliveries, total: this.#store.countDeliveries(webhookId) });
  }

  replay(webhookId: string, deliveryId: string): Result<Delivery> {
    const row = this.#store.delivery(deliveryId);
    if (row === null || row.webhook_id !== webhookId) {
      return fail("not_found", `Webhook ${webhookId} has no delivery ${deliveryId}. The newest are kept; list them.`);
    }
    const pending: DeliveryRow = {
      ...row,
      status: "pending",
      tries: 0,
      round: row.round + 1,
      next_attempt_at: Date.now(),
    };
    this.#leases.delete(deliveryId);
    this.#store.saveDelivery(pending);
    this.#send([pending]);
    return ok(deliveryView(pending));
  }

  /** In the turn in which the events are stored. */
  dispatch(events: readonly KeptEvent[]): void {
    const webhooks = this.#store.webhooks().filter((webhook) => webhook.disabled_reason === null);
    if (webhooks.length === 0) {
      return;
    }
    const now = Date.now();
    const added: DeliveryRow[] = [];
    let pending = this.#store.countPending();
    for (const event of events) {
      for (const webhook of webhooks.filter(({ types }) => types === null || types.includes(`"${event.type}"`))) {
        const row = newDelivery(event, webhook.id, { at: now, refused: pending >= EVENTS.deliveriesPending });
        if (this.#store.addDelivery(row) && row.status === "pending") {
          pending++;
          added.push(row);
        }
      }
    }
    this.#send(added);
  }

  /** See EventsRpc. */
  claim({ deliveryId, round }: DeliveryMessage): Claim {
    const row = this.#store.delivery(deliveryId);
    const webhook = row === null ? null : this.#store.webhook(row.webhook_id);
    if (row === null || webhook === null || row.status !== "pending" || row.round !== round) {
      return { kind: "done" };
    }
    const now = Date.now();
    const waitMs = Math.max((this.#leases.get(deliveryId) ?? 0) - now, (row.next_attempt_at ?? 0) - now - EARLY_MS);
    if (waitMs > 0) {
      return { kind: "later", seconds: Math.ceil(waitMs / 1000) };
    }
    this.#leases.set(deliveryId, now + LEASE_MS);
    return { kind: "send", url: webhook.url, secret: webhook.secret, eventId: row.event_id, body: row.body };
  }

  /** See EventsRpc. */
  settle({ deliveryId, round }: DeliveryMessage, attempt: Attempt): { retryInSeconds: number | null } {
    const row = this.#store.delivery(deliveryId);
    const webhook = row === null ? null : this.#store.webhook(row.webhook_id);
    if (row === null || webhook === null || row.status !== "pending" || row.round !== round) {
      return { retryInSeconds: null };
    }
    this.#leases.delete(deliveryId);
    const step = afterAttempt({ delivery: row, webhook }, attempt, Date.now());
    this.#store.saveDelivery(step.delivery);
    this.#store.saveHealth(step.webhook);
    if (step.webhook.disabled_reason !== null) {
      this.#store.failPending(webhook.id, step.webhook.disabled_reason);
      return { retryInSeconds: null };
    }
    if (step.retryInSeconds !== null) {
      this.#parts.wakeBy(Date.now() + step.retryInSeconds * 1000 + OVERDUE_MS);
    }
    return { retryInSeconds: step.retryInSeconds };
  }

  /** Sends what is overdue into the queue anew; gives when to look again, or null. */
  sweep(now: number): number | null {
    const again: DeliveryRow[] = [];
    for (const row of this.#store.overdue(now - OVERDUE_MS, SWEPT_AT_ONCE)) {
      const next = { ...row, round: row.round + 1, next_attempt_at: now };
      this.#store.saveDelivery(next);
      again.push(next);
    }
    this.#send(again);
    const next = this.#store.nextAttempt();
    return next === null ? null : Math.max(next + OVERDUE_MS, now + EARLY_MS);
  }

  #send(rows: readonly DeliveryRow[]): void {
    if (rows.length > 0) {
      const { accountId } = this.#parts;
      this.#parts.send(rows.map(({ id, round }) => ({ accountId, deliveryId: id, round })));
      this.#parts.wakeBy(Date.now() + OVERDUE_MS);
    }
  }
}

function newDelivery(event: KeptEvent, webhookId: string, how: { at: number; refused: boolean }): DeliveryRow {
  return {
    id: newId("dlv"),
    webhook_id: webhookId,
    event_id: event.id,
    type: event.type,
    body: event.body,
    status: how.refused ? "failed" : "pending",
    round: 0,
    attempts: 0,
    tries: 0,
    response_status: null,
    duration_ms: null,
    error: how.refused
      ? `${EVENTS.deliveriesPending} deliveries of this account were waiting already; replay it`
      : null,
    created_at: how.at,
    last_attempt_at: null,
    next_attempt_at: how.refused ? null : how.at,
  };
}

function webhookView(row: WebhookRow): Webhook {
  return {
    id: row.id,
    url: row.url,
    // SAFETY: `create` wrote it.
    types: row.types === null ? null : (JSON.parse(row.types) as Webhook["types"]),
    enabled: row.disabled_reason === null,
    disabledReason: row.disabled_reason,
    createdAt: isoTime(row.created_at),
    failingSince: row.failing_since === null ? null : isoTime(row.failing_since),
  };
}

function deliveryView(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    responseStatus: row.response_status,
    durationMs: row.duration_ms,
    error: row.error,
    createdAt: isoTime(row.created_at),
    lastAttemptAt: row.last_attempt_at === null ? null : isoTime(row.last_attempt_at),
    nextAttemptAt: row.next_attempt_at === null ? null : isoTime(row.next_attempt_at),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function noWebhook(id: string): Result<never> {
  return fail("not_found", `There is no webhook ${id}. List the account's webhooks.`);
}
