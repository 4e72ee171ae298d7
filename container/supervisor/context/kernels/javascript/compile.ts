// From a piece of a notebook in TypeScript or JSX to a program of the engine. Bun's transpiler does the work (its REPL mode
// makes top-level declarations assignments to globals, imports and top-level await possible, and finds the last value); what
// it prints is then taken apart and put where the user wrote it. Functions become a program of their own that runs first, so
// that they are global as the variables are: one that is declared again is the new one for those too that call it.
import { alignTokens } from "./align.ts";
import { Layout, Lines } from "./layout.ts";
import type { Shift } from "./layout.ts";
import { matchBrackets, tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";
import { transpile } from "./transpile.ts";

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
}

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
};

/** @throws BuildMessage or AggregateError of them, as the transpiler does */
export function compile(code: string): Compiled {
  const printed = transpile(code);
  const tokens = tokenize(printed);
  if (tokens.length === 0) return NOTHING;
  const partners = matchBrackets(tokens);
  const { names, isAsync, start, end } = readFrame(tokens);
  const written = tokenize(code);
  const origins = alignTokens(tokens.slice(start, end), written);
  const originOf = (index: number): Token | null => written[origins[index - start] ?? -1] ?? null;

  const value = findValue(tokens, partners, start, end);
  const functions = findFunctions(tokens, partners, start, end, names);
  const shown = value !== null && !isDeclaration(tokens, value, names, origins[value.start - start] ?? -1, written);

  const lines = new Lines(code);
  const place = (layout: Layout, from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const token = tokens[index];
      if (token === undefined) return;
      const before = tokens[index - 1];
      const origin = originOf(index);
      const gap = before !== undefined && before.end < token.start;
      // A script has no `import.meta`; the kernel keeps one by a name that is as long.
      const isMeta = token.text === "import" && tokens[index + 1]?.text === "." && before?.text !== ".";
      const printed = isMeta ? { ...token, text: META } : token;
      layout.add(printed, gap, origin, origin === null ? null : lines.placeOf(origin.start));
    }
  };

  const head = new Layout();
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
  }

  const words = new Set(written.map(({ text }) => text));
  return {
    names: names.filter((name) => words.has(name)),
    hidden: names.filter((name) => !words.has(name)),
    functions: head.text,
    body: body.text + (isAsync ? ASYNC_TAIL : ""),
    isAsync,
    hasValue: shown,
    shifts: [...head.shifts, ...body.shifts],
  };
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
