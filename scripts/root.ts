// Where things are in this repository, whatever the current directory is.
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "..");
/** Runs the command in $TIED so that it cannot outlive its starter. */
export const TIED = path.join(import.meta.dirname, "tied.sh");
export const BUN = path.join(ROOT, "node_modules/.bin/bun");
