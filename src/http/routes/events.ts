// Events of an account, and its webhooks.
import type { FollowOptions } from "../../account/events-rpc.ts";
import { accountOf } from "../../account/rpc.ts";
import { EVENT_ID } from "../../contract/ids.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Handlers } from "../bind.ts";

export const eventHandlers = {
  async followEvents({ env, principal, request }, { query }) {
    const last = request.headers.get("last-event-id");
    if (last !== null && !EVENT_ID.test(last)) {
      return fail(
        "invalid_request",
        "The Last-Event-ID header is not an event id. Send the last one that you were given.",
      );
    }
    // What a client reconnects with is newer than the address that it began with.
    const after = last ?? query.after ?? null;
    const { keyId, expiresAt } = principal;
    const options: FollowOptions = { after, types: query.types, keyId, expiresAt };
    const body = JSON.stringify(options);
    return accountOf(env, principal.accountId).fetch(new Request("http://account/", { method: "POST", body }));
  },

  createWebhook: ({ env, principal }, { body }) => accountOf(env, principal.accountId).createWebhook(body),

  async listWebhooks({ env, principal }) {
    return ok(await accountOf(env, principal.accountId).listWebhooks());
  },

  deleteWebhook: ({ env, principal }, { params }) =>
    accountOf(env, principal.accountId).deleteWebhook(params.webhookId),

  listDeliveries: ({ env, principal }, { params, query }) =>
    accountOf(env, principal.accountId).listDeliveries(params.webhookId, query),

  replayDelivery: ({ env, principal }, { params }) =>
    accountOf(env, principal.accountId).replayDelivery(params.webhookId, params.deliveryId),
} satisfies Partial<Handlers>;
