// Followers whose connection ends before a first event: what is written until they are back is not missed.
import { describe, expect, onTestFinished, test } from "vitest";
import { Memory } from "../../src/sdk/memory/index.ts";
import { platformOfRun } from "../support/e2e.ts";
import { ownSession, sdkOfRun } from "../support/sdk.ts";

const client = sdkOfRun();
const { url, apiKey } = platformOfRun();

type Cut = "breaks" | "ends";

/** As `fetch`, but a first stream ends once it is connected, and while nobody listens there is an event. */
function gapped(how: Cut, write: () => Promise<unknown>): typeof fetch {
  let first = true;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!first) return response;
    first = false;
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    await reader?.cancel();
    await write();
    const chunks = value === undefined ? [] : [value];
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (how === "ends") controller.close();
        else controller.error(new Error("cut"));
      },
    });
    return new Response(body, { headers: response.headers });
  };
}

function leaveWithTest(): AbortSignal {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  return leave.signal;
}

describe.each<Cut>(["breaks", "ends"])("where a connection %s before a first event, nothing is missed", (how) => {
  test("of a history", async () => {
    const { id: sessionId } = await ownSession(client, { container: "on-demand" });
    const { history } = new Memory({ apiKey, baseUrl: `${url.origin}/api` });
    const fetch = gapped(how, () => history.append({ sessionId, events: [{ payload: "in the gap" }] }));
    const unsteady = new Memory({ apiKey, baseUrl: `${url.origin}/api`, retryDelay: 5, fetch });
    const events = unsteady.history.follow({ sessionId }, { signal: leaveWithTest() });
    expect((await events.next()).value).toMatchObject({ payload: "in the gap", eventIndex: 2 });
  });

  test("of an account's events", async () => {
    const fetch = gapped(how, () => ownSession(client, { container: "on-demand", name: `gap-${how}-${Date.now()}` }));
    const unsteady = sdkOfRun({ fetch });
    const events = unsteady.events.follow({ types: ["session.created"] }, { signal: leaveWithTest() });
    expect((await events.next()).value).toMatchObject({ type: "session.created" });
  });
});

test("who follows a thread that is deleted and begun anew misses none of the new one", async () => {
  const { id: sessionId } = await ownSession(client, { container: "on-demand" });
  const { history } = new Memory({ apiKey, baseUrl: `${url.origin}/api` });
  const of = { sessionId, thread: "t" };
  await history.append({ ...of, events: [{ payload: 1 }, { payload: 2 }] });
  const ended = Promise.withResolvers<void>();
  let asked = 0;
  const unsteady = new Memory({
    apiKey,
    baseUrl: `${url.origin}/api`,
    retryDelay: 5,
    async fetch(input, init) {
      asked += 1;
      if (asked > 1) await ended.promise;
      const response = await fetch(input, init);
      if (asked === 1) {
        await history.threads.delete({ sessionId, threadId: "t" });
        await history.append({ ...of, events: [{ payload: "anew" }] });
        ended.resolve();
      }
      return response;
    },
  });
  const events = unsteady.history.follow(of, { signal: leaveWithTest() });
  expect((await events.next()).value).toMatchObject({ payload: "anew", eventIndex: 1 });
});
