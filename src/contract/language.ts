// The languages that code may be in, and the images of a session that have them. Pure: what a name stands for is decided
// here and nowhere else.
import * as z from "zod";

/** `bun`: JavaScript and TypeScript, small and soon there. `polyglot`: all languages. */
export const IMAGES = ["bun", "polyglot"] as const;
export type ImageName = (typeof IMAGES)[number];

/** `javascript` and `typescript` are run by Bun, `node` and `deno` by the runtimes of these names. */
export const LANGUAGES = ["javascript", "typescript", "python", "node", "deno", "go"] as const;
export type Language = (typeof LANGUAGES)[number];

const ALIASES = {
  js: "javascript",
  ts: "typescript",
  bun: "typescript",
  py: "python",
  nodejs: "node",
  golang: "go",
} as const satisfies Readonly<Record<string, Language>>;

type AliasOf<T extends Language> = {
  [A in keyof typeof ALIASES]: (typeof ALIASES)[A] extends T ? A : never;
}[keyof typeof ALIASES];

/** One of these languages by its name or by an alias of it; an alias becomes the name. */
export function languageNames<T extends Language>(languages: readonly T[]): z.ZodType<T, T | AliasOf<T>> {
  const names: ReadonlyMap<string, T> = new Map([
    ...languages.map((name): [string, T] => [name, name]),
    ...Object.entries(ALIASES).flatMap(([alias, of]): [string, T][] => {
      const language = languages.find((name) => name === of);
      return language === undefined ? [] : [[alias, language]];
    }),
  ]);
  // SAFETY: the names of the type, and the enum lets no other through.
  return z.enum([...names.keys()] as (T | AliasOf<T>)[]).transform((name) => names.get(name) as T);
}

export const LanguageName = languageNames(LANGUAGES);

/** The smallest image that has it. */
export function imageFor(language: Language): ImageName {
  return language === "javascript" || language === "typescript" ? "bun" : "polyglot";
}
