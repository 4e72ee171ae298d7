// What every driver promises, as tests. A file calls `behaves` for each store.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SessionPersistDriver } from "../../src/sdk/persist/driver.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";
import { followsModel } from "./model.ts";
import { takesSeveralWriters } from "./several-writers.ts";

export interface Store {
  readonly driver: SessionPersistDriver;
  /** Another driver on the same data, such as a second process has. */
  readonly again: () => SessionPersistDriver | Promise<SessionPersistDriver>;
}

export interface Traits {
  /** An event may have an index that is not the next. Default: true. */
  readonly gaps?: boolean;
  /** Conversations of random steps. Default: 30. */
  readonly runs?: number;
}

/** `open` makes an empty store for one test, and sees to its end. */
export function behaves(
  name: string,
  open: () => Store | Promise<Store>,
  { gaps = true, runs = 30 }: Traits = {},
): void {
  describe(name, () => {
    describe("a session's record", () => {
      test("is undefined before it was written", async () => {
        const { driver } = await open();
        expect(await driver.getSession("nobody")).toBeUndefined();
        expect(await driver.listSessions()).toEqual({ items: [] });
      });

      test("comes back as it was written, and is replaced as a whole", async () => {
        const { driver } = await open();
        const record = aRecord("s", {
          sandboxId: "buntime/ses_1",
          sessionInit: { cwd: "/workspace", mcpServers: [{ name: "ä \u0000 \ud83d\ude00", args: ["--x"] }] },
          configOptions: [{ id: "model", options: [] }],
          modes: null,
        });
        await driver.updateSession(record);
        expect(await driver.getSession("s")).toEqual(record);
        const other = aRecord("s", { destroyedAt: 5 });
        // The client writes so what is not there any more.
        await driver.updateSession(Object.assign({ sandboxId: undefined }, other));
        expect(await driver.getSession("s")).toStrictEqual(other);
        expect(await allSessions(driver)).toStrictEqual([other]);
      });

      test("is the store's own: changing what was given or got changes nothing in it", async () => {
        const { driver } = await open();
        const given = aRecord("s", { sessionInit: { cwd: "/", mcpServers: [] } });
        await driver.updateSession(given);
        given.sessionInit.cwd = "/changed";
        const got = await driver.getSession("s");
        if (got !== undefined) got.sessionInit.mcpServers.push("changed");
        expect((await driver.getSession("s"))?.sessionInit).toEqual({ cwd: "/", mcpServers: [] });
      });

      test("is the one that its JSON is", async () => {
        const { driver } = await open();
        const written = aRecord("other", { createdAt: 5 });
        await driver.updateSession(Object.assign(aRecord("s"), { toJSON: () => written }));
        expect(await driver.getSession("s")).toBeUndefined();
        expect(await driver.getSession("other")).toEqual(written);
        expect(await allSessions(driver)).toEqual([written]);
      });

      test("may be called what properties of objects are called", async () => {
        const { driver } = await open();
        for (const id of [
          "constructor",
          "toString",
          "a b/c?d=e#f%2F",
          "'; DROP TABLE agent_events; --",
          '"',
          "\\",
          "$1",
        ]) {
          expect(await driver.getSession(id), id).toBeUndefined();
          expect(await allEvents(driver, id), id).toEqual([]);
          await driver.updateSession(aRecord(id));
          const event = anEvent(id, 1);
          await driver.insertEvent(id, event);
          expect(await driver.getSession(id), id).toEqual(aRecord(id));
          expect(await allEvents(driver, id), id).toEqual([event]);
        }
      });
    });

    describe("the list of sessions", () => {
      test("is by age, then by id, whichever was written first", async () => {
        const { driver } = await open();
        const order = ["B", "a", "a-b", "ab", "b"].map((id) => aRecord(id, { createdAt: 10 }));
        const expected = [aRecord("z", { createdAt: 2 }), ...order, aRecord("A", { createdAt: 100 })];
        for (const record of expected.toReversed()) await driver.updateSession(record);
        expect(await allSessions(driver)).toEqual(expected);
        for (const limit of [1, 2, 3, 7, 1_000_000]) expect(await allSessions(driver, limit)).toEqual(expected);
      });

      test("neither repeats nor skips one when others come and go between two pages", async () => {
        const { driver } = await open();
        for (const id of ["b", "d", "f"]) await driver.updateSession(aRecord(id));
        const { items, nextCursor } = await driver.listSessions({ limit: 2 });
        expect(items.map(({ id }) => id)).toEqual(["b", "d"]);
        for (const id of ["a", "c", "e"]) await driver.updateSession(aRecord(id));
        const rest = await driver.listSessions({ cursor: nextCursor, limit: 9 });
        expect(rest.items.map(({ id }) => id)).toEqual(["e", "f"]);
        expect(rest).not.toHaveProperty("nextCursor");
      });

      test("leaves a session out that has events and no record yet", async () => {
        const { driver } = await open();
        await driver.insertEvent("early", anEvent("early", 1));
        expect(await driver.getSession("early")).toBeUndefined();
        expect(await allSessions(driver)).toEqual([]);
        await driver.updateSession(aRecord("early", { createdAt: 1 }));
        await driver.updateSession(aRecord("late", { createdAt: 2 }));
        expect((await allSessions(driver)).map(({ id }) => id)).toEqual(["early", "late"]);
        expect(await allEvents(driver, "early")).toHaveLength(1);
      });
    });

    describe("events", () => {
      test("are of one session, by their index, on pages of any size", async () => {
        const { driver } = await open();
        const events = Array.from({ length: 12 }, (_, index) => anEvent("s", index + 1));
        for (const event of events) await driver.insertEvent("s", event);
        await driver.insertEvent("other", anEvent("other", 1));
        for (const limit of [1, 5, 12, 13, 5000]) expect(await allEvents(driver, "s", limit)).toStrictEqual(events);
        const { items, nextCursor } = await driver.listEvents({ sessionId: "s", limit: 12 });
        expect([items.length, nextCursor]).toEqual([12, undefined]);
      });

      if (gaps)
        test("may come in any order, and leave gaps", async () => {
          const { driver } = await open();
          const events = [3, 7, 12, 100].map((index) => anEvent("s", index));
          for (const place of [2, 0, 3, 1]) await driver.insertEvent("s", events[place] ?? anEvent("s", 1));
          expect(await allEvents(driver, "s", 2)).toEqual(events);
          const late = anEvent("s", 7);
          await driver.insertEvent("s", late);
          expect(await allEvents(driver, "s", 2)).toEqual([...events, { ...late, eventIndex: 101 }]);
        });

      test("hold any JSON, to the character", async () => {
        const { driver } = await open();
        const payloads: unknown[] = [
          null,
          false,
          0,
          -0.000_001,
          1e300,
          "",
          [],
          {},
          { b: 1, a: [{ "": { nested: ["\u0000", "\ud83d\ude00", "\u2028", "\\u0000", "\\ud800", "'\"`$$"] } }] },
          JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
          { text: "x".repeat(600_000) },
        ];
        const events = payloads.map((payload, index) => anEvent("s", index + 1, { payload }));
        for (const event of events) await driver.insertEvent("s", event);
        const stored = await allEvents(driver, "s");
        expect(stored.map(({ payload }) => JSON.stringify(payload))).toEqual(
          payloads.map((each) => JSON.stringify(each)),
        );
        expect({}).not.toHaveProperty("polluted");
      });

      test("whose words end within a character have U+FFFD in its place", async () => {
        const { driver } = await open();
        const cut = anEvent("s", 1, { payload: { text: "\ud83d", "\ude00": ["\ud83d\ude00", "\\ud83d", "\\\ud83d"] } });
        await driver.insertEvent("s", cut);
        await driver.insertEvent("s", cut);
        const payload = { text: "\ufffd", "\ufffd": ["\ud83d\ude00", "\\ud83d", "\\\ufffd"] };
        expect(await allEvents(driver, "s")).toEqual([{ ...cut, payload }]);
      });

      test("that are sent again are there once", async () => {
        const { driver, again } = await open();
        const events = [anEvent("s", 1), anEvent("s", 2)];
        for (const event of [...events, ...events]) await driver.insertEvent("s", event);
        await Promise.all(
          [driver, await again()].flatMap((each) => events.map((event) => each.insertEvent("s", event))),
        );
        // A client that sends again does not know at which index the first one came to be.
        await driver.insertEvent("s", anEvent("s", 2, { ...events[0], eventIndex: 2 }));
        await driver.insertEvent("s", anEvent("s", 9, { ...events[0], eventIndex: 9 }));
        expect(await allEvents(driver, "s")).toEqual(events);
      });

      test("keep their id: another event by that id is refused, and nothing is changed", async () => {
        const { driver } = await open();
        const event = anEvent("s", 1);
        await driver.insertEvent("s", event);
        for (const change of [{ payload: { other: true } }, { eventIndex: 2, sender: "agent" as const }]) {
          const refused = driver.insertEvent("s", { ...event, ...change });
          await expect(refused).rejects.toMatchObject({
            name: "EventIdTaken",
            message: expect.stringContaining(event.id),
          });
        }
        expect(await allEvents(driver, "s")).toEqual([event]);
      });

      if (!gaps)
        test("that come after one that was lost get the next index", async () => {
          const { driver } = await open();
          const [first, third] = [anEvent("s", 1), anEvent("s", 3)];
          for (const event of [first, third, third]) await driver.insertEvent("s", event);
          expect(await allEvents(driver, "s")).toEqual([first, { ...third, eventIndex: 2 }]);
        });
    });

    takesSeveralWriters(open);

    test("a session whose name none can have is not there, whichever store is asked", async () => {
      const { driver } = await open();
      for (const id of ["", ".", "..", "stream", "ä", "a\u0000", "\n", "x".repeat(129)]) {
        expect(await driver.getSession(id), id).toBeUndefined();
        expect(await driver.listEvents({ sessionId: id }), id).toEqual({ items: [] });
      }
    });

    test("another driver on the same data sees all of it at once", async () => {
      const { driver, again } = await open();
      await driver.updateSession(aRecord("s"));
      await driver.insertEvent("s", anEvent("s", 1));
      const other = await again();
      expect(await other.getSession("s")).toEqual(aRecord("s"));
      expect(await allEvents(other, "s")).toEqual(await allEvents(driver, "s"));
      await other.updateSession(aRecord("t"));
      expect((await allSessions(driver)).map(({ id }) => id)).toEqual(["s", "t"]);
    });

    describe("what is not as it should be is refused and leaves nothing", () => {
      test("a record", async () => {
        const { driver } = await open();
        for (const change of [
          { id: "" },
          { id: "a\u0000" },
          { id: "ä" },
          { id: "x".repeat(129) },
          { id: 5 },
          { createdAt: -1 },
          { createdAt: NaN },
          { createdAt: "1" },
          { agent: undefined },
          { agent: 5 },
        ]) {
          // SAFETY: what TypeScript would refuse is what this is about.
          const record = { ...aRecord("s"), ...change } as ReturnType<typeof aRecord>;
          await expect(driver.updateSession(record), JSON.stringify(change)).rejects.toThrow(/of a session is not/);
        }
        expect(await allSessions(driver)).toEqual([]);
      });

      test("an event", async () => {
        const { driver } = await open();
        for (const change of [
          { id: "" },
          { id: "\n" },
          { eventIndex: 0 },
          { eventIndex: 1.5 },
          { eventIndex: "1" },
          { eventIndex: 2 ** 52 + 1 },
          { createdAt: null },
          { connectionId: null },
          { sender: undefined },
          { payload: undefined },
          { payload: () => 1 },
          { payload: Symbol("no JSON") },
          { payload: { toJSON: () => undefined } },
        ]) {
          const event = { ...anEvent("s", 1), ...change } as ReturnType<typeof anEvent>;
          await expect(driver.insertEvent("s", event), JSON.stringify(change)).rejects.toThrow(/of an event is/);
        }
        await expect(driver.insertEvent("", anEvent("", 1))).rejects.toThrow(/id of a session/);
        expect(await allEvents(driver, "s")).toEqual([]);
      });

      test("a cursor and a limit", async () => {
        const { driver } = await open();
        for (const cursor of ["nonsense", "1", "1.", "-1", "{}", "' OR 1=1", "9".repeat(400)]) {
          await expect(driver.listSessions({ cursor }), cursor).rejects.toThrow(RangeError);
        }
        for (const cursor of ["nonsense", "1.5", "-1", "9".repeat(400)]) {
          await expect(driver.listEvents({ sessionId: "s", cursor }), cursor).rejects.toThrow(RangeError);
        }
        for (const limit of [0, -1, 1.5, NaN, Infinity]) {
          await expect(driver.listSessions({ limit }), String(limit)).rejects.toThrow(/limit is not a whole number/);
          await expect(driver.listEvents({ sessionId: "s", limit }), String(limit)).rejects.toThrow(RangeError);
        }
      });
    });

    test("any steps leave what they leave in a plain model, on pages of any size", async () => {
      await fc.assert(followsModel(open, gaps), { numRuns: runs });
    });
  });
}
