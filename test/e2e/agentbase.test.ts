// Agentbase's calls at `/agentbase`, as its clients make them: a POST with the session in the query and nothing else.
import { describe, expect, test } from "vitest";
import { Appended, HistoryPage } from "../../src/contract/history.ts";
import { infoOf } from "../support/life.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";

const client = platformOfRun();

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function ask(path: string, { method = "POST", headers = {}, body }: AskOptions = {}): Promise<Response> {
  return fetch(new URL(`/agentbase${path}`, client.url), {
    method,
    headers: { authorization: `Bearer ${client.apiKey}`, accept: "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

const getMessages = async (session: string): Promise<unknown> =>
  (await ask(`/get-messages?${new URLSearchParams({ session }).toString()}`)).json();

/** What a client of Agentbase's reads of an error. */
async function errorOf(answer: Promise<Response>): Promise<readonly [number, unknown]> {
  const response = await answer;
  const body: unknown = await response.json();
  expect(body).toEqual({
    code: expect.any(String),
    message: expect.stringMatching(/./),
    details: expect.any(Object),
    requestId: response.headers.get("x-request-id"),
  });
  return [response.status, (body as { code: unknown }).code];
}

const append = (id: string, messages: readonly object[]): Promise<Appended> =>
  client.ask(Appended, "POST", `/sessions/${id}/messages`, { messages });

describe("get-messages", () => {
  test("gives all that was said and done, oldest first, by id or name, and starts no container", async () => {
    const name = `talk-${crypto.randomUUID().slice(0, 8)}`;
    const { id } = await newSession(client, { container: "on-demand", name });
    expect(await getMessages(id)).toEqual([]);
    const said = [
      { type: "user_message", content: 'Naïve? \u{1f600} "quoted"\n\u2028' },
      { type: "agent_thinking", content: "" },
      { type: "agent_tool_use", content: '{"tool":"execute","input":{"command":"ls"}}' },
      { type: "agent_tool_response", content: '{"tool":"execute","content":""}' },
      { type: "agent_response", content: "Done." },
    ];
    await append(id, said.slice(0, 2));
    await append(id, said.slice(2));
    // Beside them, events that are no messages.
    await client.ask(Appended, "POST", `/sessions/${id}/events`, { type: "note", payload: { not: "said" } });
    const response = await ask(`/get-messages?session=${id}`);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(Number(response.headers.get("x-ratelimit-remaining"))).toBeGreaterThanOrEqual(0);
    expect(await response.json()).toEqual(said);
    expect(await getMessages(name)).toEqual(said);
    expect(await infoOf(client, id)).toMatchObject({ state: "deep-sleep", spent: { activeSeconds: 0 } });
  });

  test("gives a history of many pages whole, in order", async () => {
    const { id } = await newSession(client, { container: "on-demand" });
    const batch = (from: number, count: number, size: number): object[] =>
      Array.from({ length: count }, (_, n) => ({
        type: "user_message",
        content: `${from + n} `.padEnd(size, "x"),
      }));
    for (const from of [0, 1000, 2000]) {
      await append(id, batch(from, 1000, 10));
    }
    // Pages that end at their bytes.
    for (const from of [3000, 3010]) {
      await append(id, batch(from, 10, 900_000));
    }
    // SAFETY: checked below.
    const messages = (await getMessages(id)) as { content: string }[];
    expect(messages.map(({ content }) => Number.parseInt(content, 10))).toEqual(
      Array.from({ length: 3020 }, (_, index) => index),
    );
    expect(messages.at(-1)?.content.length).toBe(900_000);
  });

  test("is not there for who has no right to the session", async () => {
    const { id } = await newSession(client, { container: "on-demand" });
    const path = `/get-messages?session=${id}`;
    expect(await errorOf(ask(path, { headers: { authorization: "" } }))).toEqual([401, "UNAUTHORIZED"]);
    expect(await errorOf(ask(path, { headers: { authorization: "Bearer btk_nobody" } }))).toEqual([
      401,
      "UNAUTHORIZED",
    ]);
    expect(await errorOf(ask("/get-messages?session=ses_00000000000000000000"))).toEqual([404, "SESSION_NOT_FOUND"]);
    expect(await errorOf(ask("/get-messages?session=agent_session_abc123"))).toEqual([404, "SESSION_NOT_FOUND"]);
  });

  test("is no way to anything else", async () => {
    for (const session of ["..", "%2e%2e", "../keys", "a/../b", "a%2f..%2fb", "", " ", "a%00", "ä", "x".repeat(65)]) {
      expect(await errorOf(ask(`/get-messages?session=${session}`))).toEqual([400, "INVALID_REQUEST"]);
    }
    for (const query of ["", "?other=1", "?session=%ff", "?session=a&session=b"]) {
      expect(await errorOf(ask(`/get-messages${query}`))).toEqual([400, "INVALID_REQUEST"]);
    }
  });
});

describe("clear-messages", () => {
  test("takes away what was said and nothing else, as often as it is asked, and numbers go on", async () => {
    const { id } = await newSession(client, { container: "on-demand" });
    await append(id, [{ type: "user_message", content: "one" }]);
    await client.ask(Appended, "POST", `/sessions/${id}/events`, { type: "note", payload: 1 });
    for (const _ of [1, 2]) {
      const cleared = await ask(`/clear-messages?session=${id}`);
      expect(await cleared.json()).toEqual({ success: true, message: "Messages cleared" });
    }
    expect(await getMessages(id)).toEqual([]);
    const events = await client.ask(HistoryPage, "GET", `/sessions/${id}/events?type=note`);
    expect(events.items).toHaveLength(1);
    const { items } = await append(id, [{ type: "user_message", content: "two" }]);
    expect(items[0]?.eventIndex).toBeGreaterThan(events.items[0]?.eventIndex ?? Infinity);
    expect(await getMessages(id)).toEqual([{ type: "user_message", content: "two" }]);
    expect(await infoOf(client, id)).toMatchObject({ state: "deep-sleep", spent: { activeSeconds: 0 } });
  });

  test("of a session that is not there is an error", async () => {
    expect(await errorOf(ask("/clear-messages?session=nobody"))).toEqual([404, "SESSION_NOT_FOUND"]);
    expect(await errorOf(ask("/clear-messages"))).toEqual([400, "INVALID_REQUEST"]);
  });
});

describe("what is not there", () => {
  test("running an agent says so, and is not tried again", async () => {
    const body = JSON.stringify({ message: "Create a file" });
    for (const path of ["", "/", "/?session=nobody"]) {
      const response = await ask(path, { body });
      expect([response.status, await response.json()]).toEqual([
        404,
        expect.objectContaining({ code: "NOT_FOUND", message: expect.stringContaining("runs no agents") }),
      ]);
    }
  });

  test("other paths and methods are told apart from errors of ours", async () => {
    expect(await errorOf(ask("/get-message"))).toEqual([404, "NOT_FOUND"]);
    expect(await errorOf(ask("/toString"))).toEqual([404, "NOT_FOUND"]);
    expect(await errorOf(ask("/get-messages/?session=a"))).toEqual([404, "NOT_FOUND"]);
    expect(await errorOf(ask("/get-messages?session=a", { method: "GET" }))).toEqual([405, "METHOD_NOT_ALLOWED"]);
    const preflight = await ask("/get-messages", { method: "OPTIONS", headers: { authorization: "" } });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect((await fetch(new URL("/agentbases", client.url))).status).toBe(404);
  });
});
