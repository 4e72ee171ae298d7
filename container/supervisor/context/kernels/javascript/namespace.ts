// The names of a context: what the user has declared, beside what every program has.
import { Script } from "node:vm";

/** As for any program that was started with this one. */
const given = new Set<PropertyKey>();

export class Namespace {
  /** In the order of their first declaration. */
  readonly #declared = new Set<string>();
  /** The transpiler's own: needed by what the user declared, of no concern to the user. */
  readonly #hidden = new Set<string>();

  /** Once, when the kernel has added what is its own. */
  static begin(): void {
    for (const key of Reflect.ownKeys(globalThis)) given.add(key);
  }

  /** They are bound already. */
  adopt(names: readonly string[], hidden: readonly string[]): void {
    for (const name of names) this.#declared.add(name);
    for (const name of hidden) this.#hidden.add(name);
  }

  declare(names: readonly string[], hidden: readonly string[]): void {
    this.adopt(names, hidden);
    const all = [...names, ...hidden];
    // Properties that a script declares are as fast as variables.
    if (all.length > 0) new Script(`var ${all.join(",")}`).runInThisContext();
  }

  /** Declared, or made by an assignment to a name that was not. */
  names(): { readonly own: readonly string[]; readonly hidden: readonly string[] } {
    const present = (name: string): boolean => Object.hasOwn(globalThis, name);
    const own = new Set([...this.#declared].filter(present));
    const hidden = [...this.#hidden].filter(present);
    for (const key of Reflect.ownKeys(globalThis)) {
      if (typeof key === "string" && !given.has(key) && !this.#hidden.has(key)) own.add(key);
    }
    return { own: [...own], hidden };
  }
}
