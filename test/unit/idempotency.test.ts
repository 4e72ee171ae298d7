import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stepOf } from "../../src/account/idempotency-step.ts";
import { IDEMPOTENCY_KEPT_MS } from "../../src/contract/limits.ts";
import { EventTail } from "../../src/lib/event-tail.ts";
import { worthOf } from "../../src/http/kept-answer.ts";

const NOW = 1_700_000_000_000;
const known = (answered: boolean, ageMs = 1000): { fingerprint: string; startedAt: number; answered: boolean } => ({
  fingerprint: "a",
  startedAt: NOW - ageMs,
  answered,
});

describe("a call with a key", () => {
  it("runs when the key is new or was used more than 24 hours ago", () => {
    expect(stepOf(null, null, "a", NOW)).toBe("first");
    expect(stepOf(known(true, IDEMPOTENCY_KEPT_MS), null, "b", NOW)).toBe("first");
    expect(stepOf(known(true, IDEMPOTENCY_KEPT_MS - 1), null, "a", NOW)).toBe("replay");
  });

  it("waits for the one that runs, and takes over from one that was lost", () => {
    expect(stepOf(known(false), NOW + 1, "a", NOW)).toBe("wait");
    expect(stepOf(known(false), NOW, "a", NOW)).toBe("again");
    expect(stepOf(known(false), null, "a", NOW)).toBe("again");
  });

  it("never runs beside another with the same key, and never for something else", () => {
    const ages = fc.integer({ min: 0, max: 2 * IDEMPOTENCY_KEPT_MS });
    fc.assert(
      fc.property(ages, fc.boolean(), fc.constantFrom("a", "b"), (ageMs, answered, fingerprint) => {
        const held = stepOf(known(answered, ageMs), NOW + 1, fingerprint, NOW);
        expect(["first", "again"]).not.toContain(held);
        const free = stepOf(known(answered, ageMs), null, fingerprint, NOW);
        if (fingerprint === "b") {
          expect(["first", "conflict"]).toContain(free);
        } else if (answered) {
          expect(["first", "replay"]).toContain(free);
        }
      }),
    );
  });
});

describe("an answer", () => {
  const worth = (status: number, error: object = {}, again = false): string =>
    worthOf({ status, body: new TextEncoder().encode(JSON.stringify({ error })) }, again);
  const executionId = "exe_0123456789abcdefghij";

  it("that tells an outcome is kept, good or bad", () => {
    for (const status of [200, 201, 403, 404, 408, 409, 413]) {
      expect(worth(status)).toBe("keep");
    }
    expect(worth(507, { code: "memory_limit_exceeded", details: { executionId } })).toBe("keep");
    expect(worth(507, { code: "disk_full", details: { executionId } })).toBe("keep");
    const unknown = { executionId, outcome: "unknown" };
    expect(worth(503, { code: "container_unavailable", details: unknown }, true)).toBe("keep");
  });

  it("that says that nothing ran leaves the key free, unless an earlier call may have run", () => {
    const nothing = [
      [400, { code: "invalid_request" }],
      [429, { code: "session_limit_exceeded" }],
      [503, { code: "container_unavailable", details: { reason: "no engine" } }],
      [507, { code: "disk_full", details: {} }],
    ] as const;
    for (const [status, error] of nothing) {
      expect(worth(status, error)).toBe("forget");
      expect(worth(status, error, true)).toBe("undecided");
    }
  });

  it("that nobody expected decides nothing", () => {
    expect(worth(500, { code: "internal_error" })).toBe("undecided");
    const broken = { code: "container_unavailable", details: { reason: "reset", broken: true } };
    expect(worth(503, broken)).toBe("undecided");
    expect(worthOf({ status: 502, body: new TextEncoder().encode("<html>") }, false)).toBe("undecided");
  });
});

describe("the end of a stream", () => {
  const event = (name: string, data: unknown, id: number): string =>
    `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
  const events = fc.array(
    fc.oneof(
      fc.constant(":\n\n"),
      fc.string({ unit: "grapheme" }).map((data) => event("stdout", { data }, 1)),
    ),
  );

  function tailOf(text: string, cuts: readonly number[]): EventTail {
    const bytes = new TextEncoder().encode(text);
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
    const tail = new EventTail();
    for (const [index, end] of ends.entries()) {
      tail.add(bytes.slice(ends[index - 1] ?? 0, end));
    }
    return tail;
  }

  it("is found wherever the bytes were cut", () => {
    const answer = fc.record({ stdout: fc.string({ unit: "grapheme" }) });
    fc.assert(
      fc.property(events, answer, fc.array(fc.nat()), (before, exit, cuts) => {
        const ending = tailOf(before.join("") + event("exit", exit, 2), cuts).ending();
        expect(ending?.status).toBe(200);
        expect(JSON.parse(new TextDecoder().decode(ending?.body))).toEqual(exit);
      }),
    );
  });

  it("is none while output comes last, or when it broke off", () => {
    fc.assert(
      fc.property(events, fc.array(fc.nat()), (before, cuts) => {
        expect(tailOf(before.join(""), cuts).ending()).toBeNull();
        expect(tailOf(`${before.join("")}event: exit\nid: 1\ndata: {"a"`, cuts).ending()).toBeNull();
      }),
    );
  });

  it("that is an error has the status of its code", () => {
    const error = { code: "memory_limit_exceeded", message: "", details: {} };
    expect(tailOf(event("error", { error }, 1), []).ending()?.status).toBe(507);
  });
});
