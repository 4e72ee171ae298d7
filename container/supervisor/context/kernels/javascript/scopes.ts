// Which parts of a program are inside of a function or a block: a function that was made there may hold on to variables that
// nobody else can see, so its text alone is not all of it. Where that is not sure, a part counts as inside.
import { matchBrackets, tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";

export interface Scope {
  readonly start: number;
  readonly end: number;
}

export function isInside(scopes: readonly Scope[], at: number): boolean {
  return scopes.some(({ start, end }) => start < at && at < end);
}

/** The outermost ones, in order. */
export function findScopes(text: string): Scope[] {
  const tokens = tokenize(text);
  const partners = matchBrackets(tokens);
  const scopes: Scope[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const end = scopeEnd(tokens, partners, index);
    if (end <= index) continue;
    scopes.push({ start: tokens[index]?.start ?? 0, end: tokens[end]?.end ?? text.length });
    index = end;
  }
  return scopes;
}

/** The last token of the scope that begins with this one, -1 where none does. */
function scopeEnd(tokens: readonly Token[], partners: Int32Array, index: number): number {
  const token = tokens[index];
  const partner = partners[index] ?? -1;
  switch (token?.text) {
    case "(": {
      // Parameters; their defaults are inside too.
      const after = tokens[partner + 1]?.text;
      if (partner < index || (after !== "=>" && after !== "{")) return -1;
      return after === "=>" ? arrowEnd(tokens, partners, partner + 1) : (partners[partner + 1] ?? -1);
    }
    case "=>":
      return arrowEnd(tokens, partners, index);
    case "{":
      return isObjectLiteral(tokens[index - 1]) ? -1 : partner;
    case "for":
      return tokens[index - 1]?.text === "." ? -1 : statementEnd(tokens, partners, index + 1);
    case undefined:
    default:
      return -1;
  }
}

function arrowEnd(tokens: readonly Token[], partners: Int32Array, arrow: number): number {
  if (tokens[arrow + 1]?.text === "{") return partners[arrow + 1] ?? -1;
  for (let at = arrow + 1; at < tokens.length; at++) {
    const partner = partners[at] ?? -1;
    if (partner > at) at = partner;
    else if (/^[,;)\]}]/.test(tokens[at]?.text ?? "") && tokens[at]?.kind !== "string") return at - 1;
  }
  return tokens.length - 1;
}

/** A loop's head and what it repeats. */
function statementEnd(tokens: readonly Token[], partners: Int32Array, from: number): number {
  for (let at = from; at < tokens.length; at++) {
    const text = tokens[at]?.text;
    const partner = partners[at] ?? -1;
    if (partner > at) at = partner;
    if (text === ";" || (text === "{" && tokens[at + 1]?.text !== ")")) return at;
  }
  return tokens.length - 1;
}

const BEFORE_VALUE = /^(?:return|typeof|in|of|instanceof|void|delete|new|throw|yield|await|case|default)$/;

/** Otherwise a block, or the body of a function or a class. */
function isObjectLiteral(before: Token | undefined): boolean {
  if (before === undefined) return false;
  if (before.kind === "word") return BEFORE_VALUE.test(before.text);
  if (before.kind === "template") return before.text.endsWith("${");
  return before.kind === "punctuation" && !/^(?:=>|\)|;|\{|\}|\])$/.test(before.text);
}
