// `using` and `await using` at top level. The transpiler puts all of the run into a `try` whose end disposes of them, and with
// that into a block: its last value is found there, and what it declares is made global as in any other run.
import type { Token } from "./tokens.ts";

export interface UsingBlock {
  readonly names: readonly string[];
  /** Tokens that are left out: the `var` of what becomes global. */
  readonly skipped: ReadonlySet<number>;
  /** What goes before a token. */
  readonly inserted: ReadonlyMap<number, string>;
  /** Where a semicolon goes behind it. */
  readonly ended: ReadonlySet<number>;
  /** The last statement, where it is an expression; the token behind it ends it. */
  readonly value: { readonly statement: number; readonly start: number; readonly end: number } | null;
}

const OWN = /^__(?:using_|bun_temp_ref_)/;
const STATEMENT =
  /^(?:if|for|while|do|switch|try|with|return|throw|var|let|const|class|function|break|continue|debugger|else|\{|;)$/;

/** Null: there is none. */
export function findUsing(
  printed: string,
  tokens: readonly Token[],
  partners: Int32Array,
  start: number,
  end: number,
): UsingBlock | null {
  const text = (index: number): string => tokens[index]?.text ?? "";
  const skip = (index: number): number => Math.max(partners[index] ?? -1, index) + 1;
  let open = start;
  while (open < end && !(text(open) === "{" && text(open - 1) === "try")) open = skip(open);
  const close = partners[open] ?? -1;
  if (close < open || text(close + 1) !== "catch" || !OWN.test(text(close + 3))) return null;

  // The printer begins each statement on a line of its own; what is further in belongs to the one before.
  const statements: number[] = [];
  const indentOf = (index: number): string | undefined =>
    /\n( *)$/.exec(printed.slice(tokens[index - 1]?.end, tokens[index]?.start))?.[1];
  const indent = indentOf(open + 1);
  for (let at = open + 1; at < close; at = skip(at)) if (indentOf(at) === indent) statements.push(at);
  const names: string[] = [];
  const skipped = new Set<number>();
  const inserted = new Map<number, string>();
  const ended = new Set<number>();
  for (const [index, at] of statements.entries()) {
    const next = statements[index + 1] ?? close;
    const name = text(at + 1);
    if (text(at) === "class") {
      names.push(name);
      inserted.set(at, `${name} = `);
      ended.add(next - 1);
    } else if (text(at) === "var") {
      const declared = namesOf(tokens, skip, at + 1, next - 1);
      if (declared === null) continue;
      names.push(...declared);
      skipped.add(at);
      const isPattern = name === "{";
      if (isPattern) inserted.set(at + 1, "(").set(next - 1, ")");
    }
  }
  const last = statements.at(-1) ?? close;
  const isExpression = last < close && text(close - 1) === ";" && !STATEMENT.test(text(last));
  const isOther = (text(last) === "async" && text(last + 1) === "function") || text(last + 1) === ":";
  const value = isExpression && !isOther ? { statement: last, start: last, end: close - 1 } : null;
  return { names, skipped, inserted, ended, value };
}

/** Of `name = …, { a, b: [c] } = …` up to its end. Null: one of them is of this run alone, or cannot be told. */
function namesOf(tokens: readonly Token[], skip: (index: number) => number, from: number, to: number): string[] | null {
  const names: string[] = [];
  const text = (index: number): string => tokens[index]?.text ?? "";
  for (let at = from; at < to; at++) {
    const value = skip(at);
    const words = tokens
      .slice(at, value)
      .filter((token, index) => token.kind === "word" && text(at + index + 1) !== ":");
    if (text(value) !== "=" || OWN.test(text(value + 1)) || words.length === 0) return null;
    if (tokens.slice(at, value).some((token) => token.text === "=" || token.text === "(")) return null;
    if (at > from && text(at) === "{") return null;
    names.push(...words.map((token) => token.text));
    for (at = value; at < to && text(at) !== ","; at = skip(at));
  }
  return names;
}
