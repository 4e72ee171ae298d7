// What the rest of the Worker may ask of an account's events and webhooks.
import type {
  CreateWebhook,
  Delivery,
  DeliveryList,
  Event,
  EventType,
  NewWebhook,
  WebhookList,
} from "../contract/events.ts";
import type { Result } from "../lib/result.ts";

export interface EmittedEvent {
  /** Made where the event happened, so that it may be told twice and counts once. */
  readonly id: string;
  readonly type: EventType;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly sessionId: string | null;
  readonly data: Event["data"];
}

export interface FollowOptions {
  /** Id of an event. Null: from now on. */
  readonly after: string | null;
  /** Null: all. */
  readonly types: readonly EventType[] | null;
  /** With which it is followed, as long as that is good. */
  readonly keyId: string;
  /** Until when it is good, in milliseconds since the epoch; null: it does not expire. */
  readonly expiresAt: number | null;
}

/** The body of a message in the queue. */
export interface DeliveryMessage {
  readonly accountId: string;
  readonly deliveryId: string;
  /** A delivery that is replayed begins a new round: what is left in the queue of the one before is void. */
  readonly round: number;
}

export type Claim =
  /** `body` to `url`, signed; nobody else does it meanwhile. */
  | {
      readonly kind: "send";
      readonly url: string;
      readonly secret: string;
      readonly eventId: string;
      readonly body: string;
    }
  /** It is not due yet, or is being attempted elsewhere. */
  | { readonly kind: "later"; readonly seconds: number }
  /** Nothing is to be done any more. */
  | { readonly kind: "done" };

export interface Attempt {
  /** Null: there was no answer. */
  readonly responseStatus: number | null;
  readonly durationMs: number;
  /** Null: it was taken. */
  readonly error: string | null;
}

export interface EventsRpc {
  /** Keeps events in this order and has them sent. One whose id is known is passed over. */
  emit(events: readonly EmittedEvent[]): Promise<void>;
  /**
   * Server-sent events for FollowOptions as JSON, or a problem. `rate_limit_exceeded`: too many streams are open. By
   * `fetch`, because a stream that RPC returns is not told that its reader has left.
   */
  fetch(request: Request): Promise<Response>;
  createWebhook(request: CreateWebhook): Promise<Result<NewWebhook>>;
  listWebhooks(): Promise<WebhookList>;
  deleteWebhook(webhookId: string): Promise<Result<{ deleted: true; id: string }>>;
  listDeliveries(webhookId: string, paging: { limit: number; offset: number }): Promise<Result<DeliveryList>>;
  replayDelivery(webhookId: string, deliveryId: string): Promise<Result<Delivery>>;
  /** Asked by who has a message of the queue, before each attempt. */
  claimDelivery(message: DeliveryMessage): Promise<Claim>;
  /** How an attempt went. Gives when to try again, or null. */
  settleDelivery(message: DeliveryMessage, attempt: Attempt): Promise<{ readonly retryInSeconds: number | null }>;
}
