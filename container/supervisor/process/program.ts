// What an execution runs: its command line, and the hidden file that its source is in where it needs one.
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { extensionWithJsx, parses } from "./language-syntax.ts";
import { isBuns, TOOLCHAINS } from "./languages.ts";
import type { Toolchain } from "./languages.ts";
import { removeFile } from "./source-file.ts";
import type { SourceFiles } from "./source-file.ts";
import type { WorkingDirectory } from "./working-directory.ts";

export interface Program {
  readonly argv: readonly string[];
  /** Beneath what the execution is given. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the top level of the code has finished; null where nothing tells. */
  readonly hasLoaded: (() => boolean) | null;
  /** Removes its source and what was made of it. Once, before the directory is closed. */
  readonly remove: () => void;
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

/** What the programs of an execution are made with. */
export interface Workshop {
  readonly directory: WorkingDirectory;
  readonly sources: SourceFiles;
  /** What runs its language; null: Bun or the shell does. */
  readonly interpreter: string | null;
}

export function prepareProgram({ executionId, code, language, command = "" }: ExecuteCommand, at: Workshop): Program {
  if (code === undefined) return shellProgram(executionId, command, at);
  if (language === undefined || isBuns(language)) return bunProgram(executionId, code, at);
  return toolchainProgram(executionId, code, TOOLCHAINS[language], at);
}

function bunProgram(executionId: string, code: string, { directory, sources }: Workshop): Program {
  const extension = extensionWithJsx(code);
  const preload = MAY_BE_COMMONJS.test(code);
  // What does not parse never finishes, and its error should show nothing but what was sent.
  const text = preload || !parses(code, extension) ? code : `${code}${LAST_STATEMENT}`;
  const source = sources.place(directory, `.${executionId}.${extension}`, text);
  const options = preload ? ["--install=fallback", "--preload", PRELOAD] : ["--install=fallback"];
  return {
    argv: [process.execPath, ...options, source.path],
    hasLoaded: () => source.isMarked(),
    remove: () => source.remove(),
  };
}

function toolchainProgram(
  executionId: string,
  code: string,
  { program, extension, env = {}, argv }: Toolchain,
  { directory, sources, interpreter }: Workshop,
): Program {
  const source = sources.place(directory, `.${executionId}.${extension(code)}`, code);
  const output = `.${executionId}.out`;
  return {
    argv: argv(interpreter ?? program, source.path, `${directory.path}/${output}`),
    env,
    hasLoaded: null,
    remove() {
      source.remove();
      removeFile(directory.entry(output));
    },
  };
}

function shellProgram(executionId: string, command: string, { directory, sources }: Workshop): Program {
  if (Buffer.byteLength(command) < ARGUMENT_BYTES) {
    return { argv: ["/bin/sh", "-c", command], hasLoaded: null, remove: () => {} };
  }
  const source = sources.place(directory, `.${executionId}.sh`, command);
  return { argv: ["/bin/sh", source.path], hasLoaded: null, remove: () => source.remove() };
}
