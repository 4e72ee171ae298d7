// What is refused of a query before SQLite sees it: too many statements, and a WITH that makes rows out of its own without saying
// how many at most. Nothing here ends a query that goes on for long, so one that could go on for ever must not begin. SQLite
// stops such a WITH at its LIMIT: https://sqlite.org/lang_with.html. Pure.
import { SQL_NESTING, SQL_RECURSION_ROWS, SQL_STATEMENTS } from "./limits.ts";

interface Token {
  /** Lower case; of a name in quotes, what is in them. */
  readonly text: string;
  readonly kind: "word" | "quoted" | "number" | "other";
}

/** Why it is refused; null: it is not. */
export function refusalOf(sql: string): string | null {
  const tokens = tokensOf(sql);
  if (tokens.filter(({ text }) => text === ";").length > SQL_STATEMENTS) {
    return `has more than ${SQL_STATEMENTS} statements`;
  }
  const closing = closingsOf(tokens);
  if (closing === null) {
    return `has more than ${SQL_NESTING} parentheses in each other`;
  }
  const endless = tokens.findIndex((_, index) => isEndless(tokens, closing, index));
  return endless === -1
    ? null
    : `has a recursive WITH, ${tokens[endless]?.text.slice(0, 100)}, without an end: close it with LIMIT and a number of at most ${SQL_RECURSION_ROWS}`;
}

/** https://sqlite.org/lang.html: space, comments, text and names in quotes, words, numbers, and single characters. */
const TOKEN =
  /(?<space>\s+|--[^\n]*|\/\*[^]*?(?:\*\/|$))|(?<quoted>'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$))|(?<number>\d[\w.]*)|(?<word>[\p{L}_$\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*)|(?<other>[^])/gu;

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const { groups = {} } of sql.matchAll(TOKEN)) {
    const { quoted, number, word, other } = groups;
    if (quoted !== undefined) {
      tokens.push({ kind: "quoted", text: unquoted(quoted).toLowerCase() });
    } else if (word !== undefined) {
      tokens.push({ kind: "word", text: word.toLowerCase() });
    } else if (number !== undefined) {
      tokens.push({ kind: "number", text: number });
    } else if (other !== undefined) {
      tokens.push({ kind: "other", text: other });
    }
  }
  return tokens;
}

function unquoted(text: string): string {
  const mark = text.charAt(0);
  const inner = text.slice(1, text.length > 1 && text.endsWith(mark === "[" ? "]" : mark) ? -1 : undefined);
  return mark === "[" ? inner : inner.replaceAll(mark + mark, mark);
}

/** Whether a table of a WITH begins with this name, `name (columns) AS (SELECT …)`, that reads itself and has no LIMIT. */
function isEndless(tokens: readonly Token[], closing: ReadonlyMap<number, number>, index: number): boolean {
  const name = tokens[index];
  if (name === undefined || !isName(name)) {
    return false;
  }
  let at = index + 1;
  if (tokens[at]?.text === "(") {
    at = (closing.get(at) ?? tokens.length) + 1;
  }
  if (!isWord(tokens[at++], "as")) {
    return false;
  }
  at += isWord(tokens[at], "not") ? 2 : isWord(tokens[at], "materialized") ? 1 : 0;
  if (tokens[at]?.text !== "(" || !["select", "values", "with"].some((word) => isWord(tokens[at + 1], word))) {
    return false;
  }
  const body = tokens.slice(at + 1, closing.get(at));
  return reads(body, name.text) && !hasLimit(body);
}

function isName({ kind }: Token): boolean {
  return kind === "word" || kind === "quoted";
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === "word" && token.text === text;
}

/** Where each parenthesis is closed, by where it is opened; nothing of one that never is. Null: too many in each other. */
function closingsOf(tokens: readonly Token[]): ReadonlyMap<number, number> | null {
  const closings = new Map<number, number>();
  const open: number[] = [];
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind === "other" && text === "(" && open.push(index) > SQL_NESTING) {
      return null;
    }
    const opened = kind === "other" && text === ")" ? open.pop() : undefined;
    if (opened !== undefined) {
      closings.set(opened, index);
    }
  }
  return closings;
}

/** Words that begin another part of a SELECT, in which a name between commas is no table. */
const NO_TABLES = new Set([
  "select",
  "where",
  "group",
  "having",
  "window",
  "order",
  "limit",
  "values",
  "set",
  "on",
  "using",
]);

/** Whether a table of that name stands in a FROM, or behind IN. */
function reads(body: readonly Token[], name: string): boolean {
  /** For each parenthesis that is open, whether what it is in lists tables; and whether an ON or USING came in between. */
  const lists: { tables: boolean; joined: boolean }[] = [{ tables: false, joined: false }];
  for (const [index, token] of body.entries()) {
    const list = lists.at(-1) ?? { tables: false, joined: false };
    const before = body[index - 1];
    if (isName(token) && token.text === name && (list.tables || isWord(before, "in")) && before?.text !== ".") {
      return true;
    }
    if (token.kind === "other" && token.text === "(") {
      lists.push({ ...list });
    } else if (token.kind === "other" && token.text === ")") {
      lists.pop();
    } else if (isWord(token, "from") || (list.joined && (token.text === "," || isWord(token, "join")))) {
      list.tables = true;
      list.joined = false;
    } else if (token.kind === "word" && NO_TABLES.has(token.text)) {
      list.joined = token.text === "on" || token.text === "using";
      list.tables = false;
    }
  }
  return false;
}

function hasLimit(body: readonly Token[]): boolean {
  const [limit, count] = body.slice(-2);
  return isWord(limit, "limit") && count?.kind === "number" && Number(count.text) <= SQL_RECURSION_ROWS;
}
