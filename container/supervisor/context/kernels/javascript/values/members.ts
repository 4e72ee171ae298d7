// What the text of a class says of its members: those come back with it. By their text alone they cannot, since they may hold
// on to the class, or to what is around it.
import type { Part } from "../exports.ts";
import { matchBrackets, tokenize } from "../tokens.ts";

export const PARTS: readonly Part[] = ["value", "get", "set"];

/** Where the class has it when it was just evaluated. */
export interface Place {
  readonly isStatic: boolean;
  readonly key: string | symbol;
  readonly part: Part;
}

interface Member {
  readonly isStatic: boolean;
  readonly text: string;
}

export class ClassMembers {
  readonly #text: string;
  readonly #members: readonly Member[];

  constructor(text: string) {
    this.#text = text;
    this.#members = readMembers(text);
  }

  /** Null: it was put there later. */
  placeOf(value: unknown, at: Place): Place | null {
    if (typeof value !== "function") return null;
    const text = Function.prototype.toString.call(value);
    const name: unknown = Reflect.getOwnPropertyDescriptor(value, "name")?.value;
    const members = this.#members.filter((member) => member.text === text);
    if (members.some(({ isStatic }) => isStatic === at.isStatic) && name === nameOf(at)) return at;
    // Under another name it is one where that is the only place with its text.
    const [member] = members;
    const isOnly = this.#text.indexOf(text) === this.#text.lastIndexOf(text);
    const [, kind, key] =
      /^(?:async\b)?[\s*]*(?:(get|set)\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*\(/u.exec(text) ?? [];
    if (
      member === undefined ||
      !isOnly ||
      key === undefined ||
      name !== `${kind === undefined ? "" : `${kind} `}${key}`
    ) {
      return null;
    }
    return { isStatic: member.isStatic, key, part: kind === "get" || kind === "set" ? kind : "value" };
  }
}

/** Of a function that is written there. */
function nameOf({ key, part }: Place): string {
  const name = typeof key === "string" ? key : `[${key.description ?? ""}]`;
  return part === "value" ? name : `${part} ${name}`;
}

/** Methods and accessors as they are written, and what fields begin with. */
function readMembers(text: string): Member[] {
  const tokens = tokenize(text);
  const partners = matchBrackets(tokens);
  const textOf = (index: number): string => tokens[index]?.text ?? "";
  const end = tokens.length - 1;
  const members: Member[] = [];
  for (let at = (partners[end] ?? end) + 1; at < end; at++) {
    if (textOf(at) === ";") continue;
    const isStatic = textOf(at) === "static" && !/^[(=;}]$/.test(textOf(at + 1));
    if (isStatic) at += 1;
    const start = at;
    while (at < end && !/^[(=;{]$/.test(textOf(at))) at = textOf(at) === "[" ? (partners[at] ?? at) + 1 : at + 1;
    const mark = textOf(at);
    let first = start;
    if (mark === "(") at = partners[(partners[at] ?? at) + 1] ?? end;
    else if (mark === "{") at = partners[at] ?? end;
    else if (mark === "=") {
      first = at + 1;
      while (at < end && textOf(at + 1) !== ";") at = Math.max(partners[at + 1] ?? -1, at + 1);
    }
    if (at < start) break;
    members.push({ isStatic, text: text.slice(tokens[first]?.start, tokens[at]?.end) });
  }
  return members;
}
