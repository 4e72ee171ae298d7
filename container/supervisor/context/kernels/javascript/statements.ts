// What the transpiler leaves to files: the exports of a piece of a notebook, which nobody imports, and what its imports need.
import { matchBrackets, tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** What an import takes from a module for the names that the program uses. */
export interface Need {
  readonly specifier: string;
  readonly names: readonly string[];
  /** Where it is written. */
  readonly start: number;
}

const DECLARES = /^(?:function|class|async|abstract|interface)$/;

/** The same text without the keyword: every other character stays where it is. */
export function withoutExports(code: string): string {
  const tokens = tokenize(code);
  const partners = matchBrackets(tokens);
  const text = (index: number): string => tokens[index]?.text ?? "";
  let result = code;
  const replace = (from: number, to: number, by = ""): void => {
    const [start, end] = [tokens[from]?.start ?? 0, tokens[to]?.end ?? code.length];
    const blank = code.slice(start + by.length, end).replaceAll(/[^\n\r]/g, " ");
    result = result.slice(0, start) + by + blank + result.slice(end);
  };
  for (let at = 0; at < tokens.length; at = Math.max(partners[at] ?? -1, at) + 1) {
    if (text(at) !== "export" || !beginsStatement(code, tokens, at)) continue;
    const next = text(at + 1) === "type" && /^[{*]$/.test(text(at + 2)) ? at + 2 : at + 1;
    if (text(next) === "{" || text(next) === "*") {
      let last = text(next) === "{" ? (partners[next] ?? next) : next;
      if (text(last + 1) === "as") last += 2;
      if (text(last + 1) !== "from") replace(at, last);
      // Of types nothing is left; other modules are run.
      else if (next > at + 1) replace(at, last + 2);
      else replace(at, last + 1, "import");
    } else if (text(at + 1) === "default") {
      const keyword = text(at + 2) === "async" ? at + 3 : at + 2;
      const name = tokens[keyword + (text(keyword + 1) === "*" ? 2 : 1)];
      const isNamed = DECLARES.test(text(keyword)) && name?.kind === "word" && name.text !== "extends";
      replace(at, at + 1, isNamed ? "" : "0,");
    } else replace(at, at);
  }
  return result;
}

function beginsStatement(code: string, tokens: readonly Token[], at: number): boolean {
  const [before, token, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (token?.kind !== "word" || after === undefined || /^[(.:=,)?;]$/.test(after.text)) return false;
  if (before === undefined || before.text === ";" || before.text === "}") return true;
  return before.text !== "." && before.text !== "?." && /[\n\r]/.test(code.slice(before.end, token.start));
}

/** `used`: how often each name is in what was printed; the import itself is one time, and a type is never used. */
export function findNeeds(tokens: readonly Token[], used: (name: string) => number): Need[] {
  const needs: Need[] = [];
  for (const [index, token] of tokens.entries()) {
    const text = (offset: number): string => tokens[index + offset]?.text ?? "";
    if (token.text !== "import" || token.kind !== "word" || text(-1) === "." || /^[(.]$/.test(text(1))) continue;
    const names: string[] = [];
    const add = (name: string, local: string): void => void (used(local) > 1 && names.push(name));
    let at = 1;
    if (tokens[index + 1]?.kind === "word") {
      if (text(1) === "type" && text(2) !== "," && text(2) !== "from") continue;
      add("default", text(1));
      at = text(2) === "," ? 3 : 2;
    }
    if (text(at) === "{") {
      for (at += 1; text(at) !== "}" && text(at) !== ""; at++) {
        if (text(at) === ",") continue;
        const isRenamed = text(at + 1) === "as";
        const name = text(at).replaceAll(/^["']|["']$/g, "");
        if (isRenamed) at += 2;
        // `type name`
        if (/^[,}]$/.test(text(at + 1))) add(name, text(at));
        else while (!/^[,}]?$/.test(text(at + 1))) at += 1;
      }
      at += 1;
    }
    const module = tokens[index + at + 1];
    if (text(at) !== "from" || module?.kind !== "string" || names.length === 0) continue;
    needs.push({ specifier: module.text.slice(1, -1), names, start: token.start });
  }
  return needs;
}
