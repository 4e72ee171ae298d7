// What a search of the history finds words in, and how words are asked for. Pure. Whatever a client asks for becomes
// quoted words: nothing of it is SQLite's query language.
import { HISTORY } from "../../contract/limits.ts";

/** What SQLite's tokenizer `unicode61` takes for parts of words, and the marks that it takes away from them. */
const WORDS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

/** Finds what has all of the words; null where there are none, which nothing has. */
export function matchOf(q: string): string | null {
  const words = q.match(WORDS);
  return words === null ? null : words.map((word) => `"${word}"`).join(" ");
}

/** The texts and numbers of a payload, one a line, up to a limit. Names of members say how it is built, not what it says. */
export function searchedText(payload: string): string {
  const lines: string[] = [];
  let left: number = HISTORY.searchedCharacters;
  const collect = (value: unknown): void => {
    if (left <= 0) {
      return;
    }
    if (typeof value === "string" || typeof value === "number") {
      const line = String(value).slice(0, left);
      left -= line.length + 1;
      lines.push(line);
    } else if (typeof value === "object" && value !== null) {
      for (const inner of Object.values(value)) {
        collect(inner);
      }
    }
  };
  collect(JSON.parse(payload));
  // A null byte would end it, and half of a pair is no text.
  return lines.join("\n").replaceAll("\0", " ").toWellFormed();
}
