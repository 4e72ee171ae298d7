import {
  createExecutionContext,
  createMessageBatch,
  env,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { Webhook as Verifier } from "standardwebhooks";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { deliver } from "../../src/account/delivery.ts";
import { accountOf } from "../../src/account/rpc.ts";
import type { Delivery, EventType, Webhook } from "../../src/contract/events.ts";
import { DeliveryList, Event, NewWebhook, WebhookList } from "../../src/contract/events.ts";
import { newId } from "../../src/contract/ids.ts";
import { WEBHOOKS } from "../../src/contract/limits.ts";
import type { ReceivedWebhook } from "../support/received-webhook.ts";
import { ask, expectProblem, until } from "./client.ts";

const receiver = inject("receiverUrl");
const object = () => env.ACCOUNT.getByName("default");

/** A webhook of a test's own, with the name under which the receiver keeps what comes. */
async function newWebhook(
  path: (name: string) => string = (name) => `/hook/${name}`,
  types: readonly EventType[] = ["session.lost"],
): Promise<NewWebhook & { readonly name: string }> {
  const name = crypto.randomUUID();
  const response = await ask("POST", "/webhooks", { body: { url: receiver + path(name), types } });
  expect(response.status, await response.clone().text()).toBe(201);
  const webhook = NewWebhook.parse(await response.json());
  onTestFinished(async () => {
    await ask("DELETE", `/webhooks/${webhook.id}`);
  });
  return { ...webhook, name };
}

async function emit(type: EventType = "session.lost"): Promise<string> {
  const id = newId("evt");
  const event = { id, type, at: Date.now(), sessionId: "ses_00000000000000000000", data: { reason: "ünïcode" } };
  await accountOf(env, "default").emit([event]);
  return id;
}

async function received(name: string): Promise<readonly ReceivedWebhook[]> {
  return (await fetch(`${receiver}/received/${name}`)).json();
}

async function deliveries(webhookId: string): Promise<Delivery[]> {
  const response = await ask("GET", `/webhooks/${webhookId}/deliveries`);
  return DeliveryList.parse(await response.json()).deliveries;
}

/** The only delivery of a webhook, once it is as it should be. */
async function delivery(webhookId: string, wanted: (delivery: Delivery) => boolean): Promise<Delivery> {
  let last: Delivery | undefined;
  await until("the delivery is as it should be", async () => {
    const all = await deliveries(webhookId);
    expect(all.length).toBeLessThanOrEqual(1);
    last = all[0];
    return last !== undefined && wanted(last);
  });
  // SAFETY: `until` has seen it.
  return last as Delivery;
}

const isDelivered = ({ status }: Delivery): boolean => status === "delivered";
const replay = (webhookId: string, deliveryId: string): Promise<Response> =>
  ask("POST", `/webhooks/${webhookId}/deliveries/${deliveryId}/replay`);

/** Brings a message to the consumer as the queue would; gives whether it may forget it. */
async function bring(body: { deliveryId: string; round: number }): Promise<boolean> {
  const message = { id: "m", timestamp: new Date(), attempts: 1, body: { accountId: "default", ...body } };
  const batch = createMessageBatch<typeof message.body>("buntime-events", [message]);
  await deliver(batch, env);
  const { explicitAcks } = await getQueueResult(batch, createExecutionContext());
  return explicitAcks.includes("m");
}

describe("a webhook", () => {
  it("gets an event once, signed as the specification says", async () => {
    const { id, name, secret } = await newWebhook();
    const eventId = await emit();
    const logged = await delivery(id, isDelivered);
    expect(logged).toMatchObject({ webhookId: id, eventId, attempts: 1, responseStatus: 204, error: null });

    const [came, ...more] = await received(name);
    expect(more).toEqual([]);
    expect(came?.headers).toMatchObject({ "webhook-id": eventId, "content-type": "application/json" });
    const told = Event.parse(new Verifier(secret).verify(came?.body ?? "", { ...came?.headers }));
    expect(told).toMatchObject({ id: eventId, type: "session.lost", data: { reason: "ünïcode" } });
    const other = new Verifier("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    expect(() => other.verify(came?.body ?? "", { ...came?.headers })).toThrow("No matching signature");
    expect(() => new Verifier(secret).verify(`${came?.body} `, { ...came?.headers })).toThrow("No matching signature");
  });

  it("gets the types that it asked for, and shows its secret only once", async () => {
    const { id, name, secret } = await newWebhook(undefined, ["session.woken", "budget.exceeded"]);
    await emit("session.lost");
    await emit("budget.exceeded");
    await delivery(id, isDelivered);
    expect((await received(name)).map(({ body }) => Event.parse(JSON.parse(body)).type)).toEqual(["budget.exceeded"]);
    const text = await (await ask("GET", "/webhooks")).text();
    expect(text).not.toContain(secret);
    const listed = WebhookList.parse(JSON.parse(text)).webhooks.find((webhook) => webhook.id === id);
    expect(listed).toMatchObject({ enabled: true, disabledReason: null, types: ["session.woken", "budget.exceeded"] });
  });

  it("that answers 500 gets the same event again, with the same id and a signature of its own", async () => {
    const { id, name, secret } = await newWebhook((hook) => `/hook/${hook}?fail=1`);
    const eventId = await emit();
    const waiting = await delivery(id, ({ attempts }) => attempts === 1);
    expect(waiting).toMatchObject({ status: "pending", responseStatus: 500, error: "it answered 500" });
    expect(Date.parse(waiting.nextAttemptAt ?? "") - Date.parse(waiting.lastAttemptAt ?? "")).toBe(5000);

    expect(await delivery(id, isDelivered)).toMatchObject({ attempts: 2, responseStatus: 204, nextAttemptAt: null });
    const came = await received(name);
    expect(came.map(({ status }) => status)).toEqual([500, 204]);
    for (const { headers, body } of came) {
      expect(headers["webhook-id"]).toBe(eventId);
      new Verifier(secret).verify(body, { ...headers });
    }
  });

  it("that redirects is not followed", async () => {
    const { id, name } = await newWebhook((hook) => `/moved/${hook}`);
    await emit();
    const failed = await delivery(id, ({ attempts }) => attempts === 1);
    expect(failed).toMatchObject({ status: "pending", responseStatus: 302 });
    expect(failed.error).toContain("redirects are not followed");
    expect(await received(name)).toEqual([]);
  });

  it("that cannot be reached has its deliveries pending, with the reason", async () => {
    const response = await ask("POST", "/webhooks", { body: { url: "http://127.0.0.1:1/", types: ["session.lost"] } });
    const { id } = NewWebhook.parse(await response.json());
    onTestFinished(async () => {
      await ask("DELETE", `/webhooks/${id}`);
    });
    await emit();
    const failed = await delivery(id, ({ attempts }) => attempts === 1);
    expect(failed).toMatchObject({ status: "pending", responseStatus: null, error: "it could not be reached" });
  });

  it("gets an event again when it is replayed, with the same id, and that is still one delivery", async () => {
    const { id, name } = await newWebhook();
    const eventId = await emit();
    const first = await delivery(id, isDelivered);
    expect((await replay(id, first.id)).status).toBe(200);
    await delivery(id, ({ status, attempts }) => status === "delivered" && attempts === 2);
    expect((await received(name)).map(({ headers }) => headers["webhook-id"])).toEqual([eventId, eventId]);
  });

  it("that answers 410 is disabled and says so, gets nothing more, and is enabled by a replay that succeeds", async () => {
    const { id, name } = await newWebhook((hook) => `/hook/${hook}?fail=1&status=410`);
    await emit();
    const failed = await delivery(id, ({ status }) => status === "failed");
    const find = async (): Promise<Webhook | undefined> =>
      WebhookList.parse(await (await ask("GET", "/webhooks")).json()).webhooks.find((webhook) => webhook.id === id);
    expect(await find()).toMatchObject({ enabled: false });
    expect((await find())?.disabledReason).toContain("410 Gone");
    await emit();
    expect(await deliveries(id)).toHaveLength(1);

    await replay(id, failed.id);
    await delivery(id, isDelivered);
    expect(await find()).toMatchObject({ enabled: true, disabledReason: null, failingSince: null });
    expect(await received(name)).toHaveLength(2);
  });

  it("gets an event once although the queue brings its message again", async () => {
    const { id, name } = await newWebhook();
    await emit();
    const { id: deliveryId } = await delivery(id, isDelivered);
    expect(await bring({ deliveryId, round: 0 })).toBe(true);
    expect(await bring({ deliveryId: newId("dlv"), round: 0 })).toBe(true);
    expect(await received(name)).toHaveLength(1);
  });

  it("gets an event although the queue has lost its message", async () => {
    const { id, name } = await newWebhook((hook) => `/hook/${hook}?fail=1`);
    await emit();
    const { id: deliveryId } = await delivery(id, ({ attempts }) => attempts === 1);
    // In a later round, what the queue still holds is void; and its time was long ago.
    await runInDurableObject(object(), (_account, { storage }) => {
      storage.sql.exec("UPDATE delivery SET round = 5, next_attempt_at = 0 WHERE id = ?", deliveryId);
    });
    expect(await bring({ deliveryId, round: 0 })).toBe(true);
    expect(await received(name)).toHaveLength(1);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    await delivery(id, isDelivered);
    expect((await received(name)).map(({ status }) => status)).toEqual([500, 204]);
  });

  it("that was deleted gets nothing more, and has no deliveries", async () => {
    const { id, name } = await newWebhook((hook) => `/hook/${hook}?fail=1`);
    await emit();
    const { id: deliveryId } = await delivery(id, ({ attempts }) => attempts === 1);
    expect(await (await ask("DELETE", `/webhooks/${id}`)).json()).toEqual({ deleted: true, id });
    expect(await bring({ deliveryId, round: 0 })).toBe(true);
    expect(await received(name)).toHaveLength(1);
    await expectProblem(await ask("GET", `/webhooks/${id}/deliveries`), "not_found");
    await expectProblem(await ask("DELETE", `/webhooks/${id}`), "not_found");
    await expectProblem(await replay(id, deliveryId), "not_found");
  });

  it("is refused where it is no URL, or is one too many", async () => {
    for (const url of ["", "nonsense", "ftp://example.com/", "http://user:secret@127.0.0.1/"]) {
      await expectProblem(await ask("POST", "/webhooks", { body: { url } }), "invalid_request");
    }
    await expectProblem(
      await ask("POST", "/webhooks", { body: { url: receiver, types: ["nonsense"] } }),
      "invalid_request",
    );
    const { total } = WebhookList.parse(await (await ask("GET", "/webhooks")).json());
    for (let count = total; count < WEBHOOKS.most; count++) {
      await newWebhook();
    }
    await expectProblem(await ask("POST", "/webhooks", { body: { url: receiver } }), "conflict");
  });

  it("and what was sent to it are another account's business to nobody", async () => {
    const { id } = await newWebhook();
    await emit();
    const { id: deliveryId } = await delivery(id, isDelivered);
    const created = await ask("POST", "/admin/accounts", {
      body: { name: "stranger" },
      headers: { authorization: "Bearer admin_worker_tests_only" },
    });
    const { key } = await created.json<{ key: string }>();
    const headers = { authorization: `Bearer ${key}` };
    expect(await (await ask("GET", "/webhooks", { headers })).json()).toEqual({ webhooks: [], total: 0 });
    await expectProblem(await ask("GET", `/webhooks/${id}/deliveries`, { headers }), "not_found");
    await expectProblem(await ask("DELETE", `/webhooks/${id}`, { headers }), "not_found");
    await expectProblem(await ask("POST", `/webhooks/${id}/deliveries/${deliveryId}/replay`, { headers }), "not_found");
  });
});
