// Webhooks of the account, and what was sent to them. The scope `admin` is needed.
import type { CreateWebhook, Delivery, DeliveryList, NewWebhook, WebhookDeleted, WebhookList } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface OfWebhook {
  readonly webhookId: string;
}

export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** `secret`, which verifies deliveries, is in this answer only. */
  create(input: CreateWebhook, options?: RequestOptions): Promise<NewWebhook> {
    return this.#transport.json({ method: "POST", path: "/webhooks", json: input, options });
  }

  /** Oldest first. */
  list(_input: Readonly<Record<string, never>> = {}, options?: RequestOptions): Promise<WebhookList> {
    return this.#transport.json({ method: "GET", path: "/webhooks", options });
  }

  /** Deletes it with its deliveries. */
  delete({ webhookId }: OfWebhook, options?: RequestOptions): Promise<WebhookDeleted> {
    const gone: WebhookDeleted = { deleted: true, id: webhookId };
    return this.#transport.json({ method: "DELETE", path: pathOfWebhook(webhookId), gone, options });
  }

  /** Newest first. */
  deliveries({ webhookId, limit, offset }: OfWebhook & Paging, options?: RequestOptions): Promise<DeliveryList> {
    const path = `${pathOfWebhook(webhookId)}/deliveries`;
    return this.#transport.json({ method: "GET", path, query: { limit, offset }, options });
  }

  /** Sends a delivery again. */
  replay(
    { webhookId, deliveryId }: OfWebhook & { readonly deliveryId: string },
    options?: RequestOptions,
  ): Promise<Delivery> {
    const path = `${pathOfWebhook(webhookId)}/deliveries/${encodeURIComponent(deliveryId)}/replay`;
    return this.#transport.json({ method: "POST", path, options });
  }
}

function pathOfWebhook(webhookId: string): string {
  return `/webhooks/${encodeURIComponent(webhookId)}`;
}
