// A context as it is kept in the workspace, in `.buntime/contexts/<id>/context.json`: the supervisor writes it whenever
// something of it changes, and a sleeping session reads it. The directory is open to the user's code, since the interpreter
// saves there, so what it says is held against the contract before it is believed.
import type { Context, LostContext } from "../contract/contexts.ts";

/** Below the directory of the platform in the workspace; each context has one of its own, named by its id. */
export const CONTEXTS_DIRECTORY = "contexts";
export const CONTEXT_FILE = "context.json";
/** A file that is longer is not ours. */
export const CONTEXT_FILE_BYTES = 16 * 1024;

export interface StoredContext extends Omit<Context, "state"> {
  readonly workingDir: string;
  /** When its interpreter was last started; null: never. */
  readonly startedAt: string | null;
  /** Its variables are gone, and no run has told so yet. */
  readonly lost: LostContext | null;
}

/** As it is while no interpreter runs. */
export function restingContext({ id, language, name, createdAt, lastRunAt, lost }: StoredContext): Context {
  return { id, language, name, state: lost === null ? "saved" : "lost", createdAt, lastRunAt };
}

export function unknownContext(id: string): string {
  return `There is no context ${id} in this session. List those that there are, or create one.`;
}
