// A session's history as a client meets it: events, threads, messages and replay over HTTP, whether the session is awake or
// asleep.
import { describe, expect, onTestFinished, test } from "vitest";
import { NewAccount, NewKey } from "../../src/contract/account.ts";
import {
  Appended,
  HistoryCleared,
  HistoryEvent,
  HistoryPage,
  MessagePage,
  Replay,
  Thread,
  ThreadDeleted,
  ThreadList,
} from "../../src/contract/history.ts";
import { HISTORY } from "../../src/contract/limits.ts";
import { Session, SessionInfo } from "../../src/contract/session.ts";
import { events } from "../../scripts/client.ts";
import { Client, newSession, ON_DOCKER, platformOfRun, problem, sharedSession } from "../support/e2e.ts";
import { startTestPlatform } from "../support/platform.ts";
import { descendants } from "../support/processes.ts";
import { until } from "../support/until.ts";

const client = platformOfRun();
/** For what is refused, and for what lies in a thread of its own. */
const shared = sharedSession(client, { container: "on-demand" });

const append = (path: string, json: unknown): Promise<Appended> => client.ask(Appended, "POST", path, json);
const list = (path: string): Promise<HistoryPage> => client.ask(HistoryPage, "GET", path);

/** A session that has no container, and none that any of this would start. */
async function asleep(): Promise<string> {
  const { id } = await newSession(client, { container: "on-demand" });
  onTestFinished(async () => {
    const info = await client.ask(SessionInfo, "GET", `/sessions/${id}`);
    expect(info.state).toBe("deep-sleep");
  });
  return `/sessions/${id}`;
}

describe("events", () => {
  test("are kept in order, with what a client gives and what it leaves out", async () => {
    const session = await asleep();
    const given = {
      id: "mine",
      type: "note",
      sender: "agent",
      connectionId: "c 1",
      createdAt: 5,
      payload: { a: [1, null, "é"] },
    };
    const { items } = await append(`${session}/events`, { events: [given, { payload: null }] });
    expect(items).toEqual([
      { id: "mine", eventIndex: 2, createdAt: 5 },
      { id: expect.stringMatching(/^evt_/), eventIndex: 3, createdAt: expect.any(Number) },
    ]);
    const sessionId = session.replace("/sessions/", "");
    const own = { ...given, eventIndex: 2, sessionId };
    const other = { ...items[1], sessionId, connectionId: null, sender: "client", type: "event", payload: null };
    expect((await list(`${session}/events?after=1`)).items).toEqual([own, other]);
    expect(await client.ask(HistoryEvent, "GET", `${session}/events/mine`)).toEqual(own);
  });

  test("are written once however often they are sent, and never over another", async () => {
    const session = await asleep();
    const event = { id: "once", payload: { text: "hi" }, eventIndex: 2 };
    const first = await append(`${session}/events`, event);
    const again = await Promise.all(Array.from({ length: 5 }, () => append(`${session}/events`, event)));
    expect(again).toEqual(again.map(() => first));
    const other = { id: "once", payload: { text: "another" } };
    expect(await problem(client, "POST", `${session}/events`, { json: other })).toMatchObject({
      code: "conflict",
      details: { eventIndex: 2 },
    });
    const late = { events: [{ payload: 1 }, { payload: 2, eventIndex: 9 }] };
    expect(await problem(client, "POST", `${session}/events`, { json: late })).toMatchObject({
      code: "conflict",
      details: { nextIndex: 4 },
    });
    expect((await list(`${session}/events`)).items).toHaveLength(2);
  });

  test("are numbered without gaps and in the order of each writer, however many write", async () => {
    const session = await asleep();
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      const places = [];
      for (let turn = 0; turn < 10; turn++) {
        places.push(
          ...(
            await append(`${session}/events`, {
              thread: "busy",
              events: [{ payload: [writer, turn, 0] }, { payload: [writer, turn, 1] }],
            })
          ).items,
        );
      }
      return places;
    });
    const places = await Promise.all(writers);
    const { items } = await list(`${session}/events?thread=busy&limit=1000`);
    expect(items.map(({ eventIndex }) => eventIndex)).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
    for (const own of places) {
      const indexes = own.map(({ eventIndex }) => eventIndex);
      expect(indexes).toEqual(indexes.toSorted((one, next) => one - next));
    }
  });

  test("come in pages both ways, by type, by sender and by words", async () => {
    const session = await asleep();
    const said = Array.from({ length: 25 }, (_, index) => ({
      type: index % 3 === 0 ? "note" : "event",
      sender: index % 2 === 0 ? "agent" : "user",
      payload: { text: `number ${index}` },
    }));
    await append(`${session}/events`, { thread: "t", events: said });
    const paged = async (query: string): Promise<number[]> => {
      const found: number[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page: HistoryPage = await list(
          `${session}/events?thread=t&limit=4&${query}${cursor === "" ? "" : `&cursor=${cursor}`}`,
        );
        found.push(...page.items.map(({ eventIndex }) => eventIndex));
        cursor = page.nextCursor;
      }
      return found;
    };
    const all = said.map((_, index) => index + 1);
    expect(await paged("")).toEqual(all);
    expect(await paged("order=desc")).toEqual(all.toReversed());
    expect(await paged("after=20&order=desc")).toEqual([25, 24, 23, 22, 21]);
    expect(await paged("type=note")).toEqual(all.filter((index) => (index - 1) % 3 === 0));
    expect(await paged("type=note,event&sender=user")).toEqual(all.filter((index) => index % 2 === 0));
    expect(await paged("q=NUMBER%2017")).toEqual([18]);
    expect(await paged("q=%22%20OR%20*")).toEqual([]);
  });

  test("are deleted without being numbered anew", async () => {
    const session = await asleep();
    await append(`${session}/events`, { events: [{ payload: 1 }, { payload: 2 }] });
    expect(await client.ask(HistoryCleared, "DELETE", `${session}/events`)).toEqual({ deleted: 3 });
    expect((await list(`${session}/events`)).items).toEqual([]);
    expect((await append(`${session}/events`, { payload: 3 })).items[0]?.eventIndex).toBe(4);
    expect(await problem(client, "GET", `${session}/events/none`)).toMatchObject({
      status: 404,
      code: "event_not_found",
    });
  });
});

describe("threads", () => {
  test("keep a record of the client's and events of their own, and go with them", async () => {
    const session = await asleep();
    const record = { agent: "mock", list: [1, { deep: null }] };
    const made = await client.ask(Thread, "PUT", `${session}/threads/conversation%2F7`, { record, createdAt: 7 });
    expect(made).toMatchObject({ id: "conversation/7", record, createdAt: 7, events: 0 });
    await append(`${session}/events`, { thread: "conversation/7", payload: "hi" });
    expect(await client.ask(Thread, "GET", `${session}/threads/conversation%2F7`)).toMatchObject({
      record,
      events: 1,
      createdAt: 7,
    });
    expect(await client.ask(Thread, "PUT", `${session}/threads/conversation%2F7`, { record: null })).toMatchObject({
      record: null,
      createdAt: 7,
    });
    const { items } = await client.ask(ThreadList, "GET", `${session}/threads`);
    expect(items.map(({ id }) => id)).toEqual(["conversation/7", session.replace("/sessions/", "")]);
    expect(await client.ask(ThreadDeleted, "DELETE", `${session}/threads/conversation%2F7`)).toMatchObject({
      deleted: true,
    });
    expect(await problem(client, "GET", `${session}/threads/conversation%2F7`)).toMatchObject({
      status: 404,
      code: "thread_not_found",
    });
    expect((await list(`${session}/events?thread=conversation%2F7`)).items).toEqual([]);
  });

  test("of the session's own cannot be deleted", async () => {
    const session = await asleep();
    const path = `${session}/threads/${session.replace("/sessions/", "")}`;
    expect(await problem(client, "DELETE", path)).toMatchObject({ status: 409, code: "conflict" });
  });
});

describe("messages", () => {
  test("are events with a content, and are listed and deleted without the others", async () => {
    const session = await asleep();
    const metadata = { model: "small" };
    const { items } = await client.ask(Appended, "POST", `${session}/messages`, {
      messages: [
        { type: "user_message", content: "What is the answer?" },
        { type: "agent_response", content: "42", metadata, id: "m2" },
      ],
    });
    await append(`${session}/events`, {
      type: "agent_tool_use",
      sender: "tool",
      payload: { content: '{"tool":"sh"}' },
    });
    await append(`${session}/events`, { payload: "no message" });
    const page = await client.ask(MessagePage, "GET", `${session}/messages`);
    expect(page.items).toEqual([
      { ...items[0], type: "user_message", sender: "user", content: "What is the answer?", metadata: null },
      { ...items[1], type: "agent_response", sender: "agent", content: "42", metadata },
      expect.objectContaining({ type: "agent_tool_use", sender: "tool", content: '{"tool":"sh"}', metadata: null }),
    ]);
    const newest = await client.ask(
      MessagePage,
      "GET",
      `${session}/messages?order=desc&limit=1&type=agent_response&q=42`,
    );
    expect(newest).toEqual({ items: [page.items[1]], nextCursor: null });
    expect(await client.ask(HistoryCleared, "DELETE", `${session}/messages`)).toEqual({ deleted: 3 });
    expect((await list(`${session}/events`)).items.map(({ type }) => type)).toEqual(["session.created", "event"]);
  });
});

describe("a replay", () => {
  test("has the newest that fits, without what the platform wrote unless it is asked for", async () => {
    const session = await asleep();
    expect(await client.ask(Replay, "GET", `${session}/replay`)).toEqual({ text: "", events: 0, truncated: false });
    const turns = Array.from({ length: 60 }, (_, index) => ({ sender: "user", payload: { turn: index } }));
    await append(`${session}/events`, { events: turns });
    const { text, events: count, truncated } = await client.ask(Replay, "GET", `${session}/replay`);
    expect([count, truncated]).toEqual([50, true]);
    const lines = text.split("\n");
    expect(lines[1]).toBe("[history truncated]");
    expect(lines.slice(2).map((line) => JSON.parse(line).payload.turn)).toEqual(
      turns.slice(10).map(({ payload }) => payload.turn),
    );
    const short = await client.ask(Replay, "GET", `${session}/replay?maxEvents=1000&maxChars=600`);
    expect(short.text.length).toBeLessThanOrEqual(600);
    expect(short.text).toContain('{"turn":59}');
    const system = await client.ask(Replay, "GET", `${session}/replay?sender=system`);
    expect([system.events, system.truncated]).toEqual([1, false]);
  });

  test("that was put into a prompt is not in the next one", async () => {
    const session = await asleep();
    await append(`${session}/events`, { sender: "user", payload: "first" });
    const { text } = await client.ask(Replay, "GET", `${session}/replay`);
    const prompt = [
      { type: "text", text },
      { type: "text", text: "second" },
    ];
    await append(`${session}/events`, { payload: { method: "session/prompt", params: { prompt } } });
    const next = await client.ask(Replay, "GET", `${session}/replay`);
    expect(JSON.parse(next.text.split("\n").at(-1) ?? "").payload.params.prompt).toEqual(prompt.slice(1));
  });
});

describe("who follows a history", () => {
  test("goes on behind the last event after a connection that was lost", async () => {
    const session = await asleep();
    const connect = async (
      headers: Record<string, string>,
    ): Promise<{ stream: ReturnType<typeof events>; leave: () => void }> => {
      const gone = new AbortController();
      onTestFinished(() => gone.abort());
      const response = await client.request("GET", `${session}/events/stream?after=1`, {
        headers,
        signal: gone.signal,
      });
      expect(response.headers.get("content-type")).toContain("text/event-stream");
      return { stream: events(response), leave: () => gone.abort() };
    };
    const next = async (stream: ReturnType<typeof events>): Promise<unknown> => {
      const { value, done } = await stream.next();
      if (done === true) throw new Error("the stream has ended");
      const event = HistoryEvent.parse(JSON.parse(value.data));
      expect([value.id, value.event]).toEqual([String(event.eventIndex), event.type]);
      return event.payload;
    };
    const first = await connect({});
    await append(`${session}/events`, { events: [{ payload: "a" }, { payload: "b", type: "note" }] });
    expect([await next(first.stream), await next(first.stream)]).toEqual(["a", "b"]);
    first.leave();
    await append(`${session}/events`, { events: [{ payload: "c" }, { payload: "d" }] });
    const second = await connect({ "last-event-id": "3" });
    expect([await next(second.stream), await next(second.stream)]).toEqual(["c", "d"]);
  });
});

describe("what is refused", () => {
  const hostile: Readonly<Record<string, [unknown, string]>> = {
    "no payload": [{ type: "note" }, "invalid_request"],
    "no body": [{}, "invalid_request"],
    "a list beside an event": [{ payload: 1, events: [{ payload: 2 }] }, "invalid_request"],
    "an empty list": [{ events: [] }, "invalid_request"],
    "too many events": [
      { events: Array.from({ length: HISTORY.batch + 1 }, () => ({ payload: 1 })) },
      "invalid_request",
    ],
    "an unknown member": [{ payload: 1, evil: true }, "invalid_request"],
    "an id that is none": [{ payload: 1, id: "a\nb" }, "invalid_request"],
    "an id that a path cannot hold": [{ payload: 1, id: ".." }, "invalid_request"],
    "a type with a line break": [{ payload: 1, type: "a\ndata: x" }, "invalid_request"],
    "a type with a comma": [{ payload: 1, type: "a,b" }, "invalid_request"],
    "a sender that is too long": [{ payload: 1, sender: "x".repeat(65) }, "invalid_request"],
    "an index that is none": [{ payload: 1, eventIndex: 0 }, "invalid_request"],
    "a time that is none": [{ payload: 1, createdAt: 8.65e15 }, "invalid_request"],
    "a thread that is none": [{ payload: 1, thread: "" }, "invalid_request"],
    "a message without content": [{ type: "user_message", payload: { text: "hi" } }, "invalid_request"],
    "more than 16 MB at once": [
      { events: Array.from({ length: 17 }, () => ({ payload: "x".repeat(HISTORY.payloadBytes - 2) })) },
      "payload_too_large",
    ],
    "a payload of more than 1 MB": [{ payload: "é".repeat(HISTORY.payloadBytes / 2) }, "payload_too_large"],
  };
  test.each(Object.entries(hostile))("%s", async (_, [json, code]) => {
    const before = await list(`/sessions/${shared.id}/events`);
    expect(await problem(client, "POST", `/sessions/${shared.id}/events`, { json })).toMatchObject({ code });
    expect(await list(`/sessions/${shared.id}/events`)).toEqual(before);
  });

  test.each([
    "events?limit=0",
    "events?limit=1001",
    "events?order=up",
    "events?cursor=x",
    "events?after=-1",
    "events?type=",
    "events?type=a,,b",
    `events?q=${"x".repeat(HISTORY.queryCharacters + 1)}`,
    `events?type=${Array.from({ length: HISTORY.filters + 1 }, (_, index) => `t${index}`).join(",")}`,
    "messages?type=event",
    "threads?cursor=1",
    "replay?maxChars=10",
    "replay?maxEvents=0",
    "events/stream?after=x",
    "events/%00",
  ])("GET …/%s", async (path) => {
    expect(await problem(client, "GET", `/sessions/${shared.id}/${path}`)).toMatchObject({ code: "invalid_request" });
  });

  test("a Last-Event-ID that is none", async () => {
    const headers = { "last-event-id": "evt_x" };
    const path = `/sessions/${shared.id}/events/stream`;
    expect(await problem(client, "GET", path, { headers })).toMatchObject({ code: "invalid_request" });
  });

  test("a payload of exactly 1 MB is taken, and comes back whole", async () => {
    const payload = "é".repeat((HISTORY.payloadBytes - 2) / 2);
    const { items } = await append(`/sessions/${shared.id}/events`, { thread: "large", payload });
    const event = await client.ask(HistoryEvent, "GET", `/sessions/${shared.id}/events/${items[0]?.id}`);
    expect(event.payload).toBe(payload);
  });

  test("a key without the scope", async () => {
    const keyWith = async (scope: "sessions:read" | "sessions:write"): Promise<Client> => {
      const { key } = await client.ask(NewKey, "POST", "/keys", { name: "history", scopes: [scope] });
      return new Client({ url: client.url.origin, apiKey: key, domain: client.domain });
    };
    const [reader, writer] = await Promise.all([keyWith("sessions:read"), keyWith("sessions:write")]);
    const path = `/sessions/${shared.id}/events`;
    expect((await reader.request("GET", path)).status).toBe(200);
    expect(await problem(reader, "POST", path, { json: { payload: 1 } })).toMatchObject({ code: "forbidden" });
    expect(await problem(reader, "DELETE", path)).toMatchObject({ code: "forbidden" });
    expect((await writer.request("POST", path, { json: { thread: "w", payload: 1 } })).status).toBe(201);
    expect(await problem(writer, "GET", path)).toMatchObject({ code: "forbidden" });
  });
});

// Accounts, limits and processes of the host: with a platform of its own.
describe.skipIf(ON_DOCKER)("on a platform of its own", () => {
  test("another account learns nothing, a full log says so, and no container is started for any of it", async () => {
    const adminKey = "admin_end2end_00000000000000000";
    const platform = await startTestPlatform({ env: { BUNTIME_ADMIN_KEY: adminKey, HISTORY_MAX_BYTES: "1000000" } });
    onTestFinished(() => platform.stop());
    const own = platform.client;
    const keyed = (apiKey: string): Client => new Client({ url: own.url.origin, apiKey, domain: own.domain });
    const ada = await keyed(adminKey).ask(NewAccount, "POST", "/admin/accounts", { name: "Ada", plan: "paid" });
    const { id } = await own.ask(Session, "POST", "/sessions", { container: "on-demand" });
    for (const path of ["events", "messages", "threads", "replay", "events/stream", "events/x", "threads/x"]) {
      expect(await problem(keyed(ada.key), "GET", `/sessions/${id}/${path}`)).toMatchObject({
        status: 404,
        code: "session_not_found",
      });
    }
    expect(await problem(keyed(ada.key), "POST", `/sessions/${id}/events`, { json: { payload: 1 } })).toMatchObject({
      code: "session_not_found",
    });

    const large = { payload: "x".repeat(100_000) };
    const full = await until("the log is full", async () => {
      const response = await own.request("POST", `/sessions/${id}/events`, { json: large });
      return response.status === 201 ? null : response;
    });
    expect(full.status).toBe(507);
    expect(await full.json()).toMatchObject({ error: { code: "disk_full", details: { limitBytes: 1_000_000 } } });
    expect((await own.ask(HistoryPage, "GET", `/sessions/${id}/events?limit=1`)).items).toHaveLength(1);
    await own.ask(HistoryCleared, "DELETE", `/sessions/${id}/events`);
    expect((await own.request("POST", `/sessions/${id}/events`, { json: large })).status).toBe(201);
    expect(descendants(platform.pid).filter(({ command }) => command.includes("init.sh"))).toEqual([]);
  });
});
