// The tokens of a piece of JavaScript, TypeScript or JSX. Exact for what Bun's transpiler prints; for what people write it is
// close, which is enough where only positions hang on it: a comment in JSX text or a regular expression in an odd place may be
// taken for something else, but no character is ever lost or read twice.

type TokenKind = "word" | "number" | "string" | "template" | "regex" | "punctuation";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)+/y;
/** A URL in the text of an element is no comment. */
const WHITE = /\s+/y;
const WORD = /#?[\p{ID_Start}$_][\p{ID_Continue}$\u200C\u200D]*/uy;
const NUMBER = /\d(?:[eE][+-]\d|[\w.])*|\.\d(?:[eE][+-]\d|\w)*/y;
const STRING = /"(?:[^"\\\n\r]|\\[^])*"|'(?:[^'\\\n\r]|\\[^])*'/y;
const REGEX = /\/(?:[^/\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+\/[\p{ID_Continue}$]*/uy;
const OPERATOR =
  />>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|<<|>>|\*\*|[^]/uy;
/** Up to the end of the literal, or to the next `${`. */
const CHUNK = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
/** A value cannot follow these, so a `/` behind them begins a regular expression. */
const BEFORE_VALUE =
  /^(?:return|typeof|case|in|of|instanceof|void|delete|new|throw|yield|await|else|do|extends|default)$/;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  /** How many braces are open inside each `${` that is open. */
  const holes: number[] = [];
  let at = 0;

  const take = (pattern: RegExp, from = at): number => {
    pattern.lastIndex = from;
    return pattern.test(text) ? pattern.lastIndex : -1;
  };
  const push = (kind: TokenKind, end: number): void => {
    tokens.push({ kind, text: text.slice(at, end), start: at, end });
    at = end;
  };
  const chunk = (): void => {
    const end = take(CHUNK, at + 1);
    if (end < 0) return push("punctuation", at + 1);
    if (text[end - 1] === "{") holes.push(0);
    push("template", end);
  };

  while (at < text.length) {
    const isAddress = text[at] === "/" && text[at + 1] === "/" && text[at - 1] === ":";
    const space = take(isAddress ? WHITE : SPACE);
    if (space > at) {
      at = space;
      continue;
    }
    const character = text[at] ?? "";
    if (character === "`") {
      chunk();
      continue;
    }
    const inner = holes.at(-1);
    if (character === "}" && inner === 0) {
      holes.pop();
      chunk();
      continue;
    }
    if (inner !== undefined && character === "{") holes[holes.length - 1] = inner + 1;
    if (inner !== undefined && character === "}") holes[holes.length - 1] = inner - 1;

    let end: number;
    if ((end = take(WORD)) > at) push("word", end);
    else if ((end = take(NUMBER)) > at) push("number", end);
    else if ((character === '"' || character === "'") && (end = take(STRING)) > at) push("string", end);
    else if (character === "/" && mayBeRegex(tokens.at(-1), text[at + 1]) && (end = take(REGEX)) > at)
      push("regex", end);
    else push("punctuation", Math.max(take(OPERATOR), at + 1));
  }
  return tokens;
}

function mayBeRegex(before: Token | undefined, next: string | undefined): boolean {
  if (before === undefined) return true;
  switch (before.kind) {
    case "word":
      return BEFORE_VALUE.test(before.text);
    case "punctuation":
      // `</name>`, `{…} />`
      if (before.text === "<" || next === ">") return before.text === "(" || before.text === ",";
      return before.text !== ")" && before.text !== "]";
    case "template":
      return before.text.endsWith("${");
    case "number":
    case "string":
    case "regex":
    default:
      return false;
  }
}

/** For every bracket the index of its partner, for everything else -1. A template's `${` and `}` are brackets too; what is
 * between two of them has the later one as its partner. */
export function matchBrackets(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (closes(token)) {
      const partner = open.pop();
      if (partner !== undefined) {
        partners[index] = partner;
        partners[partner] = index;
      }
    }
    if (opens(token)) open.push(index);
  }
  return partners;
}

function opens({ kind, text }: Token): boolean {
  if (kind === "template") return text.endsWith("${");
  return kind === "punctuation" && (text === "(" || text === "[" || text === "{");
}

function closes({ kind, text }: Token): boolean {
  if (kind === "template") return text.startsWith("}");
  return kind === "punctuation" && (text === ")" || text === "]" || text === "}");
}
