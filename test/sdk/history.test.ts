// A session's history by the SDK: `buntime/memory`, over connections that break as well.
import { describe, expect, test } from "vitest";
import { Memory } from "../../src/sdk/memory/index.ts";
import type { BuntimeOptions, HistoryEvent } from "../../src/sdk/index.ts";
import { platformOfRun } from "../support/e2e.ts";
import { ownSession, sdkOfRun } from "../support/sdk.ts";
import { unsteadyProxy } from "../support/unsteady-proxy.ts";

const client = sdkOfRun();

function memoryOfRun(options: BuntimeOptions = {}): Memory {
  const { url, apiKey } = platformOfRun();
  return new Memory({ apiKey, baseUrl: `${url.origin}/api`, retryDelay: 5, ...options });
}
const memory = memoryOfRun();

async function ownSessionId(): Promise<string> {
  return (await ownSession(client, { container: "on-demand" })).id;
}

describe("the history by the SDK", () => {
  test("is written, listed, followed, replayed and cleared", async () => {
    const sessionId = await ownSessionId();
    const { items } = await memory.history.append({
      sessionId,
      events: [
        { type: "note", payload: { text: "first" } },
        { id: "mine", sender: "user", payload: "second" },
      ],
    });
    expect(items.map(({ eventIndex }) => eventIndex)).toEqual([2, 3]);
    const page = await memory.history.list({ sessionId, types: ["note", "event"], order: "desc", limit: 1 });
    expect(page).toMatchObject({ items: [{ id: "mine", payload: "second" }], nextCursor: "3" });
    const next = await memory.history.list({ sessionId, types: ["note"], cursor: "3", order: "desc" });
    expect(next).toMatchObject({ items: [{ payload: { text: "first" } }], nextCursor: null });
    expect(await memory.history.get({ sessionId, eventId: "mine" })).toMatchObject({ eventIndex: 3 });
    expect((await memory.history.list({ sessionId, q: "FIRST" })).items).toHaveLength(1);
    const { text, events } = await memory.history.replay({ sessionId, maxEvents: 1, senders: ["user"] });
    expect([events, text.includes('"second"')]).toEqual([1, true]);
    expect(await memory.history.clear({ sessionId })).toEqual({ deleted: 3 });
  });

  test("has threads with records", async () => {
    const sessionId = await ownSessionId();
    const thread = { sessionId, threadId: "a/b c" };
    expect(await memory.history.threads.put({ ...thread, record: { agent: "mock" } })).toMatchObject({ id: "a/b c" });
    await memory.history.append({ sessionId, thread: "a/b c", events: [{ payload: 1 }] });
    expect(await memory.history.threads.get(thread)).toMatchObject({ record: { agent: "mock" }, events: 1 });
    expect((await memory.history.threads.list({ sessionId, limit: 1 })).items).toHaveLength(1);
    expect(await memory.history.threads.delete(thread)).toEqual({ deleted: true, threadId: "a/b c" });
  });

  test("has messages", async () => {
    const sessionId = await ownSessionId();
    await memory.messages.add({ sessionId, messages: [{ type: "user_message", content: "hi", metadata: { a: 1 } }] });
    const { items } = await memory.messages.list({ sessionId, types: ["user_message"], senders: ["user"] });
    expect(items).toMatchObject([{ content: "hi", metadata: { a: 1 } }]);
    expect(await memory.messages.clear({ sessionId })).toEqual({ deleted: 1 });
  });

  test("is written once when the answer of an append is lost, and the same call is sent again", async () => {
    const sessionId = await ownSessionId();
    const proxy = await unsteadyProxy(platformOfRun().url);
    const unsteady = memoryOfRun({ baseUrl: `${proxy.url.origin}/api` });
    proxy.plan([{ kind: "lose-answer" }, { kind: "cut", bytes: 40 }, { kind: "lose-request" }], /POST/);
    const { items } = await unsteady.history.append({ sessionId, events: [{ payload: 1 }, { payload: 2 }] });
    expect(items.map(({ eventIndex }) => eventIndex)).toEqual([2, 3]);
    expect(proxy.done).toHaveLength(3);
    expect((await memory.history.list({ sessionId })).items).toHaveLength(3);
  });

  test("is followed over a connection that breaks, and nothing comes twice or not at all", async () => {
    const sessionId = await ownSessionId();
    const proxy = await unsteadyProxy(platformOfRun().url);
    const unsteady = memoryOfRun({ baseUrl: `${proxy.url.origin}/api`, maxRetries: 9 });
    proxy.plan([{ kind: "cut", bytes: 900 }, { kind: "lose-answer" }, { kind: "cut", bytes: 1200 }], /stream/);
    await memory.history.append({ sessionId, events: Array.from({ length: 30 }, (_, index) => ({ payload: index })) });
    const seen: HistoryEvent[] = [];
    for await (const event of unsteady.history.follow({ sessionId, after: 1 })) {
      seen.push(event);
      if (seen.length === 30) break;
    }
    expect(seen.map(({ payload }) => payload)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(proxy.done).toHaveLength(3);
  });
});
