// Random steps on a driver beside the same steps on two Maps.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect } from "vitest";
import type { SessionEvent, SessionRecord } from "../../src/sdk/persist/driver.ts";
import type { Store } from "./behaviour.ts";
import { allEvents, allSessions, anEvent, aRecord } from "./conversations.ts";

const session = fc.constantFrom("a", "b", "B", "a-b", "~");
const payload = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

const put = fc.record({
  step: fc.constant("put"),
  session,
  createdAt: fc.integer({ min: 0, max: 3 }),
  sessionInit: payload,
});
/** At the next index, or `skip` behind it. */
const insert = fc.record({
  step: fc.constant("insert"),
  session,
  skip: fc.integer({ min: 0, max: 2 }),
  payload,
  sender: fc.constantFrom("client" as const, "agent" as const),
});
/** An event that is there, once more: as it is, at another index, with another id, or with another payload. */
const repeat = fc.record({
  step: fc.constant("repeat"),
  session,
  which: fc.nat(20),
  as: fc.constantFrom("itself", "other index", "other id", "other payload"),
});
const step = fc.oneof(put, insert, insert, repeat);
const steps = fc.array(step, { maxLength: 30 });
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

export const followsModel = (
  open: () => Store | Promise<Store>,
  gaps: boolean,
): fc.IAsyncPropertyWithHooks<[Step[], number]> =>
  fc.asyncProperty(steps, fc.integer({ min: 1, max: 6 }), async (taken, limit) => {
    const { driver } = await open();
    const records = new Map<string, SessionRecord>();
    const events = new Map<string, SessionEvent[]>();
    for (const step of taken) {
      const list = events.get(step.session) ?? [];
      events.set(step.session, list);
      if (step.step === "put") {
        const record = aRecord(step.session, { createdAt: step.createdAt, sessionInit: step.sessionInit });
        await driver.updateSession(record);
        records.set(record.id, record);
      } else if (step.step === "insert") {
        const eventIndex = (list.at(-1)?.eventIndex ?? 0) + 1 + (gaps ? step.skip : 0);
        const event = anEvent(step.session, eventIndex, { payload: step.payload, sender: step.sender });
        await driver.insertEvent(step.session, event);
        list.push(event);
      } else {
        const event = list[step.which % Math.max(list.length, 1)];
        if (event === undefined) continue;
        if (step.as === "itself") await driver.insertEvent(step.session, event);
        else if (step.as === "other index") {
          await driver.insertEvent(step.session, { ...event, eventIndex: event.eventIndex + 1 });
        } else if (step.as === "other id") {
          const other = { ...event, id: randomUUID() };
          await driver.insertEvent(step.session, other);
          list.push({ ...other, eventIndex: (list.at(-1)?.eventIndex ?? 0) + 1 });
        } else {
          const other = { ...event, payload: { other: event.payload } };
          await expect(driver.insertEvent(step.session, other)).rejects.toMatchObject({ name: "EventIdTaken" });
        }
      }
    }
    const sorted = [...records.values()].toSorted(
      (one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1),
    );
    expect(await allSessions(driver, limit)).toEqual(sorted);
    for (const [id, list] of events) {
      expect(await driver.getSession(id)).toEqual(records.get(id));
      const stored = await allEvents(driver, id, limit);
      // Quicker than expect's, by much, where all is well.
      if (!isDeepStrictEqual(stored, list)) expect(stored).toEqual(list);
    }
  });
