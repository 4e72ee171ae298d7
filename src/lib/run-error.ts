// The error of a run as people read it. Pure.
import type { RunError } from "../contract/contexts.ts";

/** Not every language's traceback names the error itself. */
export function errorText({ name, message, traceback }: Pick<RunError, "name" | "message" | "traceback">): string {
  const isNamed = traceback.some((line) => line.startsWith(name));
  return [...(isNamed ? [] : [`${name}: ${message}`]), ...traceback].join("\n");
}
