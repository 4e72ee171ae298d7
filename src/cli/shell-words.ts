// Words of a command line as a POSIX shell takes them. Pure.

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word that a shell reads as exactly this text. */
export function quote(word: string): string {
  return SAFE.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}
