// What a function refers to by name, as far as its text tells: whether one that was written inside of another function may
// mean a variable of that one. Where that is not sure, it may.
import { tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";

const KEYWORDS = new Set(
  `await break case catch class const continue debugger default delete do else export extends false finally for
  function if import in instanceof let new null return switch throw true try typeof undefined var void while yield this
  super arguments`.split(/\s+/),
);
/** In an arrow function they are those of the function around it. */
const AROUND = new Set(["this", "super", "arguments"]);

export class Names {
  readonly #length: number;
  readonly #free: ReadonlySet<string>;
  readonly #isOpen: boolean;

  constructor(text: string) {
    const tokens = tokenize(text);
    const [first, second] = tokens;
    const isArrow = first?.text === "(" || first?.text === "async" || second?.text === "=>";
    const words = tokens.filter((token, index) => isName(token, tokens[index - 1]));
    const ownName = nameOf(tokens);
    const free = new Set(words.filter(isFree).map((token) => token.text));
    for (const name of parametersOf(tokens)) free.delete(name);
    this.#length = text.length;
    this.#free = free;
    this.#isOpen =
      words.some(({ text: word }) => word === "eval" || word.startsWith("#")) ||
      (isArrow && tokens.some((token, at) => AROUND.has(token.text) || isNewTarget(tokens, at))) ||
      // By its own name it may mean itself, which a function that is declared again is not.
      (ownName !== undefined && words.filter(({ text: word }) => word === ownName).length > 1);
    if (ownName !== undefined) free.delete(ownName);
  }

  /** Of a program that has the text at this place, inside of a function or a block. */
  mayBeBoundIn(tokens: readonly Token[], at: number): boolean {
    if (this.#isOpen) return true;
    if (this.#free.size === 0) return false;
    return tokens.some((token, index) => {
      if (token.start >= at && token.end <= at + this.#length) return false;
      if (!isName(token, tokens[index - 1])) return false;
      if (token.text === "eval" || token.text === "with") return true;
      const after = tokens[index + 1]?.text;
      // No declaration has a member behind its name.
      return this.#free.has(token.text) && after !== "." && after !== "?.";
    });
  }
}

function isName({ kind }: Token, before: Token | undefined): boolean {
  return kind === "word" && before?.text !== "." && before?.text !== "?.";
}

function isFree({ text }: Token): boolean {
  return !KEYWORDS.has(text);
}

/** `function name`, `async function* name`, `class name` */
function nameOf(tokens: readonly Token[]): string | undefined {
  let at = tokens[0]?.text === "async" ? 1 : 0;
  if (tokens[at]?.text !== "function" && tokens[at]?.text !== "class") return undefined;
  at += tokens[at + 1]?.text === "*" ? 2 : 1;
  const name = tokens[at];
  return name?.kind === "word" && isFree(name) ? name.text : undefined;
}

function isNewTarget(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.text === "new" && tokens[at + 1]?.text === ".";
}

/** Those that are plain names: `(a, ...b) =>`, `function f(a, b)`. */
function parametersOf(tokens: readonly Token[]): string[] {
  if (tokens[1]?.text === "=>") return [tokens[0]?.text ?? ""];
  const open = tokens.findIndex(({ text }) => text === "(");
  // Of a class or of a method with a computed name it may be anything.
  if (
    tokens.slice(0, Math.max(0, open)).some(({ kind, text }) => text === "class" || (kind !== "word" && text !== "*"))
  ) {
    return [];
  }
  const names: string[] = [];
  for (let at = open + 1; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.text === ")") return names;
    if (token?.kind === "word") names.push(token.text);
    else if (token?.text !== "," && token?.text !== "...") return [];
  }
  return [];
}
