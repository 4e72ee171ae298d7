// The text of what was run, for as long as a function of it may have to be saved.
import { ASYNC_HEAD } from "./compile.ts";
import type { Compiled } from "./compile.ts";
import { findScopes, isInside } from "./scopes.ts";
import type { Scope } from "./scopes.ts";

/** The oldest are forgotten: functions of theirs cannot be saved. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;
const HAS_FUNCTION = /\bfunction\b|\bclass\b|=>|\)\s*\{/;

export interface Source {
  readonly file: string;
  readonly text: string;
  /** Of its first character, from 0. */
  readonly line: number;
  readonly column: number;
  /** Found when they are needed. */
  scopes?: readonly Scope[];
}

export interface Found {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export class Sources {
  #sources: Source[] = [];
  #characters = 0;

  add(file: string, { functions, body, isAsync }: Compiled): void {
    this.#keep({ file, text: functions, line: 0, column: 0 });
    // The function around it is the kernel's own.
    if (isAsync) this.#keep({ file, text: body.slice(ASYNC_HEAD.length, -1), line: 0, column: ASYNC_HEAD.length });
    else this.#keep({ file, text: body, line: 0, column: 0 });
  }

  /** A function that was brought back. */
  addFunction(text: string, { file, line, column }: Found): void {
    this.#keep({ file, text, line, column });
  }

  #keep(source: Source): void {
    if (!HAS_FUNCTION.test(source.text)) return;
    this.#sources.push(source);
    this.#characters += source.text.length;
    while (this.#characters > KEPT_CHARACTERS) this.#characters -= this.#sources.shift()?.text.length ?? 0;
  }

  /** Where a function of this text was written, newest first. Null: nowhere. `inner`: only where it may hold on to variables
   * of another function or block. */
  find(text: string): Found | "inner" | null {
    let isInner = false;
    for (const source of this.#sources.toReversed()) {
      for (let at = source.text.indexOf(text); at >= 0; at = source.text.indexOf(text, at + 1)) {
        source.scopes ??= findScopes(source.text);
        if (isInside(source.scopes, at)) isInner = true;
        else return place(source, at);
      }
    }
    return isInner ? "inner" : null;
  }
}

function place({ file, text, line, column }: Source, at: number): Found {
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  const lines = before.split("\n").length - 1;
  return { file, line: line + lines, column: at - start + (lines === 0 ? column : 0) };
}
