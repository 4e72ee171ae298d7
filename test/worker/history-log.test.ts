import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HISTORY } from "../../src/contract/limits.ts";
import { ProblemError } from "../../src/lib/problem-error.ts";
import type { AppendedEvent } from "../../src/session/history/command.ts";
import type { HistoryLog } from "../../src/session/history/log.ts";
import { eventPage, threadPage } from "../../src/session/history/pages.ts";
import { indexOf } from "../../src/session/history/rows.ts";
import { eventOf, EVERYTHING, found, rowsOf, withLog } from "./history-database.ts";
import { HistoryModel } from "./history-model.ts";

const NOW = Date.UTC(2026, 0, 31);
const THREADS = ["ses_00000000000000000000", "one", "two"] as const;
const thread = fc.constantFrom(...THREADS);
const type = fc.constantFrom("event", "user_message", "agent_response", "system note");

/** Ids of a small number, so that some come again, with the same content or with another. */
const event: fc.Arbitrary<AppendedEvent> = fc
  .record({
    id: fc.nat({ max: 30 }).map((number) => `event ${number}`),
    type,
    sender: fc.constantFrom("client", "agent"),
    payload: fc.nat({ max: 1 }).map(String),
    eventIndex: fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    ),
  })
  .map((fields) => eventOf(fields));

type Command =
  | { readonly do: "append"; readonly thread: string; readonly events: readonly AppendedEvent[] }
  | { readonly do: "again"; readonly which: number }
  | { readonly do: "clear"; readonly thread: string; readonly types: readonly string[] | null }
  | { readonly do: "remove"; readonly thread: string };
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      thread,
      events: fc.array(event, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("again" as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("clear" as const),
      thread,
      types: fc.option(fc.uniqueArray(type, { minLength: 1 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), thread }) },
);

function appended(log: HistoryLog, to: string, events: readonly AppendedEvent[]): number[] | null {
  try {
    return log.append(to, events, NOW).map(({ eventIndex }) => eventIndex);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === "conflict") return null;
    throw error;
  }
}

describe("a log", () => {
  it("does what a few lists would, whatever is appended, sent again and deleted in which order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), (commands) =>
        withLog(async (log, storage) => {
          const model = new HistoryModel();
          const sent: [string, readonly AppendedEvent[]][] = [];
          for (const one of commands) {
            switch (one.do) {
              case "append":
                expect(appended(log, one.thread, one.events)).toEqual(model.append(one.thread, one.events));
                sent.push([one.thread, one.events]);
                break;
              case "again": {
                const [to, events] = sent[one.which % Math.max(1, sent.length)] ?? [THREADS[0], []];
                expect(appended(log, to, events)).toEqual(model.append(to, events));
                break;
              }
              case "clear":
                expect(await log.clear(one.thread, one.types)).toBe(model.clear(one.thread, one.types));
                break;
              case "remove":
                expect(await log.removeThread(one.thread)).toBe(model.remove(one.thread));
            }
          }
          for (const name of THREADS) {
            const rows = found(log, name).map((row) => [indexOf(row.seq), row.id, row.type, row.payload]);
            expect(rows).toEqual(model.of(name).map((own) => [own.index, own.id, own.type, own.payload]));
            expect(log.threads.find(name)?.events).toBe(model.lastOf(name) === undefined ? undefined : rows.length);
            expect(log.threads.find(name)?.last_index).toBe(model.lastOf(name));
          }
          const { events, searched } = rowsOf(storage);
          expect([events.length, searched]).toEqual([model.all().length, model.all().length]);
        }),
      ),
      { numRuns: 60 },
    );
  });

  it("writes a batch as a whole or not at all", () =>
    withLog((log, storage) => {
      log.append("one", [eventOf({ id: "taken" })], NOW);
      const batch = ["a", "b", "taken"].map((id) => eventOf({ id, payload: '"other"' }));
      expect(appended(log, "one", batch)).toBeNull();
      expect(rowsOf(storage)).toMatchObject({ events: [{ id: "taken" }], searched: 1 });
      expect(appended(log, "one", [eventOf({ id: "next" })])).toEqual([2]);
    }));

  it("takes content for the same whatever the order of its members, and for another if the thread is", () =>
    withLog((log) => {
      const payload = { deep: [{ a: 1, b: "é" }], z: null };
      expect(appended(log, "one", [eventOf({ id: "x", payload: JSON.stringify(payload) })])).toEqual([1]);
      const turned = '{"z":null,"deep":[{"b":"é","a":1}]}';
      expect(appended(log, "one", [eventOf({ id: "x", payload: turned })])).toEqual([1]);
      expect(appended(log, "two", [eventOf({ id: "x", payload: turned })])).toBeNull();
    }));

  it("keeps the time that it was first written, and tells it again", () =>
    withLog((log) => {
      const first = log.append("one", [eventOf({ id: "x" })], NOW);
      expect(log.append("one", [eventOf({ id: "x" })], NOW + 5000)).toEqual(first);
      expect(() => log.append("one", [eventOf({ id: "x", createdAt: NOW + 5000 })], NOW)).toThrow("another event");
    }));

  it("says when it is full and keeps nothing of what did not fit; after a deletion there is room", () =>
    withLog(
      async (log, storage) => {
        const large = (id: string): AppendedEvent => eventOf({ id, payload: JSON.stringify("x".repeat(50_000)) });
        let written = 0;
        let problem: unknown = null;
        while (problem === null && written < 1000) {
          try {
            log.append("one", [large(`large ${written}`)], NOW);
            written++;
          } catch (error) {
            problem = error;
          }
        }
        expect(problem).toMatchObject({ problem: { code: "disk_full", details: { limitBytes: 1_000_000 } } });
        expect(rowsOf(storage).events).toHaveLength(written);
        // What is written already is acknowledged again.
        expect(appended(log, "one", [large("large 0")])).toEqual([1]);
        expect(() =>
          log.putThread("two", { record: JSON.stringify("x".repeat(200_000)), createdAt: null }, NOW),
        ).toThrow("larger than");
        expect(log.threads.find("two")).toBeNull();
        expect(await log.clear("one", null)).toBe(written);
        expect(appended(log, "one", [large("after")])).toEqual([written + 1]);
      },
      { maxBytes: 1_000_000 },
    ));

  it("is cleared to the last event however many there are, while others go on writing", () =>
    withLog(async (log) => {
      const many = Array.from({ length: 2500 }, (_, index) => eventOf({ id: `m${index}` }));
      for (let at = 0; at < many.length; at += HISTORY.batch)
        log.append("one", many.slice(at, at + HISTORY.batch), NOW);
      log.append("two", [eventOf({ id: "other" })], NOW);
      const clearing = log.clear("one", null);
      expect(appended(log, "one", [eventOf({ id: "meanwhile" })])).toEqual([2501]);
      expect(await clearing).toBe(2500);
      expect(found(log, "one").map(({ id }) => id)).toEqual(["meanwhile"]);
      expect(found(log, "two").map(({ id }) => id)).toEqual(["other"]);
    }));
});

/** Each page after the other, as a client would ask for them. */
function allPages(ask: (cursor: string | null) => string): unknown[] {
  const items: unknown[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 10_000; pages++) {
    const page = JSON.parse(ask(cursor)) as { items: unknown[]; nextCursor: string | null };
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
  throw new Error("the pages have no end");
}

const words = fc.constantFrom("apple", "Pear", "näive", "42", "fox-trot", "ДОМ", "日本");
const filter = fc.record({
  types: fc.option(fc.uniqueArray(type, { minLength: 1 })),
  senders: fc.option(fc.uniqueArray(fc.constantFrom("client", "agent", "nobody"), { minLength: 1 })),
  q: fc.option(words),
  after: fc.nat({ max: 15 }),
  limit: fc.integer({ min: 1, max: 12 }),
});

describe("the pages of a log", () => {
  it("are together what a plain look at all events gives, in both orders, by any filter", async () => {
    const said = fc.array(
      fc.record({ type, sender: fc.constantFrom("client", "agent"), text: fc.array(words, { maxLength: 3 }) }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(said, fc.array(filter, { minLength: 1, maxLength: 6 }), (events, filters) =>
        withLog((log) => {
          const plain = events.map(({ text, ...rest }, index) => ({
            ...rest,
            id: `e${index}`,
            text,
            index: index + 1,
          }));
          for (const { id, text, ...rest } of plain) {
            log.append(
              "one",
              [
                eventOf({
                  id,
                  type: rest.type,
                  sender: rest.sender,
                  payload: JSON.stringify({ apple: text.join(" ") }),
                }),
              ],
              NOW,
            );
            log.append("two", [eventOf({ id: `two ${id}`, payload: '"apple 42"' })], NOW);
          }
          for (const { types, senders, q, after, limit } of filters) {
            const wanted = plain.filter(
              (own) =>
                own.index > after &&
                (types === null || types.includes(own.type)) &&
                (senders === null || senders.includes(own.sender)) &&
                (q === null || own.text.includes(q)),
            );
            for (const order of ["asc", "desc"] as const) {
              const pages = allPages((cursor) =>
                eventPage(log, "one", {
                  as: "events",
                  after,
                  order,
                  limit,
                  types,
                  senders,
                  q: q?.toUpperCase() ?? null,
                  cursor: cursor === null ? null : Number(cursor),
                }),
              );
              const ids = wanted.map(({ id }) => id);
              expect(pages.map((page) => Object(page).id)).toEqual(order === "asc" ? ids : ids.toReversed());
            }
          }
        }),
      ),
      { numRuns: 40 },
    );
  });

  it("end where their payloads are large, and lose nothing there", () =>
    withLog((log) => {
      const payload = JSON.stringify("y".repeat(HISTORY.payloadBytes - 2));
      for (let index = 0; index < 20; index++) log.append("one", [eventOf({ id: `e${index}`, payload })], NOW);
      const first = eventPage(log, "one", { ...EVERYTHING, as: "events", limit: 1000 });
      expect(first.length).toBeLessThan(HISTORY.pageBytes + HISTORY.payloadBytes + 10_000);
      const all = allPages((cursor) =>
        eventPage(log, "one", {
          ...EVERYTHING,
          as: "events",
          limit: 1000,
          cursor: cursor === null ? null : Number(cursor),
        }),
      );
      expect(all.map((one) => Object(one).eventIndex)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    }));

  it("of threads come by the time they were made and their ids, each once", async () => {
    const threads = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[ -~]{1,8}$/), fc.nat({ max: 3 })), {
      selector: ([id]) => id,
      maxLength: 15,
    });
    await fc.assert(
      fc.asyncProperty(threads, fc.integer({ min: 1, max: 5 }), (made, limit) =>
        withLog((log) => {
          for (const [id, createdAt] of made) log.putThread(id, { record: JSON.stringify({ id }), createdAt }, NOW);
          const pages = allPages((cursor) => threadPage(log, cursor, limit));
          const order = made.toSorted(([one, at], [other, then]) => at - then || (one < other ? -1 : 1));
          expect(pages).toEqual(
            order.map(([id, createdAt]) => ({ id, record: { id }, createdAt, updatedAt: NOW, events: 0 })),
          );
        }),
      ),
      { numRuns: 30 },
    );
  });
});

describe("a search of a log", () => {
  it("is harmless and finds no other thread's events, whatever it is asked for", () =>
    withLog(async (log) => {
      log.append("one", [eventOf({ id: "a", payload: '{"text":"alpha beta \\" NEAR ( ) * : ^ col"}' })], NOW);
      log.append("two", [eventOf({ id: "b", payload: '{"text":"alpha gamma"}' })], NOW);
      const operators = fc.constantFrom(
        '"',
        "alpha",
        "OR",
        "AND",
        "NOT",
        "NEAR(",
        "*",
        "^",
        "text:",
        "{",
        ")",
        "-",
        "'",
        "\0",
        ";",
        "--",
        "\ud800",
        "💥",
      );
      const query = fc.oneof(
        fc.array(operators, { maxLength: 8 }).map((parts) => parts.join(" ")),
        fc.string({ unit: "binary" }),
      );
      fc.assert(
        fc.property(query, (q) => {
          expect(found(log, "one", { q }).every(({ id }) => id === "a")).toBe(true);
        }),
        { numRuns: 500 },
      );
      expect(found(log, "one", { q: "ALPHA) OR (gamma" })).toEqual([]);
      expect(found(log, "one", { q: 'col: "near" alpha' }).map(({ id }) => id)).toEqual(["a"]);
    }));

  it("finds texts and numbers wherever they are in a payload, and no names of members", () =>
    withLog((log) => {
      const payload = JSON.stringify({
        line: "first\nsecond",
        list: [{ deep: "Straße 12" }],
        number: 2026,
        "a\u0000b": "nul\u0000l",
      });
      log.append("one", [eventOf({ id: "a", payload })], NOW);
      const finds = (q: string): boolean => found(log, "one", { q }).length === 1;
      expect(["second", "first second", "12 straße", "2026", "nul"].map(finds)).toEqual([true, true, true, true, true]);
      expect(["deep", "line", "nsecond", "20"].map(finds)).toEqual([false, false, false, false]);
    }));

  it("does not find what was deleted", () =>
    withLog(async (log) => {
      log.append(
        "one",
        [eventOf({ id: "a", payload: '"secret"' }), eventOf({ id: "b", payload: '"secret"', type: "kept" })],
        NOW,
      );
      await log.clear("one", ["event"]);
      expect(found(log, "one", { q: "secret" }).map(({ id }) => id)).toEqual(["b"]);
      await log.removeThread("one");
      log.append("one", [eventOf({ id: "c", payload: '"other"' })], NOW);
      expect(found(log, "one", { q: "secret" })).toEqual([]);
    }));
});
