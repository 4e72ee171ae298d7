// The languages that are run by a program of their own, and where that is. Looked for at every call, on the PATH of that
// call: sessions share the programs of the machine, or bring their own, such as a virtual environment's.
import { realpathSync } from "node:fs";
import type { Language } from "../../../src/contract/language.ts";
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import type { Config } from "../config.ts";
import { SupervisorError } from "../problem.ts";
import { extensionWithJsx, extensionWithoutJsx } from "./language-syntax.ts";
import type { Launcher } from "./launcher.ts";

/** The others are Bun's, which runs the supervisor too. */
export type OtherLanguage = Exclude<Language, "javascript" | "typescript">;

export interface Toolchain {
  /** Its name on the PATH. */
  readonly program: string;
  readonly extension: (code: string) => string;
  /** Beneath what the execution is given. */
  readonly env?: Readonly<Record<string, string>>;
  /** `output`: where a compiler may put a program, which is removed after the execution. */
  readonly argv: (program: string, source: string, output: string) => readonly string[];
}

export const TOOLCHAINS: Readonly<Record<OtherLanguage, Toolchain>> = {
  python: { program: "python3", extension: () => "py", argv: (python, source) => [python, source] },
  node: { program: "node", extension: extensionWithoutJsx, argv: (node, source) => [node, source] },
  deno: {
    program: "deno",
    extension: extensionWithJsx,
    // It colours errors in pipes, too.
    env: { NO_COLOR: "1" },
    argv: (deno, source) => [deno, "run", "--allow-all", "--quiet", source],
  },
  go: { program: "go", extension: () => "go", argv: compileAndRun },
};

/** Of the build: `go`, the program to make, the name of the source, the overlay. */
const BUILD = `"$1" build -buildmode=exe -overlay /dev/stdin -o "$2" "$3" <<END && exec "$2"
$4
END`;

/**
 * `go run` would tell every exit code as 1 and every signal as an exit code. Go leaves out files whose names begin with a
 * dot, so it is told to read this one in place of one without.
 */
function compileAndRun(go: string, source: string, output: string): readonly string[] {
  const seen = source.replace(/\/\.([^/]*)$/, "/$1");
  const overlay = JSON.stringify({ Replace: { [seen]: source } });
  return ["/bin/sh", "-c", BUILD, "sh", go, output, seen, overlay];
}

export class Languages {
  readonly #config: Pick<Config, "image" | "sockets">;
  readonly #launcher: Pick<Launcher, "which">;

  constructor(config: Pick<Config, "image" | "sockets">, launcher: Pick<Launcher, "which">) {
    this.#config = config;
    this.#launcher = launcher;
  }

  /**
   * The path of the program that runs its code; null where that is Bun or the shell.
   * @param env of the execution, whose PATH counts
   * @throws SupervisorError `invalid_request` where there is none, with what there is
   */
  programFor({ language, env }: Pick<ExecuteCommand, "language" | "env">): string | null {
    if (language === undefined || isBuns(language)) return null;
    const program = this.#find(language, env);
    if (program !== null) return program;
    const others = (Object.keys(TOOLCHAINS) as OtherLanguage[]).filter((other) => this.#find(other, env) !== null);
    const { image } = this.#config;
    throw new SupervisorError("invalid_request", this.#explain(language, env), {
      language,
      image,
      has: ["javascript", "typescript", ...others],
    });
  }

  #find(language: OtherLanguage, env: Readonly<Record<string, string>>): string | null {
    const path = this.#launcher.which(TOOLCHAINS[language].program, env);
    return path === null || isBun(path) ? null : path;
  }

  #explain(language: OtherLanguage, env: Readonly<Record<string, string>>): string {
    const { program } = TOOLCHAINS[language];
    if (env["PATH"] !== undefined) return `There is no ${program} on the PATH of this execution.`;
    if (this.#config.sockets !== null) {
      return `There is no ${program} on this machine, whose own programs its sessions run: install it there, for all users.`;
    }
    const { image } = this.#config;
    return `The image ${image} has no ${language}${image === "polyglot" ? "" : ": create a session with image polyglot"}.`;
  }
}

export function isBuns(language: Language): language is "javascript" | "typescript" {
  return language === "javascript" || language === "typescript";
}

/** Bun's image has it under the name of `node` as well. */
function isBun(path: string): boolean {
  try {
    return realpathSync(path) === realpathSync(process.execPath);
  } catch {
    return false;
  }
}
