// What an execution runs: its command line, and the hidden file that its source is in where it needs one.
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import type { SourceFile, SourceFiles } from "./source-file.ts";
import type { WorkingDirectory } from "./working-directory.ts";

export interface Program {
  readonly argv: readonly string[];
  readonly source: SourceFile | null;
}

/** Linux's MAX_ARG_STRLEN with room for the rest: a longer command is run from a file. */
const ARGUMENT_BYTES = 128 * 1024 - 1024;
/** A file of its own also where the supervisor is bundled. */
const PRELOAD = `${import.meta.dir}/preload.ts`;

/** The caller removes the source. */
export function prepareProgram(
  { executionId, code, command = "" }: ExecuteCommand,
  directory: WorkingDirectory,
  sources: SourceFiles,
): Program {
  if (code !== undefined) {
    const source = sources.place(directory, `.${executionId}.${extensionFor(code)}`, code);
    return { argv: [process.execPath, "--install=fallback", "--preload", PRELOAD, source.path], source };
  }
  if (Buffer.byteLength(command) < ARGUMENT_BYTES) return { argv: ["/bin/sh", "-c", command], source: null };
  const source = sources.place(directory, `.${executionId}.sh`, command);
  return { argv: ["/bin/sh", source.path], source };
}

/** `tsx` only where the code needs it: in a .tsx file `<T>value` and `<T>() => …` do not parse. */
function extensionFor(code: string): "ts" | "tsx" {
  if (!/<\/|\/>/.test(code)) return "ts";
  return parses(code, "ts") || !parses(code, "tsx") ? "ts" : "tsx";
}

function parses(code: string, loader: "ts" | "tsx"): boolean {
  try {
    new Bun.Transpiler({ loader }).transformSync(code);
    return true;
  } catch {
    return false;
  }
}
