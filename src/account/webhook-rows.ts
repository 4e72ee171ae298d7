// A webhook and a delivery, as they are stored. Times are in milliseconds since the epoch.
import type { Delivery, EventType } from "../contract/events.ts";

export type WebhookRow = {
  id: string;
  url: string;
  /** JSON; null: all. */
  types: string | null;
  secret: string;
  created_at: number;
  failing_since: number | null;
  /** Deliveries that failed since the last success. */
  failures: number;
  disabled_reason: string | null;
};

export type DeliveryRow = {
  id: string;
  webhook_id: string;
  event_id: string;
  type: EventType;
  body: string;
  status: Delivery["status"];
  round: number;
  /** Of all rounds. */
  attempts: number;
  /** Of this round. */
  tries: number;
  response_status: number | null;
  duration_ms: number | null;
  error: string | null;
  created_at: number;
  last_attempt_at: number | null;
  next_attempt_at: number | null;
};
