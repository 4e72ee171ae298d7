// What verbs print: values on stdout, all else on stderr. Colours only where a terminal shows them, and with `--json` one
// JSON value, or one per line where values come as a stream.
import { tell } from "./failure.ts";
import { plain, plainLines } from "./text.ts";
import { table } from "./table.ts";
import type { Column } from "./table.ts";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** https://no-color.org and https://force-color.org: a wish for colours wins over one against them. */
export function hasColours(stream: NodeJS.WriteStream): boolean {
  const { FORCE_COLOR: wish, NO_COLOR: refusal, TERM } = process.env;
  if (wish !== undefined && wish !== "") return wish !== "0" && wish !== "false";
  if (refusal !== undefined && refusal !== "") return false;
  return stream.isTTY && TERM !== "dumb";
}

export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  const [on, off] = CODES[style];
  return hasColours(stream) ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/** What JSON leaves as it is, and a terminal may not. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

function json(value: unknown, space?: number): string {
  return JSON.stringify(value, null, space).replaceAll(
    UNSAFE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The one value of a verb: over lines on a terminal, else in one. */
export function printJson(value: unknown): void {
  process.stdout.write(`${json(value, process.stdout.isTTY ? 2 : undefined)}\n`);
}

/** One of many values. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${json(value)}\n`);
}

/** Text of ours, with what came from elsewhere made plain by the caller or here. */
export function print(text: string): void {
  process.stdout.write(`${plainLines(text)}\n`);
}

export function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const width = process.stdout.isTTY ? process.stdout.columns || 80 : Infinity;
  const [head = "", ...lines] = table(columns, rows, width);
  process.stdout.write([paint(process.stdout, "bold", head), ...lines].map((line) => `${line}\n`).join(""));
}

/** Names and values, the names in a column. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    process.stdout.write(`${paint(process.stdout, "dim", name.padEnd(width))}  ${plain(value)}\n`);
  }
}

/** What people may want to know beside the result. */
export function note(text: string): void {
  process.stderr.write(`${paint(process.stderr, "dim", plainLines(text))}\n`);
}

/** @returns the exit code that goes with it */
export function printError(error: unknown, options: { readonly json: boolean }): number {
  const { code, message, hint, exitCode, requestId } = tell(error);
  if (options.json) {
    process.stderr.write(`${json({ error: { code, message, hint, requestId } })}\n`);
    return exitCode;
  }
  const request = requestId === null ? "" : ` (request ${requestId})`;
  process.stderr.write(`${paint(process.stderr, "red", "buntime:")} ${plainLines(message)}${plain(request)}\n`);
  if (hint !== null) process.stderr.write(`  ${plainLines(hint)}\n`);
  return exitCode;
}

/** Bytes as they are. Resolves when they are on their way, so that a slow reader slows the writer down. */
export async function writeBytes(stream: NodeJS.WriteStream, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
