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

type LanguageName = Language | keyof typeof ALIASES;

/** A language by its name or by an alias of it; an alias becomes the name. */
export const LanguageName = z
  .enum([...LANGUAGES, ...(Object.keys(ALIASES) as (keyof typeof ALIASES)[])])
  .transform((name: LanguageName): Language =>
    name in ALIASES ? ALIASES[name as keyof typeof ALIASES] : (name as Language),
  );

/** The smallest image that has it. */
export function imageFor(language: Language): ImageName {
  return language === "javascript" || language === "typescript" ? "bun" : "polyglot";
}
