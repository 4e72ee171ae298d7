import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { TerminalCommand } from "../../../src/contract/terminal.ts";
import { parseCommand } from "../../../container/supervisor/terminal/command.ts";

function accepted(text: string): TerminalCommand | null {
  try {
    const parsed = TerminalCommand.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

const anyNumber = fc.oneof(fc.nat(1100), fc.integer(), fc.double(), fc.constantFrom(2 ** 53, -0, 1e21, 0.5));
const value = fc.oneof(anyNumber, fc.string({ maxLength: 70 }), fc.jsonValue());
const nearCommand = fc
  .record(
    {
      type: fc.oneof(fc.constantFrom("resize", "ping", "pong", "replay", "ack"), fc.jsonValue()),
      cols: value,
      rows: value,
      id: value,
      after: value,
      sequence: value,
    },
    { requiredKeys: ["type"] },
  )
  .map((command) => JSON.stringify(command));
const command = fc
  .oneof(
    fc.record({ type: fc.constant("resize"), cols: anyNumber, rows: anyNumber }),
    fc.record({ type: fc.constantFrom("ping", "pong"), id: fc.string({ maxLength: 70 }) }, { requiredKeys: ["type"] }),
    fc.record({ type: fc.constant("replay"), after: anyNumber }),
    fc.record({ type: fc.constant("ack"), sequence: anyNumber }),
  )
  .map((each) => JSON.stringify(each));

test("a message is taken where the contract's schema takes it, and as that does", () => {
  fc.assert(
    fc.property(fc.oneof(command, nearCommand, fc.json(), fc.string()), (text) => {
      const parsed = parseCommand(text);
      const expected = accepted(text);
      expect(typeof parsed === "string" ? null : parsed).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});
