import { describe, expect, test } from "vitest";
import { InMemorySessionPersistDriver, RivetSessionPersistDriver } from "../../src/sdk/persist/index.ts";
import type { BoundedOptions, SessionPersistDriver } from "../../src/sdk/persist/index.ts";
import { behaves } from "./behaviour.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";

behaves(
  "in memory",
  () => {
    const driver = new InMemorySessionPersistDriver();
    return { driver, again: () => driver };
  },
  { runs: 200 },
);

behaves(
  "in the state of a Rivet actor",
  () => {
    const actor = { state: {} };
    return {
      driver: new RivetSessionPersistDriver(actor),
      again: () => new RivetSessionPersistDriver(actor),
    };
  },
  { runs: 200 },
);

const BOUNDED: readonly [string, (options?: BoundedOptions) => SessionPersistDriver][] = [
  ["in memory", (options) => new InMemorySessionPersistDriver(options)],
  ["in the state of an actor", (options) => new RivetSessionPersistDriver({ state: {} }, options)],
];

describe.each(BOUNDED)("%s", (_, create) => {
  test("1024 sessions are kept, the youngest, and the events of no other", async () => {
    const driver = create();
    for (let at = 1; at <= 1030; at++) {
      await driver.updateSession(aRecord(`s${at}`, { createdAt: at }));
      await driver.insertEvent(`s${at}`, anEvent(`s${at}`, 1));
    }
    const kept = (await allSessions(driver, 1000)).map(({ createdAt }) => createdAt);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1024, 7, 1030]);
    expect(await driver.getSession("s6")).toBeUndefined();
    expect(await allEvents(driver, "s6")).toEqual([]);
    expect(await allEvents(driver, "s7")).toHaveLength(1);
  });

  test("500 events of a session are kept, those with the highest index", async () => {
    const driver = create();
    for (let at = 1; at <= 505; at++) await driver.insertEvent("s", anEvent("s", at));
    await driver.insertEvent("other", anEvent("other", 1));
    const kept = (await allEvents(driver, "s", 1000)).map(({ eventIndex }) => eventIndex);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([500, 6, 505]);
    expect(await allEvents(driver, "other")).toHaveLength(1);
  });

  test("an event of a client that is far behind is not gone with the oldest ones", async () => {
    const driver = create({ maxEventsPerSession: 4 });
    for (let at = 1; at <= 10; at++) await driver.insertEvent("s", anEvent("s", at));
    const late = [anEvent("s", 3), anEvent("s", 4)];
    for (const event of late) await driver.insertEvent("s", event);
    const kept = await allEvents(driver, "s");
    expect(kept.map(({ eventIndex }) => eventIndex)).toEqual([9, 10, 11, 12]);
    expect(kept.slice(2).map(({ id }) => id)).toEqual(late.map(({ id }) => id));
  });

  test("sessions that never get a record are bounded as well", async () => {
    const driver = create({ maxSessions: 3, maxEventsPerSession: 2 });
    for (const id of ["a", "b", "c", "d"]) {
      for (const at of [1, 2, 3]) await driver.insertEvent(id, anEvent(id, at, { createdAt: id.codePointAt(0) ?? 0 }));
    }
    const lengths = await Promise.all(["a", "b", "c", "d"].map(async (id) => (await allEvents(driver, id)).length));
    expect(lengths).toEqual([0, 2, 2, 2]);
  });

  test.each([0, -1, 1.5, NaN])("a cap of %d is refused", (cap) => {
    expect(() => create({ maxSessions: cap })).toThrow(/maxSessions/);
    expect(() => create({ maxEventsPerSession: cap })).toThrow(/maxEventsPerSession/);
  });
});

describe("in the state of a Rivet actor", () => {
  test("sessions lie under one key as plain data, beside what else the actor has", async () => {
    const actor = { state: { count: 1 } as Record<string, unknown> };
    const driver = new RivetSessionPersistDriver(actor);
    const event = anEvent("s", 1);
    await driver.updateSession(aRecord("s"));
    await driver.insertEvent("s", event);
    expect(actor.state).toEqual({
      count: 1,
      _sandboxAgentPersist: { sessions: { s: aRecord("s") }, events: { s: [event] } },
    });
  });

  test("they are there when the actor comes back with what was stored of its state", async () => {
    const actor = { state: {} };
    await new RivetSessionPersistDriver(actor, { stateKey: "agents" }).updateSession(aRecord("s"));
    const woken = { state: structuredClone(actor.state) };
    expect(await allSessions(new RivetSessionPersistDriver(woken, { stateKey: "agents" }))).toEqual([aRecord("s")]);
    expect(await allSessions(new RivetSessionPersistDriver(woken))).toEqual([]);
  });

  test("what sandbox-agent's own driver has left of two clients is all there, in its order and on any page", async () => {
    const theirs = [1, 2, 3, 3, 4, 2, 5].map((index, at) => anEvent("s", index, { id: `e${at}` }));
    const actor = { state: { _sandboxAgentPersist: { sessions: { s: aRecord("s") }, events: { s: theirs } } } };
    const stored = structuredClone(actor.state);
    const driver = new RivetSessionPersistDriver(actor);
    const order = ["e0", "e1", "e5", "e2", "e3", "e4", "e6"];
    for (const limit of [1, 2, 3, 7, 100]) {
      const events = await allEvents(driver, "s", limit);
      expect(events.map(({ id }) => id)).toEqual(order);
      expect(events.map(({ eventIndex }) => eventIndex)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    }
    // Reading an actor's state does not write it.
    expect(actor.state).toEqual(stored);
    const page = await driver.listEvents({ sessionId: "s", limit: 4 });
    await driver.insertEvent("s", anEvent("s", 6, { id: "e7" }));
    const rest = await driver.listEvents({ sessionId: "s", cursor: page.nextCursor });
    expect(rest.items.map(({ id, eventIndex }) => [id, eventIndex])).toEqual([
      ["e3", 5],
      ["e4", 6],
      ["e6", 7],
      ["e7", 8],
    ]);
    expect(await allEvents(new RivetSessionPersistDriver(structuredClone(actor)), "s")).toHaveLength(8);
  });

  test("a session cannot be called __proto__", async () => {
    const driver = new RivetSessionPersistDriver({ state: {} });
    await expect(driver.updateSession(aRecord("__proto__"))).rejects.toThrow("__proto__");
    expect(await driver.getSession("__proto__")).toBeUndefined();
  });
});
