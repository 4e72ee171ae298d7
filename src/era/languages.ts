// How the languages are run: variables of some outlive a run, others are programs that begin anew each time.
import type { ContextLanguage } from "../contract/contexts.ts";
import type { Language } from "../contract/language.ts";

/** Whether variables, functions and imports outlive a run. */
export function keepsVariables(language: Language): language is Language & ContextLanguage {
  return language === "python" || language === "javascript" || language === "typescript";
}
