// Puts printed tokens where the user wrote them, so that lines and columns that the engine tells are the user's own: in
// errors, in what `console.error(error)` prints, in stacks that the program reads. What the transpiler added follows directly
// on what stands before it; where that leaves too little room, the tokens behind it on the line stand a little further right,
// which `Shift` tells.
import type { Token } from "./tokens.ts";

export interface Place {
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

/** A token that stands elsewhere than it was written, on its right line. */
export interface Shift {
  readonly line: number;
  /** Where it begins and ends. */
  readonly start: number;
  readonly end: number;
  /** Where it was written. */
  readonly column: number;
}

export class Lines {
  readonly #starts: number[] = [0];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  placeOf(offset: number): Place {
    let [low, high] = [0, this.#starts.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low, column: offset - (this.#starts[low] ?? 0) };
  }

  text(line: number): string {
    const start = this.#starts[line];
    if (start === undefined) return "";
    const end = this.#starts[line + 1];
    return this.#text.slice(start, end === undefined ? undefined : end - 1);
  }
}

/** No line may end behind these: the language ends the statement there. */
const HOLDS_ON = /^(?:return|throw|break|continue|yield|async)$/;

export class Layout {
  #text = "";
  #line = 0;
  #column = 0;
  #last: Token | null = null;
  #lastWritten: Token | null = null;
  readonly shifts: Shift[] = [];

  get text(): string {
    return this.#text;
  }

  /** What nobody wrote. */
  insert(text: string): void {
    this.#text += text;
    this.#column += text.length;
  }

  /** `gap`: the printer put a space or a line end before it. */
  add(token: Token, gap: boolean, written: Token | null, place: Place | null): void {
    const last = this.#last;
    const touches = written !== null && this.#lastWritten !== null && this.#lastWritten.end === written.start;
    if (place !== null) this.#moveTo(place, last, token);
    const isApart = this.#text === "" || /[\s([{]$/.test(this.#text);
    if (gap && !isApart && !(touches && !bothWords(last, token))) this.insert(" ");
    if (place !== null && this.#line === place.line && this.#column !== place.column) {
      const start = this.#column;
      this.shifts.push({ line: this.#line, start, end: start + token.text.length, column: place.column });
    }
    this.#write(token.text);
    this.#last = token;
    this.#lastWritten = written;
  }

  #moveTo({ line, column }: Place, last: Token | null, token: Token): void {
    if (line > this.#line && !holdsTogether(last, token)) {
      this.#text += "\n".repeat(line - this.#line);
      this.#line = line;
      this.#column = 0;
    }
    if (line === this.#line && column > this.#column) this.insert(" ".repeat(column - this.#column));
  }

  #write(text: string): void {
    this.#text += text;
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      this.#column += text.length;
      return;
    }
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#line += 1;
    this.#column = text.length - end - 1;
  }
}

function bothWords(last: Token | null, token: Token): boolean {
  const isWord = (each: Token): boolean => each.kind === "word" || each.kind === "number";
  return last !== null && isWord(last) && isWord(token);
}

function holdsTogether(last: Token | null, token: Token): boolean {
  if (last === null) return false;
  if (last.kind === "word" && HOLDS_ON.test(last.text)) return true;
  if (token.text === "=>") return true;
  if (token.text !== "++" && token.text !== "--") return false;
  return last.kind !== "punctuation" || last.text === ")" || last.text === "]";
}
