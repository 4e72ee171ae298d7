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
/** What preload.ts does, as a last statement: a preload of any kind costs 0.8 ms, a quarter of a short execution. A little
 * later, since most are over by then. Through globalThis: the code may have names of its own for all of these. */
const LAST_STATEMENT = `
;globalThis.setTimeout?.(() => { try { globalThis.process.getBuiltinModule("fs").chmodSync(globalThis.Bun.main, 0o400) } catch {} }, 10)?.unref?.();
`;
/** A CommonJS module may return before its last statement. */
const MAY_BE_COMMONJS = /\b(?:require|module|exports)\b/;

/** The caller removes the source. */
export function prepareProgram(
  { executionId, code, command = "" }: ExecuteCommand,
  directory: WorkingDirectory,
  sources: SourceFiles,
): Program {
  if (code !== undefined) {
    const extension = extensionFor(code);
    const preload = MAY_BE_COMMONJS.test(code);
    // What does not parse never finishes, and its error should show nothing but what was sent.
    const text = preload || !parses(code, extension) ? code : `${code}${LAST_STATEMENT}`;
    const source = sources.place(directory, `.${executionId}.${extension}`, text);
    const options = preload ? ["--install=fallback", "--preload", PRELOAD] : ["--install=fallback"];
    return { argv: [process.execPath, ...options, source.path], source };
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

const transpilers = { ts: new Bun.Transpiler({ loader: "ts" }), tsx: new Bun.Transpiler({ loader: "tsx" }) };

function parses(code: string, loader: "ts" | "tsx"): boolean {
  try {
    transpilers[loader].transformSync(code);
    return true;
  } catch {
    return false;
  }
}
