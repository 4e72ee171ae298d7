import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PREAMBLE, TRUNCATED } from "../../src/session/history/replayed.ts";
import { replayOf } from "../../src/session/history/replay.ts";
import type { ReplayedEvent } from "../../src/session/history/replay.ts";

const AT = Date.UTC(2026, 0, 31);
const SANDBOX_AGENT =
  "Previous session history is replayed below as JSON-RPC envelopes. Use it as context before responding to the latest user prompt.";

const said = (payload: unknown, sender = "agent"): ReplayedEvent => ({
  created_at: AT,
  sender,
  payload: JSON.stringify(payload),
});
const promptOf = (...texts: string[]): unknown => ({
  method: "session/prompt",
  params: { prompt: texts.map((text) => ({ type: "text", text })) },
});
const whole = { maxEvents: 1000, maxChars: 1_000_000 };
/** What a replay holds, oldest first. */
const linesOf = (text: string): { createdAt: string; sender: string; payload: unknown }[] =>
  text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));

const event = fc
  .tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom("user", "agent"))
  .map(([payload, sender]) => said(payload, sender));
const most = fc.record({ maxEvents: fc.integer({ min: 1, max: 60 }), maxChars: fc.integer({ min: 500, max: 5000 }) });

describe("a replay", () => {
  it("is never longer than asked for, and has the newest events, whole, oldest first", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), most, (oldestFirst, limits) => {
        const { text, events, truncated } = replayOf(oldestFirst.toReversed(), limits);
        expect(text.length).toBeLessThanOrEqual(limits.maxChars);
        expect(events).toBeLessThanOrEqual(limits.maxEvents);
        const newest = events === 0 ? [] : oldestFirst.slice(-events);
        expect(linesOf(text)).toEqual(
          newest.map(({ sender, payload }) => ({
            createdAt: new Date(AT).toISOString(),
            sender,
            payload: JSON.parse(payload),
          })),
        );
        expect(truncated).toBe(events < oldestFirst.length);
        expect(text.split("\n").slice(0, truncated ? 2 : 1)).toEqual(
          truncated ? [PREAMBLE, TRUNCATED] : [oldestFirst.length === 0 ? "" : PREAMBLE],
        );
      }),
      { numRuns: 500 },
    );
  });

  it("has no place left for one more event", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), most, (oldestFirst, limits) => {
        const { text, events, truncated } = replayOf(oldestFirst.toReversed(), limits);
        const next = oldestFirst.at(-events - 1);
        if (!truncated || next === undefined || events === limits.maxEvents) return;
        const line = JSON.stringify({
          createdAt: new Date(AT).toISOString(),
          sender: next.sender,
          payload: JSON.parse(next.payload),
        });
        // The oldest event of all needs no mark before it, and would not fit in its place either.
        const mark = events + 1 === oldestFirst.length ? TRUNCATED.length + 1 : 0;
        expect(text.length - mark + line.length + 1).toBeGreaterThan(limits.maxChars);
      }),
      { numRuns: 500 },
    );
  });

  it("of nothing is empty", () => {
    expect(replayOf([], whole)).toEqual({ text: "", events: 0, truncated: false });
  });

  it("reads no more events than it has a place for", () => {
    let read = 0;
    function* endless(): Generator<ReplayedEvent> {
      for (;;) {
        read++;
        yield said("x".repeat(100));
      }
    }
    const { events, text } = replayOf(endless(), { maxEvents: 1000, maxChars: 2000 });
    // One that does not fit, and one that had to make way for the mark.
    expect(read).toBeLessThanOrEqual(events + 2);
    expect(text.length).toBeLessThanOrEqual(2000);
  });
});

describe("a replay that was given to an agent", () => {
  it("is not replayed again, however often the history is", () => {
    const history = [said(promptOf("What is the answer?"), "client"), said({ result: "42" })];
    let told = replayOf(history.toReversed(), whole);
    const once = told.text;
    for (let turn = 0; turn < 5; turn++) {
      history.push(said(promptOf(told.text, `question ${turn}`), "client"), said({ result: turn }));
      told = replayOf(history.toReversed(), whole);
      expect(told.text.split(PREAMBLE)).toHaveLength(2);
    }
    expect(told.text.startsWith(once)).toBe(true);
    const prompts = linesOf(told.text).filter(({ sender }) => sender === "client");
    expect(prompts.map(({ payload }) => payload)).toEqual(
      ["What is the answer?", ...[0, 1, 2, 3, 4].map((turn) => `question ${turn}`)].map((text) => promptOf(text)),
    );
  });

  it("is not replayed if it is sandbox-agent's own, cut or whole", () => {
    const line = JSON.stringify({ createdAt: 1, sender: "client", payload: promptOf("old") });
    for (const replay of [`${SANDBOX_AGENT}\n${line}\n${line}\n`, `${SANDBOX_AGENT}\n${line}\n\n[history truncated]`]) {
      const { text } = replayOf([said(promptOf(replay, "now"), "client")], whole);
      expect(linesOf(text)[0]?.payload).toEqual(promptOf("now"));
    }
  });

  it("leaves what a person has written around it", () => {
    const { text: replay } = replayOf([said("one"), said("two")], { maxEvents: 1, maxChars: 1000 });
    expect(replay).toContain(TRUNCATED);
    const content = `Before:\n${replay}\n{"not":"of it"}\nAnd after.`;
    const { text } = replayOf([said({ content })], whole);
    expect(linesOf(text)[0]?.payload).toEqual({ content: 'Before:\n{"not":"of it"}\nAnd after.' });
  });

  it("is in no replay, wherever its first line hides in a payload", () => {
    const hiding = fc
      .tuple(
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(
          fc.constantFrom(PREAMBLE, SANDBOX_AGENT, "x", "\n", PREAMBLE.slice(0, 9), PREAMBLE.slice(9), TRUNCATED),
          { maxLength: 6 },
        ),
      )
      .map(([around, parts]) => [
        around,
        parts.join(""),
        { [parts.join("")]: JSON.stringify({ text: parts.join("") }) },
      ]);
    fc.assert(
      fc.property(hiding, (payload) => {
        const { text } = replayOf([said(payload)], whole);
        expect(text.split(PREAMBLE)).toHaveLength(2);
        expect(text).not.toContain("Previous session history is replayed below");
      }),
      { numRuns: 500 },
    );
  });
});
