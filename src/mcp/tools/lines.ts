// A part of a long text, by lines. Pure.

export interface Part {
  readonly text: string;
  /** Lines in all. */
  readonly total: number;
  /** The line to go on with, counted from 1; null: nothing follows. */
  readonly next: number | null;
}

export interface PartOptions {
  /** Counted from 1. */
  readonly first: number;
  /** Lines at the most. */
  readonly most: number;
  /** Characters at the most; one line is shown in any case, cut where it is longer. */
  readonly characters: number;
}

export function linesOf(text: string, { first, most, characters }: PartOptions): Part {
  const lines = text.split("\n");
  // What ends with a line feed has no empty line after it.
  if (lines.length > 1 && lines.at(-1) === "") {
    lines.pop();
  }
  const shown: string[] = [];
  let left = characters;
  for (const line of lines.slice(first - 1, first - 1 + most)) {
    if (line.length + 1 > left && shown.length > 0) {
      break;
    }
    shown.push(
      line.length > left
        ? `${line.slice(0, left)}… (cut: the line has ${line.length} characters)`.toWellFormed()
        : line,
    );
    left -= line.length + 1;
  }
  const next = first + shown.length;
  return { text: shown.join("\n"), total: lines.length, next: next <= lines.length && shown.length > 0 ? next : null };
}
