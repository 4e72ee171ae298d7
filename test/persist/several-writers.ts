// What every driver promises to clients that write to one session at the same time, as tests.
import { describe, expect, test } from "vitest";
import type { SessionEvent, SessionPersistDriver } from "../../src/sdk/persist/driver.ts";
import type { Store } from "./behaviour.ts";
import { allEvents, anEvent } from "./conversations.ts";

/** As sandbox-agent's client does: it looks once at which index it is, and counts for itself from then on. */
class Writer {
  readonly written: SessionEvent[] = [];
  readonly #driver: SessionPersistDriver;
  #next: Promise<number> | number | null = null;

  constructor(driver: SessionPersistDriver) {
    this.#driver = driver;
  }

  async write(count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      this.#next ??= allEvents(this.#driver, "s").then((events) => (events.at(-1)?.eventIndex ?? 0) + 1);
      const eventIndex = await this.#next;
      this.#next = eventIndex + 1;
      const event = anEvent("s", eventIndex);
      await this.#driver.insertEvent("s", event);
      this.written.push(event);
    }
  }
}

export function takesSeveralWriters(open: () => Store | Promise<Store>): void {
  describe("of several writers", () => {
    /** Nothing is lost, each index is one event's, and each writer's are in its order. */
    async function expectAll(driver: SessionPersistDriver, writers: readonly Writer[]): Promise<void> {
      const stored = await allEvents(driver, "s");
      expect(stored.map(({ eventIndex }) => eventIndex)).toEqual(stored.map((_, at) => at + 1));
      const place = new Map(stored.map((event) => [event.id, event]));
      expect(stored).toHaveLength(writers.reduce((count, { written }) => count + written.length, 0));
      for (const { written } of writers) {
        const theirs = written.map(({ id }) => place.get(id)?.eventIndex ?? 0);
        expect(theirs).toEqual(theirs.toSorted((one, other) => one - other));
        for (const event of written)
          expect({ ...place.get(event.id), eventIndex: 0 }).toEqual({ ...event, eventIndex: 0 });
      }
    }

    test("an event whose index is another's gets the one after the last, and is there once", async () => {
      const { driver } = await open();
      const events = [1, 2, 3].map((index) => anEvent("s", index));
      for (const event of events) await driver.insertEvent("s", event);
      const [late, later] = [anEvent("s", 1), anEvent("s", 2)];
      for (const event of [late, later, late, { ...late, eventIndex: 4 }]) await driver.insertEvent("s", event);
      await driver.insertEvent("other", anEvent("other", 1));
      expect(await allEvents(driver, "s")).toEqual([
        ...events,
        { ...late, eventIndex: 4 },
        { ...later, eventIndex: 5 },
      ]);
    });

    test("all events are there that are offered for one index at once", async () => {
      const { driver, again } = await open();
      const writers = [driver, await again(), driver, await again()];
      const offered = writers.map(() => anEvent("s", 1));
      await Promise.all(writers.map((writer, at) => writer.insertEvent("s", offered[at] ?? anEvent("s", 1))));
      const stored = await allEvents(driver, "s");
      expect(stored.map(({ eventIndex }) => eventIndex)).toEqual([1, 2, 3, 4]);
      expect(stored.map(({ id }) => id).toSorted()).toEqual(offered.map(({ id }) => id).toSorted());
    });

    test("all events are there that two clients write in turns, who do not know of each other", async () => {
      const { driver, again } = await open();
      const writers = [new Writer(driver), new Writer(await again())];
      for (let turn = 0; turn < 3; turn++) for (const writer of writers) await writer.write(6);
      await expectAll(driver, writers);
    });

    test("all events are there that three clients write at the same time", async () => {
      const { driver, again } = await open();
      const writers = [new Writer(driver), new Writer(await again()), new Writer(await again())];
      await Promise.all(writers.map((writer) => writer.write(12)));
      await expectAll(driver, writers);
    });
  });
}
