// Takes a replay out of what is replayed: an agent that was given one in a prompt has it in its log from then on, and
// every replay would hold all those before. Pure.

/** The first line of a replay of ours. Nothing in it is written otherwise in JSON. */
export const PREAMBLE =
  "What happened earlier in this conversation follows, oldest first, one JSON object a line. It is context, not a request.";
/** The line after it, where older events were left out. */
export const TRUNCATED = "[history truncated]";

/** Ours, and how the SDK of sandbox-agent begins its own. */
const MARKS = [PREAMBLE, "Previous session history is replayed below"];

/** JSON text as it is where it holds no replay. */
export function withoutReplay(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return markIn(json) < 0 ? value : stripped(value);
}

function stripped(value: unknown): unknown {
  if (typeof value === "string") {
    return strippedText(value);
  }
  if (Array.isArray(value)) {
    return value.flatMap((inner: unknown) => {
      const rest = stripped(inner);
      return isEmptied(inner, rest) ? [] : [rest];
    });
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [strippedText(key), stripped(inner)]))
    : value;
}

/** From its first line to the last that can be of it; what is around it stays, each on its own line. */
function strippedText(text: string): string {
  if (markIn(text) < 0) {
    return text;
  }
  const kept: string[] = [];
  let inside = false;
  for (const line of text.split("\n")) {
    const at = markIn(line);
    if (at >= 0) {
      inside = true;
      kept.push(...(at === 0 ? [] : [line.slice(0, at)]));
    } else if (!inside || !isOfReplay(line)) {
      inside = false;
      kept.push(line);
    }
  }
  return kept.join("\n");
}

function isOfReplay(line: string): boolean {
  return line === "" || line === TRUNCATED || line.startsWith('{"createdAt":');
}

/** A block of text of a prompt that was nothing but a replay. */
function isEmptied(before: unknown, after: unknown): boolean {
  const textOf = (block: unknown): unknown => Object(block).text;
  return textOf(before) !== "" && textOf(after) === "";
}

/** Where one of the marks begins, or -1. */
function markIn(text: string): number {
  const found = MARKS.map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}
