import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACCOUNT_TABS, parseRoute, pathOf, SESSION_TABS } from "../../src/console/state/route.ts";

describe("an address of the console", () => {
  it("leads to where it was made for, whatever a session is called", () => {
    const session = fc.record({
      page: fc.constant("session" as const),
      session: fc.string({ minLength: 1, unit: "grapheme" }),
      tab: fc.constantFrom(...SESSION_TABS),
    });
    const account = fc.record({ page: fc.constant("account" as const), tab: fc.constantFrom(...ACCOUNT_TABS) });
    fc.assert(
      fc.property(fc.oneof(session, account), (route) => {
        expect(parseRoute(pathOf(route))).toEqual(route);
      }),
    );
    expect(parseRoute(pathOf({ page: "sessions" }))).toEqual({ page: "sessions" });
  });

  it("that leads nowhere says so, and breaks nothing", () => {
    for (const path of [
      "/console/x",
      "/console/sessions/a/b",
      "/console/sessions/%ff",
      "/console/account/usage/x",
      "/else",
    ]) {
      expect(parseRoute(path)).toEqual({ page: "nowhere", path });
    }
    fc.assert(
      fc.property(fc.string(), (path) => {
        expect(parseRoute(`/console/${path}`).page).toMatch(/^(?:sessions|session|account|nowhere)$/);
      }),
    );
  });
});
