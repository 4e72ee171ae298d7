// How far an object is closed to changes.
import type { Level } from "./graph.ts";

export function levelOf(value: object): { readonly level?: Level } {
  if (Object.isExtensible(value)) return {};
  if (Object.isFrozen(value)) return { level: "frozen" };
  return { level: Object.isSealed(value) ? "sealed" : "fixed" };
}
