// What was imported or required, and what those modules export: saved as the import. Data of the user's own modules is saved
// beside it, and what has been changed in it is changed again.
import { isData, isOwn } from "../exports.ts";
import type { Way } from "../exports.ts";
import type { Imports, Origin } from "../imports.ts";
import type { Encoding } from "./encoding.ts";
import type { Node } from "./graph.ts";

export class Modules {
  readonly #imports: Imports;
  readonly #exports = new Map<object, Way>();
  /** By themselves they stand for their modules, without the data of those. */
  readonly #origins: ReadonlySet<object>;

  constructor(imports: Imports) {
    this.#imports = imports;
    this.#origins = new Set(imports.entries().map(([, origin]) => origin));
    for (const [module, origin] of imports.entries()) {
      // Of what was required the program may have changed the exports.
      const names = isOwn(origin) && isData(module) ? [] : Object.getOwnPropertyNames(module);
      for (const name of names) {
        const value = read(module, name);
        if (value !== null && !this.#exports.has(value)) {
          this.#exports.set(value, { of: module, name, path: [], part: "value" });
        }
      }
      for (const [value, way] of imports.waysOf(module)) if (!this.#exports.has(value)) this.#exports.set(value, way);
    }
  }

  encode(value: object, encoder: Encoding): (Node & { readonly kind: "module" | "export" }) | null {
    if (this.#origins.has(value)) return { kind: "module", origin: value as Origin };
    const origin = this.#imports.originOf(value);
    if (origin !== undefined) {
      const data = isOwn(origin) && !isData(value) ? dataOf(value) : [];
      const parts = data.map(([name, each]) => encoder.refer(each, `.${name}`));
      return { kind: "module", origin, ...(parts.length === 0 ? {} : { parts }) };
    }
    const way = this.#exports.get(value);
    if (way === undefined) return null;
    const { of, name, path, part } = way;
    const rest = path.length === 0 && part === "value" ? {} : { path, part };
    return { kind: "export", of: encoder.refer(this.#imports.originOf(of), ""), name, ...rest };
  }

  /** Whether it is data that the program may have changed. */
  isChangeable(value: object): boolean {
    const origin = this.#imports.originOf(value) ?? this.originOf(value);
    return origin !== undefined && isOwn(origin) && isData(value);
  }

  originOf(value: object): Origin | undefined {
    const exported = this.#exports.get(value);
    return exported === undefined ? undefined : this.#imports.originOf(exported.of);
  }
}

function dataOf(module: object): [name: string, value: object][] {
  return Object.getOwnPropertyNames(module).flatMap((name): [string, object][] => {
    const value = read(module, name);
    return isData(value) ? [[name, value]] : [];
  });
}

/** Functions and objects alone; a module that has not finished has some that cannot be read yet. */
function read(module: object, name: string): object | null {
  try {
    const value: unknown = Reflect.getOwnPropertyDescriptor(module, name)?.value;
    return (typeof value === "object" || typeof value === "function") && value !== null ? value : null;
  } catch {
    return null;
  }
}
