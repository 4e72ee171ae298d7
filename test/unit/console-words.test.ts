// How the console tells sizes, times and addresses, what a search means, and what a life comes to.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressWithin, previewUrlOf } from "../../src/console/pages/session/preview-address.ts";
import { timeLineOf } from "../../src/console/pages/session/time-line.ts";
import { formatAge, formatBytes, formatDuration, formatSpan } from "../../src/console/parts/format.ts";
import { matches } from "../../src/console/state/session-filter.ts";
import type { Event, Session, SessionInfo } from "../../src/sdk/index.ts";

describe("sizes and times", () => {
  it("are told in the unit that a person would choose", () => {
    expect([0, 1, 1023, 1024, 1536, 10 * 1024 * 1024, 3 * 1024 ** 4].map(formatBytes)).toEqual([
      "0 B",
      "1 B",
      "1023 B",
      "1.0 KB",
      "1.5 KB",
      "10.0 MB",
      "3.0 TB",
    ]);
    expect([-5, 0, 9_000, 250_000, 3_600_000, 187_200_000].map(formatSpan)).toEqual([
      "0 s",
      "0 s",
      "9 s",
      "4 min 10 s",
      "1 h",
      "2 d 4 h",
    ]);
    expect([4.23, 380, 1800, 61_000].map(formatDuration)).toEqual(["4.2 ms", "380 ms", "1.8 s", "1 min 1 s"]);
    expect(formatAge("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:03Z"))).toBe("just now");
    expect(formatAge("2026-01-01T00:00:00Z", Date.parse("2026-01-01T01:10:00Z"))).toBe("1 h ago");
  });

  it("never become nonsense", () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (value) => {
        expect(formatBytes(value)).toMatch(/^\d+(?:\.\d)? (?:B|KB|MB|GB|TB)$/);
        expect(formatSpan(value)).toMatch(/^\d+ (?:d|h|min|s)(?: \d+ (?:h|min|s))?$/);
      }),
    );
  });
});

describe("an address of a preview", () => {
  const url = "https://ses-abc.example.dev/";

  it("names every port but the first", () => {
    expect(previewUrlOf(url, 8080)).toBe(url);
    expect(previewUrlOf(url, 3000)).toBe("https://ses-abc-3000.example.dev/");
  });

  it("stays within that preview, whatever is typed", () => {
    expect(addressWithin(url, "")).toBe(url);
    expect(addressWithin(url, " /a?b=1#c ")).toBe(`${url}a?b=1#c`);
    for (const typed of [
      "https://example.com",
      "//example.com/x",
      "javascript:alert(1)",
      "data:text/html,x",
      "http://ses-abc.example.dev/",
    ]) {
      expect(addressWithin(url, typed)).toBeNull();
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl()), (typed) => {
        const address = addressWithin(url, typed);
        expect(address === null || new URL(address).origin === "https://ses-abc.example.dev").toBe(true);
      }),
    );
  });
});

const SESSION = {
  id: "ses_aaaaaaaaaaaaaaaaaaaa",
  name: "Checkout",
  state: "active",
  createdAt: "2026-01-01T00:00:00.000Z",
  metadata: { team: "shop", run: 42 },
  tags: ["Black-Friday"],
  description: "The basket of the autumn",
  lastRestore: null,
  // SAFETY: what the functions of this file look at.
} as unknown as SessionInfo;

describe("a search for sessions", () => {
  const finds = (text: string, state: Session["state"] | "all" = "all") => matches(SESSION, { text, state });

  it("finds by name, id, tag, description and metadata, every word of it", () => {
    for (const text of ["", "check", "ses_aaa", "shop", "team:shop", "run=42", "CHECK team:sh", "friday autumn"])
      expect(finds(text)).toBe(true);
    for (const text of ["team:data", "check data", "shop:team"]) expect(finds(text)).toBe(false);
    expect([finds("", "active"), finds("", "idle")]).toEqual([true, false]);
  });
});

describe("the time line of a session", () => {
  const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`;
  const event = (type: string, minute: number, data: Record<string, unknown> = {}): Event =>
    // SAFETY: what a time line is made of.
    ({ id: `evt_${minute}`, type, at: at(minute), sessionId: SESSION.id, data }) as unknown as Event;

  it("is the states it was in, one after the other, up to now", () => {
    const history = [
      event("session.idle", 5),
      event("session.deep_sleep", 30),
      event("session.woken", 40, { from: "deep-sleep" }),
    ];
    const { spans, marks } = timeLineOf(SESSION, history, [], Date.parse(at(50)));
    expect(spans.map(({ state, from, to }) => [state, (to - from) / 60_000])).toEqual([
      ["active", 5],
      ["idle", 25],
      ["deep-sleep", 10],
      ["active", 10],
    ]);
    expect(marks.map(({ text }) => text)).toEqual(["woken from deep sleep", "created"]);
  });

  it("has no gap and no overlap, whatever the order of its events", () => {
    const types = fc.constantFrom(
      "session.idle",
      "session.deep_sleep",
      "session.woken",
      "session.lost",
      "execution.completed",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(types, fc.nat({ max: 59 }))), (events) => {
        const history = events.map(([type, minute]) => event(type, minute));
        const { spans } = timeLineOf(SESSION, history, [], Date.parse("2026-01-01T01:00:00Z"));
        for (const [index, { from, to }] of spans.entries()) {
          expect(to).toBeGreaterThan(from);
          if (index > 0) expect(from).toBe(spans[index - 1]?.to);
        }
        expect([spans[0]?.from, spans.at(-1)?.to]).toEqual([Date.parse(at(0)), Date.parse("2026-01-01T01:00:00Z")]);
      }),
    );
  });
});
