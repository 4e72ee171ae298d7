// `import` as for a file in the working directory, and what has been imported: a name that an import bound is saved as the
// import that it came from.
import { createRequire } from "node:module";
import { constants, Script } from "node:vm";

import type { NeedAt } from "./compile.ts";
import { findWays, isOwn } from "./exports.ts";
import type { Way } from "./exports.ts";
import { withOriginals } from "./guard.ts";

export interface Origin {
  readonly by: "import" | "require";
  readonly specifier: string;
  /** Where the specifier was meant for. */
  readonly directory: string;
  readonly type?: string;
}

/** What the program may call by the same names is not these. */
const { env } = process;
const cwd = process.cwd.bind(process);
const { pathToFileURL, resolveSync } = Bun;

type Importer = (specifier: string, options?: ImportCallOptions) => Promise<object>;

let importer: { readonly directory: string; readonly load: Importer } | undefined;

/** The file that the context's code seems to be in. */
export const fileIn = (directory: string): string => `${directory}/[context].ts`;

function importerFor(directory: string): Importer {
  if (importer?.directory !== directory) {
    // A program that seems to lie there: so it is resolved, and installed where it is missing, as for any file there.
    const script = new Script("(specifier, options) => import(specifier, options)", {
      filename: fileIn(directory),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    importer = { directory, load: script.runInThisContext() as Importer };
  }
  return importer.load;
}

export class Imports {
  readonly #origins = new Map<object, Origin>();
  #needs: readonly NeedAt[] = [];
  #file = "";
  readonly #ways = new Map<object, ReadonlyMap<object, Way>>();

  async load(specifier: string, type?: string, directory = cwd()): Promise<object> {
    const load = withOriginals(() => importerFor(directory));
    const again = (): Promise<object> => load(specifier, type === undefined ? undefined : { with: { type } });
    const namespace = await again().catch((error: unknown) => {
      if (!(error instanceof ResolveMessage)) throw error;
      withOriginals(() => forget(directory));
      return again();
    });
    const origin: Origin = { by: "import", specifier, directory, ...(type === undefined ? {} : { type }) };
    withOriginals(() => {
      this.#note(namespace, origin);
      this.#check(namespace, specifier);
    });
    return namespace;
  }

  /** What the imports of a run need: one that is not there is an error, as for a file. */
  expect(file: string, needs: readonly NeedAt[]): void {
    this.#needs = needs;
    this.#file = file;
  }

  #check(namespace: object, specifier: string): void {
    for (const { specifier: needed, names, line, column } of this.#needs) {
      const missing = needed === specifier ? names.find((name) => !(name in namespace)) : undefined;
      if (missing === undefined) continue;
      const message = `Export named '${missing}' not found in module '${specifier}'.`;
      const error = new SyntaxError(message);
      error.stack = `SyntaxError: ${message}\n    at ${this.#file}:${line}:${column}`;
      throw error;
    }
  }

  #note(module: object, origin: Origin): void {
    const isKnown = this.#origins.has(module);
    // To require what was imported may give the same, which by itself it would not.
    if (isKnown && origin.by === "require") return;
    this.#origins.set(module, origin);
    if (!isKnown && isOwn(origin)) this.#ways.set(module, findWays(module));
  }

  require(specifier: string, directory = cwd()): unknown {
    const exported: unknown = createRequire(fileIn(directory))(specifier);
    const isObject = (typeof exported === "object" || typeof exported === "function") && exported !== null;
    if (isObject) withOriginals(() => this.#note(exported, { by: "require", specifier, directory }));
    return exported;
  }

  async bringBack({ by, specifier, directory, type }: Origin): Promise<object> {
    // A module that is no object is not known as one.
    return by === "require" ? (this.require(specifier, directory) as object) : this.load(specifier, type, directory);
  }

  originOf(namespace: object): Origin | undefined {
    return this.#origins.get(namespace);
  }

  /** To what hangs in its data. */
  waysOf(module: object): ReadonlyMap<object, Way> {
    return this.#ways.get(module) ?? new Map<object, Way>();
  }

  /** All of them, in the order of their import. */
  entries(): [object, Origin][] {
    return [...this.#origins];
  }
}

/** The resolver remembers directories, and that one had no node_modules. To look for a file that is not there makes it look
 * again. */
function forget(directory: string): void {
  try {
    resolveSync("./.buntime-nothing", directory);
  } catch {
    // As it must be.
  }
}

/** `require` and `import.meta`, for wherever the program is. */
export function createModuleScope(imports: Imports): { readonly require: object; readonly meta: object } {
  const here = (): NodeJS.Require => createRequire(fileIn(cwd()));
  const first = here();
  const require = Object.assign((specifier: string) => imports.require(specifier), {
    resolve: Object.assign((specifier: string, options?: { paths?: string[] }) => here().resolve(specifier, options), {
      paths: (specifier: string) => here().resolve.paths(specifier),
    }),
    cache: first.cache,
    main: first.main,
    extensions: first.extensions,
  });
  const meta = {
    get dir(): string {
      return cwd();
    },
    get dirname(): string {
      return cwd();
    },
    get path(): string {
      return fileIn(cwd());
    },
    get filename(): string {
      return fileIn(cwd());
    },
    get url(): string {
      return pathToFileURL(fileIn(cwd())).href;
    },
    get env(): NodeJS.ProcessEnv {
      return env;
    },
    file: "[context].ts",
    main: true,
    require,
    resolve: (specifier: string): string => {
      const path = resolveSync(specifier, cwd());
      return path.startsWith("/") ? pathToFileURL(path).href : path;
    },
    resolveSync: (specifier: string, parent = cwd()): string => resolveSync(specifier, parent),
  };
  return { require, meta };
}
