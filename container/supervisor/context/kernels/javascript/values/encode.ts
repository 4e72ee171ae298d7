// Values into the table. One variable after the other: where one holds what cannot be saved, what it alone added is taken out
// again and it is dropped by name.
import type { Dropped, Node, Value } from "./graph.ts";
import { Unsavable } from "./encoding.ts";
import type { Encoding, World } from "./encoding.ts";
import { encodeObject } from "./objects.ts";

export interface Encoded {
  readonly kept: readonly (readonly [name: string, value: Value])[];
  readonly dropped: readonly Dropped[];
  readonly nodes: readonly Node[];
}

/** About what it takes in memory and in the file. */
const NODE_BYTES = 64;
const MEBIBYTE = 1024 * 1024;

export function encodeVariables(
  variables: readonly (readonly [name: string, value: unknown])[],
  world: World,
  limitBytes: number,
): Encoded {
  const excluded = new Set<string>();
  for (;;) {
    const encoder = new Encoder(world, limitBytes);
    const kept: (readonly [string, Value])[] = [];
    const dropped: Dropped[] = [];
    let largest = { name: "", bytes: -1 };
    for (const [name, value] of variables) {
      if (excluded.has(name)) {
        dropped.push({
          name,
          reason: `the variables of a context may take ${limitBytes / MEBIBYTE} MiB; it is among the largest`,
        });
        continue;
      }
      const before = encoder.bytes;
      const result = encoder.add(value);
      if ("reason" in result) dropped.push({ name, reason: result.reason });
      else {
        kept.push([name, result.value]);
        if (encoder.bytes - before > largest.bytes) largest = { name, bytes: encoder.bytes - before };
      }
    }
    if (encoder.bytes <= limitBytes) return { kept, dropped, nodes: encoder.nodes };
    excluded.add(largest.name);
  }
}

/** What is to be encoded, and by what it was reached. */
interface Task {
  readonly node: number;
  readonly value: object | symbol;
}

class Encoder implements Encoding {
  readonly nodes: Node[] = [];
  bytes = 0;
  readonly #world: World;
  readonly #limitBytes: number;
  readonly #ids = new Map<object | symbol, number>();
  /** In the order of their ids. */
  readonly #values: (object | symbol)[] = [];
  readonly #parents: number[] = [];
  readonly #labels: string[] = [];
  #tasks: Task[] = [];
  #current = -1;

  constructor(world: World, limitBytes: number) {
    this.#world = world;
    this.#limitBytes = limitBytes;
  }

  add(value: unknown): { readonly value: Value } | { readonly reason: string } {
    const [count, bytes] = [this.#values.length, this.bytes];
    this.#current = -1;
    try {
      const encoded = this.refer(value, "");
      for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
        this.#current = task.node;
        this.nodes[task.node] = encodeObject(task.value, this, this.#world);
        this.count(NODE_BYTES);
      }
      return { value: encoded };
    } catch (error) {
      // A stack that is too deep is one of the regular expressions or texts of the user's.
      if (!(error instanceof Unsavable) && !(error instanceof RangeError)) throw error;
      const path = this.#pathTo(this.#current);
      this.#undo(count, bytes);
      if (path === "") return { reason: `it is ${error.message}` };
      return { reason: `it holds ${error.message} at ${path.slice(0, 200)}` };
    }
  }

  refer(value: unknown, label: string): Value {
    switch (typeof value) {
      case "string":
        this.count(value.length * 2);
        return value;
      case "undefined":
      case "boolean":
      case "number":
      case "bigint":
        return value;
      case "object":
        if (value === null) return null;
        return [this.#idOf(value, label)];
      case "function":
      case "symbol":
      default:
        // SAFETY: a function or a symbol.
        return [this.#idOf(value as symbol, label)];
    }
  }

  count(bytes: number): void {
    this.bytes += bytes;
    if (bytes > this.#limitBytes) throw new Unsavable(`more than ${this.#limitBytes / MEBIBYTE} MiB`);
  }

  #idOf(value: object | symbol, label: string): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const node = this.#values.length;
    this.#ids.set(value, node);
    this.#values.push(value);
    this.#parents.push(this.#current);
    this.#labels.push(label);
    this.#tasks.push({ node, value });
    return node;
  }

  #pathTo(node: number): string {
    let path = "";
    for (let at = node; at >= 0; at = this.#parents[at] ?? -1) path = (this.#labels[at] ?? "") + path;
    return path;
  }

  #undo(count: number, bytes: number): void {
    for (const value of this.#values.splice(count)) this.#ids.delete(value);
    this.#parents.length = count;
    this.#labels.length = count;
    this.nodes.length = Math.min(this.nodes.length, count);
    this.#tasks = [];
    this.bytes = bytes;
  }
}
