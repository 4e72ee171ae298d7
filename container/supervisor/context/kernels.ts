// The programs that contexts run in: one for each language, found beside the supervisor, bundled or not.
import type { ContextLanguage } from "../../../src/contract/contexts.ts";
import type { Languages } from "../process/languages.ts";

const DIRECTORY = `${import.meta.dir}/kernels`;

/** @throws SupervisorError `invalid_request` where this image has not that language */
export function kernelCommand(language: ContextLanguage, languages: Pick<Languages, "programFor">): readonly string[] {
  const program = languages.programFor({ language, env: {} });
  if (program === null) return [process.execPath, "--smol", "--install=fallback", `${DIRECTORY}/javascript.ts`];
  return [program, `${DIRECTORY}/python.py`];
}
