// The consumer of the queue of deliveries: asks the account what to send, sends it, and tells how that went. Nothing of an
// answer is kept but its status. Must not happen: a webhook that reaches this machine or its network.
import { WEBHOOKS } from "../contract/limits.ts";
import { allowsPrivateWebhooks } from "../env.ts";
import type { Env } from "../env.ts";
import { describe, logError } from "../lib/log.ts";
import type { Attempt, Claim, DeliveryMessage } from "./events-rpc.ts";
import { accountOf } from "./rpc.ts";
import { checkWebhookUrl } from "./webhook-address.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** When the account could not be asked. */
const ASK_AGAIN_SECONDS = 30;
/** The most that the queue can hold a message back for. */
const DELAY_SECONDS_MAX = 43_200;

/** Each message is settled by itself: one that fails holds up no other. */
export async function deliver(batch: MessageBatch<DeliveryMessage>, env: Env): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const delaySeconds = await deliverOne(message.body, env);
      if (delaySeconds === null) {
        message.ack();
      } else {
        message.retry({ delaySeconds: Math.min(delaySeconds, DELAY_SECONDS_MAX) });
      }
    }),
  );
}

/** When to come back, in seconds; null: never. */
async function deliverOne(message: DeliveryMessage, env: Env): Promise<number | null> {
  try {
    const account = accountOf(env, message.accountId);
    const claim = await account.claimDelivery(message);
    switch (claim.kind) {
      case "done":
        return null;
      case "later":
        return claim.seconds;
      case "send":
        break;
    }
    return (await account.settleDelivery(message, await attempt(claim, env))).retryInSeconds;
  } catch (error) {
    logError("delivery_not_settled", { ...message, reason: describe(error) });
    return ASK_AGAIN_SECONDS;
  }
}

async function attempt({ url, secret, eventId, body }: Claim & { readonly kind: "send" }, env: Env): Promise<Attempt> {
  const startedAt = Date.now();
  const durationMs = (): number => Math.max(0, Date.now() - startedAt);
  // Once more, since the operator may allow less by now than when the webhook was made.
  const checked = checkWebhookUrl(url, { allowPrivate: allowsPrivateWebhooks(env) });
  if (!checked.ok) {
    return { responseStatus: null, durationMs: 0, error: checked.error.message };
  }
  try {
    const headers = await signatureHeaders(secret, { id: eventId, at: startedAt, body });
    const response = await (env.WEBHOOK_EGRESS ?? globalThis).fetch(checked.value, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "buntime-webhooks/1", ...headers },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(WEBHOOKS.attemptMs),
    });
    await response.body?.cancel();
    return {
      responseStatus: response.status,
      durationMs: durationMs(),
      error: response.ok ? null : refusalText(response.status),
    };
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    const why = late ? `it did not answer within ${WEBHOOKS.attemptMs / 1000} s` : "it could not be reached";
    return { responseStatus: null, durationMs: durationMs(), error: why };
  }
}

function refusalText(status: number): string {
  return status >= 300 && status < 400
    ? `it answered ${status}: redirects are not followed, change the webhook's url`
    : `it answered ${status}`;
}
