import { describe, expect, test } from "vitest";
import { BuntimeError } from "../../src/sdk/index.ts";
import { BuntimeSessionPersistDriver } from "../../src/sdk/persist/index.ts";
import type { BuntimePersistOptions } from "../../src/sdk/persist/index.ts";
import { newSession, platformOfRun } from "../support/e2e.ts";
import { infoOf, SOON, untilState } from "../support/life.ts";
import { unsteadyProxy } from "../support/unsteady-proxy.ts";
import { behaves } from "./behaviour.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";

const client = platformOfRun();
const api = { apiKey: client.apiKey, baseUrl: `${client.url.origin}/api` };

const driverOf = (options: BuntimePersistOptions): BuntimeSessionPersistDriver =>
  new BuntimeSessionPersistDriver({ ...api, retryDelay: 20, ...options });

behaves(
  "in the history of a session",
  async () => {
    // Nothing of it needs a container.
    const { id: sessionId } = await newSession(client);
    return { driver: driverOf({ sessionId }), again: () => driverOf({ sessionId }) };
  },
  { gaps: false, runs: 8 },
);

describe("the driver for the history of a session", () => {
  test("reads and writes while the session sleeps, and does not wake it", async () => {
    const { id: sessionId } = await newSession(client, SOON);
    const driver = driverOf({ sessionId });
    await driver.updateSession(aRecord("s"));
    await driver.insertEvent("s", anEvent("s", 1));
    await untilState(client, sessionId, "deep-sleep");
    await driver.insertEvent("s", anEvent("s", 2));
    expect((await allEvents(driver, "s")).map(({ eventIndex }) => eventIndex)).toEqual([1, 2]);
    expect((await allSessions(driver)).map(({ id }) => id)).toEqual(["s"]);
    expect((await infoOf(client, sessionId)).state).toBe("deep-sleep");
  });

  test("writes an event once whose answer was lost on the way", async () => {
    const { id: sessionId } = await newSession(client);
    const proxy = await unsteadyProxy(client.url);
    const driver = driverOf({ sessionId, baseUrl: `${proxy.url.origin}/api` });
    proxy.plan([{ kind: "lose-answer" }, { kind: "lose-request" }], /^POST/);
    const events = [anEvent("s", 1), anEvent("s", 2)];
    for (const event of events) await driver.insertEvent("s", event);
    expect(proxy.done).toHaveLength(2);
    expect(await allEvents(driver, "s")).toEqual(events);
  });

  test("goes on with the next index after the history was cleared, so that a client can begin at 1 again", async () => {
    const { id: sessionId } = await newSession(client);
    const driver = driverOf({ sessionId });
    for (let index = 1; index <= 6; index++) await driver.insertEvent("s", anEvent("s", index));
    expect((await client.request("DELETE", `/sessions/${sessionId}/events?thread=s`)).status).toBe(200);
    expect(await allEvents(driver, "s")).toEqual([]);
    // More than there were, so that its own indices come to those which it was given.
    const events = Array.from({ length: 15 }, (_, at) => anEvent("s", at + 1));
    for (const event of events) await driver.insertEvent("s", event);
    const stored = await allEvents(driver, "s");
    expect(stored.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(stored.map(({ eventIndex }) => eventIndex)).toEqual(events.map((_, at) => at + 7));
  });

  test("takes one request for an event, also after one that was lost", async () => {
    const { id: sessionId } = await newSession(client);
    let requests = 0;
    const counted = driverOf({ sessionId, fetch: (url, init) => (requests++, fetch(url, init)) });
    await counted.insertEvent("s", anEvent("s", 1));
    const large = anEvent("s", 2, { payload: "x".repeat(1024 * 1024 + 1) });
    await expect(counted.insertEvent("s", large)).rejects.toMatchObject({ code: "payload_too_large" });
    requests = 0;
    for (const index of [3, 4, 5]) await counted.insertEvent("s", anEvent("s", index));
    expect(requests).toBe(3);
    expect((await allEvents(counted, "s")).map(({ eventIndex }) => eventIndex)).toEqual([1, 2, 3, 4]);
  });

  test("refuses an event whose id another conversation of its session has", async () => {
    const { id: sessionId } = await newSession(client);
    const driver = driverOf({ sessionId });
    const event = anEvent("s", 1);
    await driver.insertEvent("s", event);
    const copy = driver.insertEvent("copy", { ...event, sessionId: "copy" });
    await expect(copy).rejects.toMatchObject({ name: "EventIdTaken", message: expect.stringContaining(event.id) });
    expect(await allEvents(driver, "copy")).toEqual([]);
  });

  test("passes over threads that are not an agent's, and the session's own", async () => {
    const { id: sessionId } = await newSession(client);
    const driver = driverOf({ sessionId });
    for (const [thread, record] of [
      ["notes", { agent: "mock" }],
      ["list", [1]],
      ["text", "mock"],
      ["none", null],
    ] as const) {
      const put = await client.request("PUT", `/sessions/${sessionId}/threads/${thread}`, { json: { record } });
      expect(put.status).toBe(200);
      expect(await driver.getSession(thread)).toBeUndefined();
    }
    await client.request("POST", `/sessions/${sessionId}/events`, { json: { payload: "of the session" } });
    await driver.updateSession(aRecord("s"));
    expect(await allSessions(driver, 1)).toEqual([aRecord("s")]);
  });

  test("is its session's alone", async () => {
    const [one, other] = await Promise.all([newSession(client), newSession(client)]);
    const event = anEvent("s", 1);
    await driverOf({ sessionId: one.id }).insertEvent("s", event);
    await driverOf({ sessionId: one.id }).updateSession(aRecord("s"));
    const theirs = driverOf({ sessionId: other.id });
    expect([await allSessions(theirs), await allEvents(theirs, "s")]).toEqual([[], []]);
    await theirs.insertEvent("s", event);
    expect(await allEvents(theirs, "s")).toEqual([event]);
  });

  test("says by a code what went wrong", async () => {
    const { id: sessionId } = await newSession(client);
    const driver = driverOf({ sessionId });
    const large = anEvent("s", 1, { payload: "x".repeat(1024 * 1024 + 1) });
    await expect(driver.insertEvent("s", large)).rejects.toMatchObject({ code: "payload_too_large" });
    await expect(driver.insertEvent("..", anEvent("..", 1))).rejects.toMatchObject({ code: "invalid_request" });
    const nobody = driverOf({ sessionId: "ses_00000000000000000000" });
    await expect(nobody.getSession("s")).rejects.toBeInstanceOf(BuntimeError);
    await expect(nobody.getSession("s")).rejects.toMatchObject({ code: "session_not_found" });
    const stranger = driverOf({ sessionId, apiKey: "btk_wrong" });
    await expect(stranger.insertEvent("s", anEvent("s", 1))).rejects.toMatchObject({ code: "unauthorized" });
    expect(() => driverOf({ sessionId, baseUrl: "ftp://nowhere" })).toThrow(BuntimeError);
  });
});
