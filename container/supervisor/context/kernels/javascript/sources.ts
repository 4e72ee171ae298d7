// The text of what was run, for as long as a function of it may have to be saved.
import { ASYNC_HEAD } from "./compile.ts";
import type { Compiled } from "./compile.ts";
import { Names } from "./names.ts";
import { findScopes, isInside } from "./scopes.ts";
import type { Scope } from "./scopes.ts";
import { tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";

/** The oldest are forgotten: functions of theirs cannot be saved. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;
const HAS_FUNCTION = /\bfunction\b|\bclass\b|=>|\)\s*\{/;

export interface Source {
  readonly file: string;
  readonly text: string;
  /** Of its first character, from 0. */
  readonly line: number;
  readonly column: number;
  readonly isStrict?: boolean;
  /** Found when they are needed. */
  scopes?: readonly Scope[];
}

export interface Found {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly isStrict?: boolean;
}

export class Sources {
  #sources: Source[] = [];
  #characters = 0;

  add(file: string, { functions, body, isAsync, isStrict }: Compiled): void {
    const rest = isStrict ? { file, line: 0, isStrict } : { file, line: 0 };
    this.#keep({ ...rest, text: functions, column: 0 });
    // The function around it is the kernel's own.
    if (isAsync) this.#keep({ ...rest, text: body.slice(ASYNC_HEAD.length, -1), column: ASYNC_HEAD.length });
    else this.#keep({ ...rest, text: body, column: 0 });
  }

  /** A function that was brought back. */
  addFunction(text: string, found: Found): void {
    this.#keep({ ...found, text });
  }

  #keep(source: Source): void {
    if (!HAS_FUNCTION.test(source.text)) return;
    this.#sources.push(source);
    this.#characters += source.text.length;
    while (this.#characters > KEPT_CHARACTERS) this.#characters -= this.#sources.shift()?.text.length ?? 0;
  }

  /** Where a function of this text was written, newest first. Null: nowhere. `inner`: where it may hold on to variables of
   * another function or block; it is not known of which of the places that have this text it comes. */
  find(text: string): Found | "inner" | null {
    let found: Found | null = null;
    let isInner = false;
    let names: Names | undefined;
    for (const source of this.#sources.toReversed()) {
      let tokens: readonly Token[] | undefined;
      for (let at = source.text.indexOf(text); at >= 0; at = source.text.indexOf(text, at + 1)) {
        if (isPartOfWord(source.text, at, text.length)) continue;
        source.scopes ??= findScopes(source.text);
        if (!isInside(source.scopes, at)) found ??= place(source, at);
        else {
          names ??= new Names(text);
          tokens ??= tokenize(source.text);
          if (names.mayBeBoundIn(tokens, at)) return "inner";
          isInner = true;
        }
      }
    }
    return found ?? (isInner ? "inner" : null);
  }
}

const ENDS_IN_WORD = /[\p{ID_Continue}$]$/u;
const BEGINS_WITH_WORD = /^[\p{ID_Continue}$]/u;

/** `() => a` is not what `() => all` begins with. */
function isPartOfWord(text: string, at: number, length: number): boolean {
  const meets = (end: number): boolean =>
    ENDS_IN_WORD.test(text.slice(Math.max(0, end - 2), end)) && BEGINS_WITH_WORD.test(text.slice(end, end + 2));
  return meets(at) || meets(at + length);
}

function place({ file, text, line, column, isStrict }: Source, at: number): Found {
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  const lines = before.split("\n").length - 1;
  const found = { file, line: line + lines, column: at - start + (lines === 0 ? column : 0) };
  return isStrict === true ? { ...found, isStrict } : found;
}
