// Reads what a viewer says. The schema of it is in the contract; the supervisor does without zod.
import { TERMINALS } from "../../../src/contract/limits.ts";
import type { TerminalCommand } from "../../../src/contract/terminal.ts";

const ID_CHARACTERS = 64;
const MEMBERS = {
  resize: ["cols", "rows"],
  ping: ["id"],
  pong: ["id"],
  replay: ["after"],
  ack: ["sequence"],
} as const satisfies Record<TerminalCommand["type"], readonly string[]>;

/** A command, or what is wrong with the text. */
export function parseCommand(text: string): TerminalCommand | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is not an object";
  const { type, ...rest }: { readonly [name: string]: unknown } = { ...value };
  if (!isType(type)) return `its type is none of ${Object.keys(MEMBERS).join(", ")}`;
  const members: readonly string[] = MEMBERS[type];
  const odd = Object.keys(rest).find((name) => !members.includes(name));
  if (odd !== undefined) return `${type} has no ${odd.slice(0, ID_CHARACTERS)}`;
  const number = (name: string, min: number, max: number): number | null => {
    const given = rest[name];
    return typeof given === "number" && Number.isSafeInteger(given) && given >= min && given <= max ? given : null;
  };
  switch (type) {
    case "resize": {
      const cols = number("cols", TERMINALS.cols.min, TERMINALS.cols.max);
      const rows = number("rows", TERMINALS.rows.min, TERMINALS.rows.max);
      if (cols === null || rows === null) {
        return `cols and rows are whole numbers up to ${TERMINALS.cols.max} and ${TERMINALS.rows.max}`;
      }
      return { type, cols, rows };
    }
    case "replay": {
      const after = number("after", 0, Number.MAX_SAFE_INTEGER);
      return after === null ? "after is a number of bytes" : { type, after };
    }
    case "ack": {
      const sequence = number("sequence", 0, Number.MAX_SAFE_INTEGER);
      return sequence === null ? "sequence is a number of bytes" : { type, sequence };
    }
    case "ping":
    case "pong":
      break;
  }
  const { id } = rest;
  if (id === undefined) return { type };
  return typeof id === "string" && id.length <= ID_CHARACTERS
    ? { type, id }
    : `id is a text of up to ${ID_CHARACTERS} characters`;
}

function isType(type: unknown): type is TerminalCommand["type"] {
  return typeof type === "string" && Object.hasOwn(MEMBERS, type);
}
