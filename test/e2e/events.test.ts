// Events as a client meets them: followed over HTTP, and sent to a server of its own.
import { request } from "node:http";
import { Webhook as Verifier } from "standardwebhooks";
import { describe, expect, onTestFinished, test } from "vitest";
import { DeliveryList, Event, NewWebhook } from "../../src/contract/events.ts";
import { EVENTS } from "../../src/contract/limits.ts";
import { events } from "../../scripts/client.ts";
import type { Client } from "../../scripts/client.ts";
import { newSession, platformOfRun, problem } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import { until } from "../support/until.ts";
import { startReceiver } from "../support/webhook-receiver.ts";

const client = platformOfRun();

/** Resolves when the account has begun to tell; gives the next events of one session. Closed with the test. */
async function follow(sessionId: string, query = ""): Promise<(count: number) => Promise<Event[]>> {
  const gone = new AbortController();
  onTestFinished(() => gone.abort());
  const response = await client.request("GET", `/events${query}`, { signal: gone.signal });
  expect(response.status).toBe(200);
  const stream = events(response);
  return async (count) => {
    const found: Event[] = [];
    while (found.length < count) {
      const { value, done } = await stream.next();
      if (done === true) throw new Error("the stream has ended");
      const told = Event.parse(JSON.parse(value.data));
      expect(value).toMatchObject({ event: told.type, id: told.id });
      if (told.sessionId === sessionId) found.push(told);
    }
    return found;
  };
}

/** A stream of events whose connection is cut by the client; resolves with its status once the answer has begun. */
function connect(to: Client): Promise<{ status: number | undefined; cut(): void }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${to.apiKey}` };
    const sent = request(new URL("/api/events", to.url), { headers }, (answer) => {
      answer.once("data", () => resolve({ status: answer.statusCode, cut: () => void sent.destroy() }));
      answer.on("error", () => {});
    });
    sent.on("error", reject).end();
  });
}

describe("GET /events", () => {
  test("tells what happens to a session, and goes on where a client had left", async () => {
    const { id } = await newSession(client);
    const following = await follow(id);
    const { executionId } = await client.execute({ sessionId: id, command: "exit 5" });
    const [completed] = await following(1);
    expect(completed).toMatchObject({
      type: "execution.completed",
      data: { executionId, outcome: "exited", exitCode: 5 },
    });
    await client.execute({ sessionId: id, command: "exit 6" });
    await client.request("DELETE", `/sessions/${id}`);
    const resumed = await follow(id, `?after=${completed?.id}`);
    const told = await resumed(2);
    expect(told.map(({ type, data }) => [type, data["exitCode"]])).toEqual([
      ["execution.completed", 6],
      ["session.deleted", undefined],
    ]);
    expect(await following(2)).toEqual(told);
  });

  test(`is open ${EVENTS.streams} times at the most, and once more when a client has gone`, async () => {
    const platform = await startTestPlatform();
    onTestFinished(() => platform.stop());
    const open = await Promise.all(Array.from({ length: EVENTS.streams }, () => connect(platform.client)));
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200));
    expect(await problem(platform.client, "GET", "/events")).toMatchObject({ code: "rate_limit_exceeded" });
    open[0]?.cut();
    const another = await until("there is a place", async () => {
      const one = await connect(platform.client);
      return one.status === 200 ? one : null;
    });
    for (const stream of [...open, another]) stream.cut();
  });
});

describe("a webhook", () => {
  test("of a platform that allows it goes to a server on this machine, signed, and again until it is taken", async () => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver.stop());
    const platform = await startTestPlatform({ env: { WEBHOOKS_ALLOW_PRIVATE: "true" } });
    onTestFinished(() => platform.stop());
    const types = ["session.created", "execution.completed"];
    const { id, secret } = await platform.client.ask(NewWebhook, "POST", "/webhooks", {
      url: `${receiver.url}/hook/e2e?fail=1`,
      types,
    });
    const session = await platform.client.createSession();
    await platform.client.execute({ sessionId: session.id, command: "true" });
    const taken = (): boolean => receiver.received("e2e").filter(({ status }) => status === 204).length === 2;
    // The second attempt comes after five seconds.
    await until("both were taken", taken, { deadlineMs: 30_000 });

    const came = receiver.received("e2e").map(({ headers, body, status }) => {
      const { id, type } = Event.parse(new Verifier(secret).verify(body, { ...headers }));
      return { id, type, status };
    });
    expect(came).toHaveLength(3);
    expect(new Set(came.map((event) => event.id)).size).toBe(2);
    expect(new Set(came.filter(({ status }) => status === 204).map(({ type }) => type))).toEqual(new Set(types));
    await until("both are logged as delivered", async () => {
      const logged = await platform.client.ask(DeliveryList, "GET", `/webhooks/${id}/deliveries`);
      expect(logged.total).toBe(2);
      return logged.deliveries.every(({ status }) => status === "delivered");
    });
  });

  test.each(["http://127.0.0.1:8787/", "https://127.1/", "https://localhost/", "https://[::ffff:10.0.0.1]/"])(
    "never goes to %s",
    async (url) => {
      expect(await problem(client, "POST", "/webhooks", { json: { url } })).toMatchObject({ code: "invalid_request" });
    },
  );
});
