import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventParser, readEvents } from "../../src/sdk/server-sent-events.ts";
import type { ServerEvent } from "../../src/sdk/server-sent-events.ts";

const parse = (...pieces: readonly string[]): ServerEvent[] => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n\0]/g, ""));
const event = fc.record({
  event: line.map((text) => text || "message"),
  id: line.filter((text) => text !== ""),
  data: fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n")),
});

const text = ({ event: name, id, data }: ServerEvent, end: string): string =>
  [`event: ${name}`, `id: ${id}`, ...data.split("\n").map((one) => `data: ${one}`), "", ""].join(end);

const eventStream = (body: ReadableStream<Uint8Array>): Response =>
  new Response(body, { headers: { "content-type": "text/event-stream" } });

/** Cuts a text into pieces at any places. */
const cut = (whole: string, places: readonly number[]): string[] => {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => whole.slice(from, at[index] ?? whole.length));
};

describe("server-sent events", () => {
  test("are what was sent, however the text is cut and its lines end", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(event, fc.constantFrom("\n", "\r\n", "\r"), fc.constantFrom("", ":\n\n", ": comment\r\n\r\n")),
        ),
        fc.array(fc.nat()),
        (sent, places) => {
          const whole = sent.map(([one, end, comment]) => comment + text(one, end)).join("");
          expect(parse(...cut(whole, places))).toEqual(sent.map(([one]) => one));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("no text is an error, and none gives an event that has no data", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("d", "a", "t", ":", " ", "\n", "\r", "\0", "\uFEFF", "i") })),
        (pieces) => {
          const whole = parse(pieces.join(""));
          // Where it is cut makes no difference.
          expect(parse(...pieces)).toEqual(whole);
          expect(whole.every(({ event: name }) => name !== "")).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("fields are read as the specification says", () => {
    expect(parse("data\n\n")).toEqual([{ event: "message", id: "", data: "" }]);
    expect(parse("data:a\ndata:  b\n\n")).toEqual([{ event: "message", id: "", data: "a\n b" }]);
    expect(parse("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n").map(({ id }) => id)).toEqual(["1", "1", ""]);
    expect(parse("id: 1\0\ndata: a\n\n")[0]?.id).toBe("");
    expect(parse("event: x\n\ndata: a\n\n")).toEqual([{ event: "message", id: "", data: "a" }]);
    expect(parse("retry: 10\nother: x\n: comment\n\n")).toEqual([]);
    expect(parse("data: unfinished")).toEqual([]);
  });

  test("the last id is known, also where no event had it, once its block has ended", () => {
    const parser = new EventParser();
    expect([parser.push(": x\n\n"), parser.id]).toEqual([[], undefined]);
    expect([parser.push("id: 7\n: x\n"), parser.id]).toEqual([[], undefined]);
    expect([parser.push("\n"), parser.id]).toEqual([[], "7"]);
    expect(parser.push("id: 8\ndata: x\n\n").concat(parser.push("id: 9\ndata"))).toHaveLength(1);
    expect(parser.id).toBe("8");
  });

  test("an event that has no end is an error, not all of the memory", () => {
    for (const piece of ["x".repeat(1024 * 1024), `data: ${"x".repeat(1024 * 1024)}\n`]) {
      const parser = new EventParser();
      expect(() => {
        for (let sent = 0; sent < 100; sent++) parser.push(piece);
      }).toThrow("no end");
    }
  });

  test("characters that are cut in two are whole again, and a mark before the first is none", async () => {
    const bytes = new TextEncoder().encode("\uFEFFdata: é€𝄞日\n\n");
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const events = await Array.fromAsync(readEvents(eventStream(body)));
    expect(events.map(({ data }) => data)).toEqual(["é€𝄞日"]);
  });

  test("the answer is let go when the reader leaves", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
      cancel: () => void (cancelled = true),
    });
    for await (const _ of readEvents(eventStream(body))) break;
    expect(cancelled).toBe(true);
  });
});
