// What a verb does to each of what is named: one that fails does not keep the others from it.
import { hasCode } from "./failure.ts";
import { print, printError, printJson } from "./output.ts";

/** With these the others would not fare better. */
const FINAL = ["network_error", "timeout", "unauthorized"];

export interface Each {
  readonly json: boolean;
  /** What was done to them: their name in the JSON value. */
  readonly done: "deleted" | "revoked";
  /** Without `--json`: those that it was done to are not printed. */
  readonly silent?: boolean;
}

/** @param work gives what it is to be told by. Sets the exit code where one failed. */
export async function doEach(
  names: readonly string[],
  { json, done, silent = false }: Each,
  work: (name: string) => Promise<string>,
): Promise<void> {
  const told: string[] = [];
  for (const name of names) {
    try {
      const text = await work(name);
      told.push(text);
      if (!json && !silent) print(text);
    } catch (error) {
      process.exitCode = printError(error, { json });
      if (FINAL.some((code) => hasCode(error, code))) break;
    }
  }
  if (json) printJson({ [done]: told });
}
