// Events of an account, and the webhooks that they are sent to.
import * as z from "zod";
import { EVENT_TYPES } from "./event-types.ts";
import { DELIVERY_ID, EVENT_ID, WEBHOOK_ID } from "./ids.ts";
import { EVENTS, WEBHOOKS } from "./limits.ts";
import { IsoTime, Paging } from "./primitives.ts";

export const EventType = z.enum(EVENT_TYPES);
export type EventType = z.infer<typeof EventType>;

const EventId = z
  .string()
  .regex(EVENT_ID, "is not an event id")
  .meta({ description: "`evt_` and 20 characters of 0-9a-z", examples: ["evt_4k2m9x7q1w8e3r5t6y0u"] });
export const WebhookId = z
  .string()
  .regex(WEBHOOK_ID, "is not a webhook id")
  .meta({ description: "`whk_` and 20 characters of 0-9a-z", examples: ["whk_4k2m9x7q1w8e3r5t6y0u"] });
export const DeliveryId = z
  .string()
  .regex(DELIVERY_ID, "is not a delivery id")
  .meta({ description: "`dlv_` and 20 characters of 0-9a-z", examples: ["dlv_4k2m9x7q1w8e3r5t6y0u"] });

export const Event = z
  .object({
    id: EventId.meta({ description: "The same however often it is sent; a webhook carries it as `webhook-id`, too" }),
    type: EventType,
    at: IsoTime,
    sessionId: z.string().nullable(),
    data: z.record(z.string(), z.json()),
  })
  .meta({ id: "Event", description: "The body of a webhook, and the data of a server-sent event" });
export type Event = z.infer<typeof Event>;

const Types = z
  .array(EventType)
  .min(1)
  .max(EVENT_TYPES.length)
  .refine((types) => new Set(types).size === types.length, "has a type twice");

const isEventType = (type: string): type is EventType => (EVENT_TYPES as readonly string[]).includes(type);

export const EventQuery = z.object({
  after: EventId.optional().meta({
    description:
      "Begin after this event; one that is not kept any longer: with all that are. Absent: with the next one",
  }),
  types: z
    .string()
    .optional()
    .transform((text, context): EventType[] | null => {
      if (text === undefined) {
        return null;
      }
      const types = text.split(",");
      const known = types.filter(isEventType);
      if (known.length !== types.length) {
        context.issues.push({ code: "custom", message: `is not a list of ${EVENT_TYPES.join(", ")}`, input: text });
      }
      return known;
    })
    .meta({ override: { type: "string" }, description: "Separated by commas. Absent: all" }),
});

export const Webhook = z
  .object({
    id: WebhookId,
    url: z.url(),
    types: z.array(EventType).nullable().meta({ description: "null: all" }),
    enabled: z.boolean(),
    disabledReason: z.string().nullable(),
    createdAt: IsoTime,
    failingSince: IsoTime.nullable().meta({ description: "The first failure since the last success" }),
  })
  .meta({ id: "Webhook" });
export type Webhook = z.infer<typeof Webhook>;

export const NewWebhook = Webhook.extend({
  secret: z.string().meta({
    description:
      "`whsec_` and base64: verify deliveries with it as standardwebhooks.com says. Shown in this answer only",
  }),
}).meta({ id: "NewWebhook" });
export type NewWebhook = z.infer<typeof NewWebhook>;

export const CreateWebhook = z
  .strictObject({
    url: z
      .string()
      .max(WEBHOOKS.urlCharacters)
      .meta({ description: "https, and a public host", examples: ["https://example.com/hooks/buntime"] }),
    types: Types.optional().meta({ description: "Absent: all" }),
  })
  .meta({ id: "CreateWebhook", description: `An account has at most ${WEBHOOKS.most} webhooks` });
export type CreateWebhook = z.infer<typeof CreateWebhook>;

export const WebhookList = z.object({ webhooks: z.array(Webhook), total: z.int() }).meta({ id: "WebhookList" });
export type WebhookList = z.infer<typeof WebhookList>;
export const WebhookDeleted = z.object({ deleted: z.literal(true), id: WebhookId });

export const Delivery = z
  .object({
    id: DeliveryId,
    webhookId: WebhookId,
    eventId: EventId,
    type: EventType,
    status: z.enum(["pending", "delivered", "failed"]),
    attempts: z.int().nonnegative(),
    responseStatus: z.int().nullable().meta({ description: "Of the last attempt; null: there was no answer" }),
    durationMs: z.int().nonnegative().nullable().meta({ description: "Of the last attempt" }),
    error: z.string().nullable().meta({ description: "Why the last attempt failed" }),
    createdAt: IsoTime,
    lastAttemptAt: IsoTime.nullable(),
    nextAttemptAt: IsoTime.nullable().meta({ description: "null unless pending" }),
  })
  .meta({ id: "Delivery", description: "One event on its way to one webhook" });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryQuery = Paging;
export const DeliveryList = z
  .object({ deliveries: z.array(Delivery), total: z.int() })
  .meta({ id: "DeliveryList", description: `Newest first; the account's newest ${EVENTS.deliveriesKept} are kept` });
export type DeliveryList = z.infer<typeof DeliveryList>;
