// What was imported or required, and what those modules export: saved as the import, not as the value.
import type { Imports, Origin } from "../imports.ts";
import type { Encoding } from "./encoding.ts";
import type { Node } from "./graph.ts";

export class Modules {
  readonly #imports: Imports;
  readonly #exports = new Map<object, { readonly of: object; readonly name: string }>();

  constructor(imports: Imports) {
    this.#imports = imports;
    for (const [module] of imports.entries()) {
      for (const name of Object.getOwnPropertyNames(module)) {
        const value = read(module, name);
        if (value !== null && !this.#exports.has(value)) this.#exports.set(value, { of: module, name });
      }
    }
  }

  encode(value: object, encoder: Encoding): Node | null {
    const origin = this.#imports.originOf(value);
    if (origin !== undefined) return { kind: "module", origin };
    const exported = this.#exports.get(value);
    if (exported === undefined) return null;
    return { kind: "export", of: encoder.refer(exported.of, ""), name: exported.name };
  }

  originOf(value: object): Origin | undefined {
    const exported = this.#exports.get(value);
    return exported === undefined ? undefined : this.#imports.originOf(exported.of);
  }
}

/** Functions and objects alone; a module that has not finished has some that cannot be read yet. */
export function read(module: object, name: string): object | null {
  try {
    const value: unknown = Reflect.getOwnPropertyDescriptor(module, name)?.value;
    return (typeof value === "object" || typeof value === "function") && value !== null ? value : null;
  } catch {
    return null;
  }
}
