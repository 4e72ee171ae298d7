// Where things are in this repository, whatever the current directory is.
import { createRequire } from "node:module";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "..");
/** Runs the command in $TIED so that it cannot outlive its starter. */
export const TIED = path.join(import.meta.dirname, "tied.sh");
export const BUN = path.join(ROOT, "node_modules/.bin/bun");
export const WRANGLER = createRequire(import.meta.url).resolve("wrangler");

/** Of the workerd that this wrangler comes with. */
export function workerdPath(): string {
  const miniflare = createRequire(createRequire(WRANGLER).resolve("miniflare"));
  // SAFETY: workerd's package exports the path of its binary under `default`.
  return (miniflare("workerd") as { readonly default: string }).default;
}
