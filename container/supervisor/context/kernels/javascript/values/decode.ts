// The table back into values. First everything that has an identity, empty; then functions; then what it all holds; classes
// when what they are built upon is there. What fails takes those names with it that reach it, and no others.
import type { Dropped, Node, Property, Snapshot, Value } from "./graph.ts";
import { ACCESSOR, CONFIGURABLE, ENUMERABLE, isReference, referencesOf, USUAL, WRITABLE } from "./graph.ts";
import { claimObjects } from "./claims.ts";
import { makeEmpty, makeView } from "./make.ts";
import type { Workshop } from "./make.ts";

export interface Decoded {
  readonly kept: readonly string[];
  readonly dropped: readonly Dropped[];
}

/** What a class may look into while it is evaluated. */
const EARLY: ReadonlySet<Node["kind"]> = new Set(["object", "array", "map", "set"]);

/** What it is made from has failed, for the reason that is the message. */
class Missing extends Error {}

function messageOf(error: unknown): string {
  return error instanceof Error || error instanceof ResolveMessage ? error.message : Bun.inspect(error);
}

export class Decoder {
  readonly #snapshot: Snapshot;
  readonly #workshop: Workshop;
  readonly #made: unknown[] = [];
  /** Why, for each node that could not be made. */
  readonly #failed = new Map<number, string>();
  /** They were a module's before, and have what that put there. */
  #claimed: ReadonlySet<number> = new Set();

  constructor(snapshot: Snapshot, workshop: Workshop) {
    this.#snapshot = snapshot;
    this.#workshop = workshop;
  }

  /** Binds each name, some of them early: what a class refers to when it is evaluated is there as far as that goes. */
  decode(bind: (name: string, value: unknown) => void, unbind: (name: string) => void): Decoded {
    const { nodes, names, hidden } = this.#snapshot;
    const all = [...names, ...hidden];
    this.#each((node, id) => {
      this.#made[id] = makeEmpty(node, this.#workshop);
    });
    this.#each((node, id) => {
      if (node.kind === "view") this.#made[id] = makeView(node, this.#need(node.buffer) as ArrayBuffer);
      if (node.kind === "export") this.#made[id] = this.#workshop.exportOf(this.#need(node.of) as object, node);
      if (node.kind === "boxed") this.#made[id] = Object(this.#need(node.of));
      if (node.kind === "function" && !isClass(node)) this.#made[id] = this.#workshop.evaluate(node.text, node.place);
    });
    this.#claimed = claimObjects(nodes, this.#made);
    // What a class extends has to be as it was before the class is evaluated.
    this.#each((node, id) => this.#replacePrototype(node, id));
    if (nodes.some(isClass)) {
      for (const [name, value] of all) bind(name, this.#resolve(value));
      // As far as it goes without them: their static parts may look at it.
      this.#each((node, id) => this.#fill(node, id, true));
      const visited = new Set<number>();
      this.#each((_, id) => this.#evaluateClass(id, all, bind, visited));
    }
    this.#each((node, id) => {
      if (node.kind === "member") this.#made[id] = this.#memberOf(node);
      if (node.kind === "prototype") this.#made[id] = Reflect.get(this.#need(node.of) as object, "prototype");
    });
    this.#each((node, id) => this.#fill(node, id, false));
    this.#each((node, id) => this.#close(node, id));

    const reasons = this.#spread();
    const kept: string[] = [];
    const dropped: Dropped[] = [];
    for (const [name, value] of all) {
      const reason = isReference(value) ? reasons.get(value[0]) : undefined;
      if (reason === undefined) {
        bind(name, this.#resolve(value));
        kept.push(name);
      } else {
        unbind(name);
        dropped.push({ name, reason });
      }
    }
    const isShown = new Set(names.map(([name]) => name));
    return { kept: kept.filter((name) => isShown.has(name)), dropped: dropped.filter(({ name }) => isShown.has(name)) };
  }

  #each(work: (node: Node, id: number) => void): void {
    for (const [id, node] of this.#snapshot.nodes.entries()) {
      if (this.#failed.has(id)) continue;
      try {
        work(node, id);
      } catch (error) {
        this.#failed.set(
          id,
          error instanceof Missing ? error.message : `it could not be brought back: ${messageOf(error)}`,
        );
      }
    }
  }

  /** @throws Missing */
  #need(value: Value): unknown {
    const why = isReference(value) ? this.#failed.get(value[0]) : undefined;
    if (why !== undefined) throw new Missing(why);
    return this.#resolve(value);
  }

  #resolve(value: Value): unknown {
    return isReference(value) ? this.#made[value[0]] : value;
  }

  /** After what it extends. */
  #evaluateClass(
    id: number,
    all: readonly (readonly [name: string, value: Value])[],
    bind: (name: string, value: unknown) => void,
    visited: Set<number>,
  ): void {
    const node = this.#snapshot.nodes[id];
    if (node?.kind !== "function" || !isClass(node) || visited.has(id)) return;
    visited.add(id);
    if (isReference(node.prototype)) this.#evaluateClass(node.prototype[0], all, bind, visited);
    const made = this.#workshop.evaluate(node.text, node.place);
    this.#made[id] = made;
    for (const [name, value] of all) if (isReference(value) && value[0] === id) bind(name, made);
  }

  #fill(node: Node, id: number, early: boolean): void {
    if (early && (!EARLY.has(node.kind) || this.#claimed.has(id))) return;
    if (node.kind === "module" || node.kind === "export") {
      if (node.is !== undefined) this.#fill(node.is, id, early);
      return;
    }
    const target = this.#made[id] as object;
    if (this.#claimed.has(id)) this.#clear(target, node);
    if (node.kind === "array" && node.items !== undefined) {
      for (const [index, item] of node.items.entries()) this.#put(target as unknown[], index, this.#resolve(item));
    }
    if (node.kind === "map") {
      (target as Map<unknown, unknown>).clear();
      for (let at = 0; at < node.items.length; at += 2) {
        (target as Map<unknown, unknown>).set(this.#resolve(node.items[at]), this.#resolve(node.items[at + 1]));
      }
    }
    if (node.kind === "set") {
      (target as Set<unknown>).clear();
      for (const item of node.items) (target as Set<unknown>).add(this.#resolve(item));
    }
    for (const property of node.properties ?? []) this.#define(target, property, early);
    if (early) return;
    if (node.kind === "function") this.#fillFunction(node, id);
    if (node.prototype !== undefined) Reflect.setPrototypeOf(target, this.#need(node.prototype) as object | null);
  }

  #fillFunction(node: Node & { readonly kind: "function" }, id: number): void {
    const target = this.#made[id] as object;
    this.#replacePrototype(node, id);
    const prototype: unknown = Reflect.getOwnPropertyDescriptor(target, "prototype")?.value;
    for (const property of node.inherited ?? []) this.#define(prototype as object, property, false);
    if (node.from !== undefined) Reflect.setPrototypeOf(prototype as object, this.#need(node.from) as object | null);
    this.#keepOnly(target, node.keys, ["length", "name", "prototype"]);
    this.#keepOnly(prototype as object, node.inheritedKeys, ["constructor"]);
    // An accessor of the class itself is not one of these.
    if (node.name !== undefined) Reflect.defineProperty(target, "name", { value: node.name, configurable: true });
  }

  #replacePrototype(node: Node, id: number): void {
    if (node.kind !== "function" || node.replaced === undefined) return;
    Reflect.defineProperty(this.#made[id] as object, "prototype", { value: this.#need(node.replaced) });
  }

  /** What has been deleted of a class is in its text all the same. */
  #keepOnly(target: object, keys: readonly Value[] | undefined, usual: readonly PropertyKey[]): void {
    if (keys === undefined) return;
    const kept = new Set(keys.map((key) => this.#resolve(key) as PropertyKey));
    for (const key of Reflect.ownKeys(target)) {
      if (!kept.has(key) && !usual.includes(key)) Reflect.deleteProperty(target, key);
    }
    for (const key of kept) {
      if (!Object.hasOwn(target, key)) throw new TypeError(`the class has no ${String(key)} any more`);
    }
  }

  #memberOf({ of, key, isStatic, part }: Node & { readonly kind: "member" }): unknown {
    const maker = this.#need(of) as object;
    const holder = isStatic ? maker : (Reflect.get(maker, "prototype") as object);
    const member: unknown = Reflect.getOwnPropertyDescriptor(holder, this.#need(key) as PropertyKey)?.[part];
    if (typeof member !== "function") throw new TypeError("the class has not that member any more");
    return member;
  }

  /** The early ones may be defined again. */
  #define(target: object, [key, value, flags = USUAL, set]: Property, early: boolean): void {
    const name = this.#resolve(key) as PropertyKey;
    const base = { enumerable: (flags & ENUMERABLE) !== 0, configurable: early || (flags & CONFIGURABLE) !== 0 };
    const descriptor =
      (flags & ACCESSOR) !== 0
        ? { ...base, get: this.#resolve(value) as () => unknown, set: this.#resolve(set) as (value: unknown) => void }
        : { ...base, value: this.#resolve(value), writable: early || (flags & WRITABLE) !== 0 };
    if (!Reflect.defineProperty(target, name, descriptor)) throw new TypeError(`${String(name)} cannot be defined`);
  }

  #close(node: Node, id: number): void {
    const { level } = (node.kind === "module" || node.kind === "export" ? node.is : undefined) ?? node;
    const target = this.#made[id] as object;
    if (level === "frozen") Object.freeze(target);
    else if (level === "sealed") Object.seal(target);
    else if (level === "fixed") Object.preventExtensions(target);
  }

  /** What is not in it any more. */
  #clear(
    target: object,
    { kind, length, items, properties = [] }: Node & { length?: number; items?: readonly Value[] },
  ): void {
    const kept = new Set<unknown>(properties.map(([key]) => this.#resolve(key)));
    const isItem = (key: unknown): boolean =>
      kind === "array" && (key === "length" || Number(key) < (items?.length ?? 0));
    for (const key of Reflect.ownKeys(target)) {
      if (!kept.has(key) && !isItem(key) && !Reflect.deleteProperty(target, key)) {
        throw new TypeError(`${String(key)} cannot be taken away`);
      }
    }
    if (kind === "array" && length !== undefined && (target as unknown[]).length !== length) {
      (target as unknown[]).length = length;
    }
  }

  /** A frozen one takes what it has already. */
  #put(target: unknown[], index: number, value: unknown): void {
    if (Object.hasOwn(target, index) && Object.is(target[index], value)) return;
    if (!Reflect.set(target, index, value)) throw new TypeError(`[${index}] cannot be set`);
  }

  /** Whatever refers to what failed has failed too. */
  #spread(): Map<number, string> {
    const reasons = new Map(this.#failed);
    if (reasons.size === 0) return reasons;
    const referrers = new Map<number, number[]>();
    for (const [id, node] of this.#snapshot.nodes.entries()) {
      for (const reference of referencesOf(node)) {
        const list = referrers.get(reference);
        if (list === undefined) referrers.set(reference, [id]);
        else list.push(id);
      }
    }
    const queue = [...reasons.keys()];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const reason = reasons.get(id) ?? "";
      for (const referrer of referrers.get(id) ?? []) {
        if (reasons.has(referrer)) continue;
        reasons.set(referrer, reason);
        queue.push(referrer);
      }
    }
    return reasons;
  }
}

function isClass(node: Node | undefined): boolean {
  return node?.kind === "function" && /^class\b/.test(node.text);
}
