// Events of an account: followed as a stream, or sent to webhooks.
import * as z from "zod";
import {
  CreateWebhook,
  Delivery,
  DeliveryId,
  DeliveryList,
  DeliveryQuery,
  EventQuery,
  NewWebhook,
  WebhookDeleted,
  WebhookId,
  WebhookList,
} from "../events.ts";
import { route } from "../route.ts";

const OfWebhook = z.object({ webhookId: WebhookId });

export const EVENT_ROUTES = {
  followEvents: route({
    method: "get",
    path: "/events",
    tag: "Events",
    scope: "sessions:read",
    summary: "Follow the account's events as server-sent events. `after`, or `Last-Event-ID`, resumes",
    query: EventQuery,
    answers: { 200: { bytes: "text/event-stream" } },
    errors: [],
  }),
  createWebhook: route({
    method: "post",
    path: "/webhooks",
    tag: "Events",
    scope: "admin",
    summary: "Have events sent to a URL, signed as in the Standard Webhooks specification",
    body: CreateWebhook,
    answers: { 201: { json: NewWebhook } },
    errors: ["conflict", "payload_too_large"],
  }),
  listWebhooks: route({
    method: "get",
    path: "/webhooks",
    tag: "Events",
    scope: "admin",
    summary: "List webhooks, oldest first",
    answers: { 200: { json: WebhookList } },
    errors: [],
  }),
  deleteWebhook: route({
    method: "delete",
    path: "/webhooks/{webhookId}",
    tag: "Events",
    scope: "admin",
    summary: "Delete a webhook with its deliveries. What is on its way to it is not sent again",
    params: OfWebhook,
    answers: { 200: { json: WebhookDeleted } },
    errors: ["not_found"],
  }),
  listDeliveries: route({
    method: "get",
    path: "/webhooks/{webhookId}/deliveries",
    tag: "Events",
    scope: "admin",
    summary: "List what was sent to a webhook, newest first",
    params: OfWebhook,
    query: DeliveryQuery,
    answers: { 200: { json: DeliveryList } },
    errors: ["not_found"],
  }),
  replayDelivery: route({
    method: "post",
    path: "/webhooks/{webhookId}/deliveries/{deliveryId}/replay",
    tag: "Events",
    scope: "admin",
    summary: "Send a delivery again, with the same `webhook-id`. Success enables a webhook that was disabled",
    params: OfWebhook.extend({ deliveryId: DeliveryId }),
    answers: { 200: { json: Delivery } },
    errors: ["not_found"],
  }),
} as const;
