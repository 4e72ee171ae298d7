// The history of a session as its object keeps it: what is written by itself, who follows, and that nothing of it touches
// the container.
import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, onTestFinished } from "vitest";
import type { HistoryEvent } from "../../src/contract/history.ts";
import { Appended, HistoryPage } from "../../src/contract/history.ts";
import { HISTORY } from "../../src/contract/limits.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { UsageReport } from "../../src/contract/usage.ts";
import { askAs, createKey } from "./accounts.ts";
import { ask, createSession, engine, execute, expectProblem, KEY, loseObject, until } from "./client.ts";
import { follow } from "./event-follower.ts";

const stubOf = (id: string) => env.SESSION.getByName(id);

async function append(id: string, body: unknown): Promise<Appended["items"]> {
  const response = await ask("POST", `/sessions/${id}/events`, { body });
  const text = await response.text();
  expect(response.status, text).toBe(201);
  return Appended.parse(JSON.parse(text)).items;
}

async function list(id: string, query = ""): Promise<HistoryEvent[]> {
  const response = await ask("GET", `/sessions/${id}/events?limit=1000${query}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return HistoryPage.parse(JSON.parse(text)).items;
}

const typesOf = async (id: string): Promise<string[]> => (await list(id)).map(({ type }) => type);

const pathsOf = (event: HistoryEvent | undefined): string[] => Object(event?.payload).paths;

async function stateOf(id: string): Promise<string> {
  return SessionInfo.parse(await (await ask("GET", `/sessions/${id}`)).json()).state;
}

async function containerOf(id: string): Promise<string> {
  return JSON.stringify(await engine("GET", `/containers/${id}`));
}

/** Empty for a comment. */
function typeIn(block: string | null): string {
  if (block === null) throw new Error("the stream has ended");
  return /^event: (.*)$/m.exec(block)?.[1] ?? "";
}

interface Followed {
  /** The next block of the stream, comments included; null at its end. */
  next(): Promise<string | null>;
  leave(): Promise<void>;
}

async function open(id: string, query = "", headers: Record<string, string> = {}, key = KEY): Promise<Followed> {
  const response = await askAs(key, "GET", `/sessions/${id}/events/stream${query}`, { headers });
  if (response.status !== 200 || response.body === null) throw new Error(await response.text());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const leave = (): Promise<void> => reader.cancel().catch(() => {});
  onTestFinished(leave);
  return {
    async next() {
      while (!text.includes("\n\n")) {
        const step = await reader.read().catch(() => ({ done: true, value: "" }) as const);
        if (step.done) return null;
        text += step.value;
      }
      const [block = "", ...rest] = text.split("\n\n");
      text = rest.join("\n\n");
      return block;
    },
    leave,
  };
}

describe("what happens to a session", () => {
  it("is in its history once, under the ids of the account's events", async () => {
    const events = await follow();
    const { id } = await createSession();
    const { executionId } = await execute({ sessionId: id, command: "echo 1 > a; mkdir -p b; echo 2 > b/c" });
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    const told = [await events.next(id), await events.next(id), await events.next(id), await events.next(id)];
    expect(told.map(({ type }) => type)).toEqual([
      "session.created",
      "execution.completed",
      "session.idle",
      "session.deep_sleep",
    ]);
    const kept = await list(id);
    expect(kept.map(({ eventIndex, type, sender }) => [eventIndex, type, sender])).toEqual([
      [1, "session.created", "system"],
      [2, "execution.completed", "system"],
      [3, "files.changed", "system"],
      [4, "session.idle", "system"],
      [5, "session.deep_sleep", "system"],
    ]);
    expect(kept.filter(({ type }) => type !== "files.changed").map((one) => one.id)).toEqual(told.map((one) => one.id));
    expect(kept[1]?.payload).toEqual({ executionId, outcome: "exited", exitCode: 0 });
    expect(kept[2]?.payload).toEqual({ paths: expect.any(Array), total: 2, executionId });
    expect(new Set(pathsOf(kept[2]))).toEqual(new Set(["a", "b/c"]));
  });

  it("is there as soon as the call has answered, and before what is said about it", async () => {
    const { id } = await createSession();
    const { executionId } = await execute({ sessionId: id, command: "exit 3" });
    await append(id, { payload: "it failed" });
    expect((await list(id)).slice(1).map(({ payload }) => payload)).toEqual([
      { executionId, outcome: "exited", exitCode: 3 },
      "it failed",
    ]);
  });

  it("is written although nobody asks, after the answer", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    await until("it is written", () =>
      runInDurableObject(
        stubOf(id),
        (_session, { storage }) =>
          storage.sql.exec("SELECT 1 FROM event WHERE type = 'execution.completed'").toArray().length === 1,
      ),
    );
  });

  it("tells of files that were written, moved and removed through the API, those of a moment at once", async () => {
    const { id } = await createSession();
    await ask("PUT", `/sessions/${id}/files/one.txt`, { body: "1" });
    await ask("POST", "/files/write", { body: { sessionId: id, files: [{ path: "two", content: "2" }] } });
    await ask("POST", "/files/move", { body: { sessionId: id, from: "two", to: "three" } });
    await ask("DELETE", `/sessions/${id}/files/one.txt`);
    await ask("DELETE", `/sessions/${id}/files/none.txt`);
    await ask("GET", `/sessions/${id}/files/three`);
    const changed = await list(id, "&type=files.changed");
    expect(new Set(changed.flatMap(pathsOf))).toEqual(new Set(["one.txt", "two", "three"]));
    expect(changed.length).toBeLessThanOrEqual(4);
  });

  it("names a hundred of many files, and says how many there were", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "for i in $(seq 150); do echo $i > file$i; done" });
    const [changed] = await list(id, "&type=files.changed");
    expect(changed?.payload).toMatchObject({ total: 150 });
    expect(pathsOf(changed)).toHaveLength(HISTORY.changedPaths);
  });

  it("survives the loss of the object, and is not told twice by the next one", async () => {
    const { id } = await createSession();
    await execute({ sessionId: id, command: "true" });
    const before = await list(id);
    await loseObject(stubOf(id));
    await execute({ sessionId: id, command: "true" });
    const after = await list(id);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(new Set(after.map((one) => one.id)).size).toBe(after.length);
  });

  it("is not written for a session that was made for one execution", async () => {
    const events = await follow("?types=execution.completed");
    const { executionId } = await execute({ command: "true" });
    const sessionIdOf = async (): Promise<string | null> => {
      for (;;) {
        const { sessionId, data } = await events.next();
        if (data["executionId"] === executionId) return sessionId;
      }
    };
    const sessionId = await sessionIdOf();
    expect(sessionId).toMatch(/^ses_/);
    await expectProblem(await ask("GET", `/sessions/${sessionId}/events`), "session_not_found");
  });
});

describe("the history of a session that sleeps", () => {
  it("is read and written without waking it, and without a container", async () => {
    const { id } = await createSession();
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    await append(id, { events: [{ payload: 1 }, { payload: { text: "dream" } }] });
    expect((await list(id, "&q=dream")).map(({ payload }) => payload)).toEqual([{ text: "dream" }]);
    await ask("PUT", `/sessions/${id}/threads/t`, { body: { record: 1 } });
    await ask("POST", `/sessions/${id}/messages`, { body: { type: "user_message", content: "hi" } });
    const reads = ["messages", "threads", "threads/t", "replay", `events/${id.replace("ses_", "evt_")}`];
    for (const path of reads) expect((await ask("GET", `/sessions/${id}/${path}`)).status, path).toBe(200);
    const stream = await open(id, "?after=0");
    expect(await stream.next()).toContain("session.created");
    expect((await ask("DELETE", `/sessions/${id}/messages`)).status).toBe(200);
    expect(await stateOf(id)).toBe("deep-sleep");
    expect(await containerOf(id)).not.toContain('"running":true');
    expect(await typesOf(id)).not.toContain("session.woken");
  });

  it("does not keep one awake that would fall asleep, not even while it is followed", async () => {
    const { id } = await createSession({ idleAfter: "1s", deepSleepAfter: "2s" });
    const stream = await open(id);
    for (let index = 0; (await stateOf(id)) !== "deep-sleep"; index++) {
      await append(id, { payload: index });
    }
    for (let type = ""; type !== "session.deep_sleep"; type = typeIn(await stream.next()));
    await until("its container is released", async () => !(await containerOf(id)).includes('"running":true'));
  });

  it("counts what it sends", async () => {
    const { id } = await createSession();
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    await append(id, { payload: "x".repeat(300_000) });
    await list(id);
    await ask("DELETE", `/sessions/${id}`);
    const report = await (await ask("GET", "/usage?by=session&limit=100")).text();
    const row = UsageReport.parse(JSON.parse(report)).rows.find(({ sessionId }) => sessionId === id);
    expect(row?.egressBytes).toBeGreaterThanOrEqual(300_000);
  });
});

describe("who follows a history", () => {
  it("is told at once, from the next event on or behind the one that it has, by type and sender", async () => {
    const { id } = await createSession();
    const live = await open(id);
    expect(await live.next()).toBe("id: 1\n: connected");
    await append(id, {
      events: [
        { id: "a", payload: 1, type: "note" },
        { id: "b", payload: 2, sender: "agent" },
      ],
    });
    const [first, second] = await list(id, "&after=1");
    expect(await live.next()).toBe(`event: note\nid: 2\ndata: ${JSON.stringify(first)}`);
    expect(await live.next()).toBe(`event: event\nid: 3\ndata: ${JSON.stringify(second)}`);
    const resumed = await open(id, "?after=1", { "last-event-id": "2" });
    expect(await resumed.next()).toContain('"id":"b"');
    const chosen = await open(id, "?after=0&type=note,event&sender=agent");
    expect(await chosen.next()).toContain('"id":"b"');
    const other = await open(id, "?thread=t");
    expect(await other.next()).toBe("id: 0\n: connected");
    await append(id, { thread: "t", payload: "there" });
    expect(await other.next()).toContain('"sessionId":"t"');
  });

  it("gets every event once and in order, however fast many writers are", async () => {
    const { id } = await createSession();
    const stream = await open(id, "?after=1");
    const writers = Array.from({ length: 5 }, async (_, writer) => {
      for (let index = 0; index < 20; index++) {
        await append(id, { events: [0, 1, 2].map((part) => ({ payload: [writer, index, part] })) });
      }
    });
    const seen: number[] = [];
    while (seen.length < 300) {
      const number = /^id: (\d+)\ndata/m.exec((await stream.next()) ?? "")?.[1];
      if (number !== undefined) seen.push(Number(number));
    }
    await Promise.all(writers);
    expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index + 2));
  });

  it("sees the end when the session, the thread or the key is gone", async () => {
    const { id } = await createSession();
    const { key, id: keyId } = await createKey({ scopes: ["sessions:read"] });
    await append(id, { thread: "t", payload: 1 });
    const ofKey = await open(id, "", {}, key);
    const ofThread = await open(id, "?thread=t&after=1");
    const ofSession = await open(id);
    for (const stream of [ofKey, ofThread, ofSession]) expect(await stream.next()).toBe("id: 1\n: connected");
    expect((await ask("DELETE", `/sessions/${id}/threads/t`)).status).toBe(200);
    const end = async (stream: Followed): Promise<void> => {
      while ((await stream.next()) !== null);
    };
    await end(ofThread);
    expect((await ask("DELETE", `/keys/${keyId}`)).status).toBe(200);
    await end(ofKey);
    expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(200);
    await end(ofSession);
  });

  it(`is one of ${HISTORY.streams} at the most, and leaves a place to another`, async () => {
    const { id } = await createSession();
    const streams = await Promise.all(Array.from({ length: HISTORY.streams }, () => open(id)));
    await Promise.all(streams.map((stream) => stream.next()));
    await expectProblem(await ask("GET", `/sessions/${id}/events/stream`), "rate_limit_exceeded");
    await streams[0]?.leave();
    await until("there is a place", async () => {
      const response = await ask("GET", `/sessions/${id}/events/stream`);
      await response.body?.cancel();
      return response.status === 200;
    });
  });
});

describe("the history of a session that is gone", () => {
  it("is gone, too, and a fork begins with one of its own", async () => {
    const { id } = await createSession();
    await append(id, { id: "mine", payload: "kept nowhere" });
    expect((await ask("POST", `/sessions/${id}/sleep`)).status).toBe(200);
    const fork = await (await ask("POST", `/sessions/${id}/fork`, { body: {} })).json<{ id: string }>();
    expect(await typesOf(fork.id)).toEqual(["session.created"]);
    await append(fork.id, { id: "mine", payload: "another" });
    expect((await ask("DELETE", `/sessions/${id}`)).status).toBe(200);
    await expectProblem(await ask("GET", `/sessions/${id}/events`), "session_not_found");
    await until("its storage is empty", () =>
      runInDurableObject(
        stubOf(id),
        (_session, { storage }) =>
          storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'event'").toArray().length === 0,
      ),
    );
    await runDurableObjectAlarm(stubOf(id));
  });
});
