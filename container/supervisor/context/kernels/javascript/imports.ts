// `import` as for a file in the working directory, and what has been imported: a name that an import bound is saved as the
// import that it came from.
import { createRequire } from "node:module";
import { constants, Script } from "node:vm";

import { withOriginals } from "./guard.ts";

export interface Origin {
  readonly by: "import" | "require";
  readonly specifier: string;
  /** Where the specifier was meant for. */
  readonly directory: string;
  readonly type?: string;
}

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

  async load(specifier: string, type?: string, directory = process.cwd()): Promise<object> {
    const load = withOriginals(() => importerFor(directory));
    const again = (): Promise<object> => load(specifier, type === undefined ? undefined : { with: { type } });
    const namespace = await again().catch((error: unknown) => {
      if (!(error instanceof ResolveMessage)) throw error;
      withOriginals(() => forget(directory));
      return again();
    });
    const origin: Origin = { by: "import", specifier, directory, ...(type === undefined ? {} : { type }) };
    withOriginals(() => this.#origins.set(namespace, origin));
    return namespace;
  }

  require(specifier: string, directory = process.cwd()): unknown {
    const exported: unknown = createRequire(fileIn(directory))(specifier);
    const isObject = (typeof exported === "object" || typeof exported === "function") && exported !== null;
    if (isObject) withOriginals(() => this.#origins.set(exported, { by: "require", specifier, directory }));
    return exported;
  }

  async bringBack({ by, specifier, directory, type }: Origin): Promise<object> {
    // A module that is no object is not known as one.
    return by === "require" ? (this.require(specifier, directory) as object) : this.load(specifier, type, directory);
  }

  originOf(namespace: object): Origin | undefined {
    return this.#origins.get(namespace);
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
    Bun.resolveSync("./.buntime-nothing", directory);
  } catch {
    // As it must be.
  }
}

/** `require` and `import.meta`, for wherever the program is. */
export function createModuleScope(imports: Imports): { readonly require: object; readonly meta: object } {
  const here = (): NodeJS.Require => createRequire(fileIn(process.cwd()));
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
      return process.cwd();
    },
    get dirname(): string {
      return process.cwd();
    },
    get path(): string {
      return fileIn(process.cwd());
    },
    get filename(): string {
      return fileIn(process.cwd());
    },
    get url(): string {
      return Bun.pathToFileURL(fileIn(process.cwd())).href;
    },
    get env(): NodeJS.ProcessEnv {
      return process.env;
    },
    file: "[context].ts",
    main: true,
    require,
    resolve: (specifier: string): string => {
      const path = Bun.resolveSync(specifier, process.cwd());
      return path.startsWith("/") ? Bun.pathToFileURL(path).href : path;
    },
    resolveSync: (specifier: string, parent = process.cwd()): string => Bun.resolveSync(specifier, parent),
  };
  return { require, meta };
}
