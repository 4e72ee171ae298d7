// From a piece of a notebook in TypeScript or JSX to a program of the engine. Bun's transpiler does the work (its REPL mode
// makes top-level declarations assignments to globals, imports and top-level await possible, and finds the last value); what
// it prints is then taken apart and put where the user wrote it. Functions become a program of their own that runs first, so
// that they are global as the variables are: one that is declared again is the new one for those too that call it.
import { alignTokens } from "./align.ts";
import { Layout, Lines } from "./layout.ts";
import type { Shift } from "./layout.ts";
import { findNeeds, withoutExports } from "./statements.ts";
import { matchBrackets, tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";
import { transpile } from "./transpile.ts";
import { findUsing } from "./using.ts";

export interface Compiled {
  /** The user's declarations at top level. */
  readonly names: readonly string[];
  /** Declarations of the transpiler's own, for imports, JSX and decorators. */
  readonly hidden: readonly string[];
  /** Declarations of functions, as a script. Empty: none. */
  readonly functions: string;
  /** A script, or the body of an async function. */
  readonly body: string;
  readonly isAsync: boolean;
  /** The last statement is an expression: the script's value; of an async body, the only element of what it returns. */
  readonly hasValue: boolean;
  readonly shifts: readonly Shift[];
  readonly isStrict: boolean;
  /** What its imports have to give. */
  readonly needs: readonly NeedAt[];
}

export interface NeedAt {
  readonly specifier: string;
  readonly names: readonly string[];
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** In front of what is strict. */
export const STRICT = '"use strict";';

/** Where compiled code finds `meta`. */
export const META = "$cell$";

/** What comes before the body of an async function, on its first line. */
export const ASYNC_HEAD = "async()=>{";
const ASYNC_TAIL = "\n}";

const NOTHING: Compiled = {
  names: [],
  hidden: [],
  functions: "",
  body: "",
  isAsync: false,
  hasValue: false,
  shifts: [],
  isStrict: false,
  needs: [],
};

/** @throws BuildMessage or AggregateError of them, as the transpiler does */
export function compile(text: string): Compiled {
  const code = leavesExports(text) ? withoutExports(text) : text;
  const printed = transpile(code);
  const tokens = tokenize(printed);
  if (tokens.length === 0) return NOTHING;
  const partners = matchBrackets(tokens);
  const frame = readFrame(tokens);
  const { isAsync, start, end } = frame;
  const written = tokenize(code);
  const origins = alignTokens(tokens.slice(start, end), written);
  const originOf = (index: number): Token | null => written[origins[index - start] ?? -1] ?? null;

  const using = isAsync && /\busing\b/.test(code) ? findUsing(printed, tokens, partners, start, end) : null;
  const names = [...frame.names, ...(using?.names ?? [])];
  const value = using === null ? findValue(tokens, partners, start, end) : using.value;
  const functions = findFunctions(tokens, partners, start, end, names);
  const shown = value !== null && !isDeclaration(tokens, value, names, origins[value.start - start] ?? -1, written);

  const lines = new Lines(code);
  const place = (layout: Layout, from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const token = tokens[index];
      if (token === undefined) return;
      const before = tokens[index - 1];
      const added = using?.inserted.get(index);
      if (added !== undefined) layout.insert(added);
      if (using?.skipped.has(index) === true) continue;
      const origin = originOf(index);
      const gap = before !== undefined && before.end < token.start;
      // A script has no `import.meta`; the kernel keeps one by a name that is as long.
      const isMeta = token.text === "import" && tokens[index + 1]?.text === "." && before?.text !== ".";
      const printed = isMeta ? { ...token, text: META } : token;
      layout.add(printed, gap, origin, origin === null ? null : lines.placeOf(origin.start));
      if (using?.ended.has(index) === true) layout.insert(";");
    }
  };

  const head = new Layout();
  const isStrict = hasDirective(tokens, start);
  if (isStrict && functions.length > 0) head.insert(STRICT);
  const body = new Layout();
  if (isAsync) body.insert(ASYNC_HEAD);
  let at = start;
  for (const { from, to, isRegistration } of functions) {
    place(body, at, from);
    if (!isRegistration) place(head, from, to);
    at = to;
  }
  if (value === null) place(body, at, end);
  else {
    place(body, at, value.statement);
    const [open, close] = isAsync ? ["return[", "];"] : ["(", ");"];
    const isBare = !isAsync && !needsParentheses(tokens[value.start]);
    if (!isBare) body.insert(open);
    place(body, value.start, value.end);
    body.insert(isBare ? ";" : close);
    if (using !== null) place(body, value.end + 1, end);
  }

  const words = new Set(written.map(({ text }) => text));
  return {
    names: names.filter((name) => words.has(name)),
    hidden: names.filter((name) => !words.has(name)),
    functions: functions.length === 0 ? "" : head.text,
    body: body.text + (isAsync ? ASYNC_TAIL : ""),
    isAsync,
    hasValue: shown,
    shifts: [...head.shifts, ...body.shifts],
    isStrict,
    needs: words.has("import") ? needsOf(written, tokens.slice(start, end), lines) : [],
  };
}

/** Some the transpiler takes away by itself; and the word may be in the text of an element. */
function leavesExports(text: string): boolean {
  if (!/\bexport\b/.test(text)) return false;
  try {
    return tokenize(transpile(text)).some((token) => token.text === "export");
  } catch {
    return true;
  }
}

function hasDirective(tokens: readonly Token[], start: number): boolean {
  for (let at = start; tokens[at]?.kind === "string" && tokens[at + 1]?.text === ";"; at += 2) {
    if (tokens[at]?.text.slice(1, -1) === "use strict") return true;
  }
  return false;
}

function needsOf(written: readonly Token[], printed: readonly Token[], lines: Lines): NeedAt[] {
  const used = (name: string): number =>
    printed.filter((token, at) => token.text === name && printed[at - 1]?.text !== ".").length;
  return findNeeds(written, used).map(({ specifier, names, start }) => {
    const { line, column } = lines.placeOf(start);
    return { specifier, names, line: line + 1, column: column + 1 };
  });
}

interface Frame {
  readonly names: readonly string[];
  readonly isAsync: boolean;
  /** Of the statements. */
  readonly start: number;
  readonly end: number;
}

/** `var a, b; (async () => { … })();` */
function readFrame(tokens: readonly Token[]): Frame {
  const names: string[] = [];
  let at = 0;
  while (tokens[at]?.text === "var") {
    for (at += 1; at < tokens.length && tokens[at]?.text !== ";"; at++) {
      const token = tokens[at];
      if (token?.kind === "word") names.push(token.text);
    }
    at += 1;
  }
  const isAsync = tokens[at + 1]?.text === "async";
  const start = at + (isAsync ? 6 : 5);
  const end = tokens.length - 5;
  if (tokens[start - 1]?.text !== "{" || tokens[end]?.text !== "}")
    throw new Error("The transpiler printed something new");
  return { names: [...new Set(names)], isAsync, start, end };
}

interface Value {
  /** Where the statement that holds it begins. */
  readonly statement: number;
  readonly start: number;
  readonly end: number;
}

const RETURN = ["return", "{", "__proto__", ":", "null", ",", "value", ":"];

function findValue(tokens: readonly Token[], partners: Int32Array, start: number, end: number): Value | null {
  const close = end - 2;
  const open = partners[close] ?? -1;
  const statement = open - 1;
  if (statement < start || tokens[close]?.text !== "}") return null;
  if (RETURN.some((text, index) => tokens[statement + index]?.text !== text)) return null;
  return { statement, start: statement + RETURN.length, end: close };
}

interface Piece {
  readonly from: number;
  readonly to: number;
  /** `this.name = name;` in front of them, which globals do not need. */
  readonly isRegistration: boolean;
}

/** What functions are declared by, in order. */
function findFunctions(
  tokens: readonly Token[],
  partners: Int32Array,
  start: number,
  end: number,
  names: readonly string[],
): Piece[] {
  const pieces: Piece[] = [];
  const known = new Set(names);
  const text = (index: number): string => tokens[index]?.text ?? "";
  for (let at = start, isStatement = true; at < end;) {
    if (isStatement && text(at) === "this" && text(at + 1) === "." && text(at + 3) === "=" && text(at + 5) === ";") {
      const name = text(at + 2);
      if (known.has(name) && text(at + 4) === name) {
        pieces.push({ from: at, to: at + 6, isRegistration: true });
        at += 6;
        continue;
      }
    }
    const keyword = text(at) === "async" ? at + 1 : at;
    if (isStatement && text(keyword) === "function") {
      let open = keyword;
      while (open < end && text(open) !== "(") open += 1;
      const close = partners[(partners[open] ?? -1) + 1] ?? -1;
      if (close < at) break;
      pieces.push({ from: at, to: close + 1, isRegistration: false });
      at = close + 1;
      continue;
    }
    const partner = partners[at] ?? -1;
    at = partner > at ? partner : at + 1;
    isStatement = text(at - 1) === ";" || (text(at - 1) === "}" && text(at) !== ")");
  }
  return pieces;
}

const DECLARES = /^(?:const|let|var|class|using|enum|namespace|module|import|as|,)$/;

/** REPL mode makes `const a = 1` the expression `a = 1`. What was a statement to the user shows nothing. */
function isDeclaration(
  tokens: readonly Token[],
  { start }: Value,
  names: readonly string[],
  origin: number,
  written: readonly Token[],
): boolean {
  const text = tokens[start]?.text ?? "";
  const isPattern = text === "{" || text === "[";
  const binds = names.includes(text) && tokens[start + 1]?.text === "=";
  // An import, or the last step of a decorated class.
  if (origin < 0) return binds || (text.startsWith("__") && names.includes(text));
  if (!isPattern && !binds) return false;
  let before = origin - 1;
  while (before >= 0 && written[before]?.text === "{") before -= 1;
  return DECLARES.test(written[before]?.text ?? "");
}

/** These begin a statement of another kind. */
function needsParentheses(first: Token | undefined): boolean {
  return first !== undefined && /^(?:\{|function|class|async|let)$/.test(first.text);
}
