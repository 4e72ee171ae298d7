// Data of a module that was imported again, laid over what was saved of it: where both have an object in the same place it is
// the module's, so that the module and the variables have it in common as before.
import { isData } from "../exports.ts";
import type { Node, Value } from "./graph.ts";
import { isReference } from "./graph.ts";

/** Adds to `made` and gives the ids of what was the module's. */
export function claimObjects(nodes: readonly Node[], made: unknown[]): Set<number> {
  const claimed = new Set<number>();
  const queue: [content: Node, object: object][] = [];
  const taken = new Set<unknown>();
  for (const [id, node] of nodes.entries()) {
    if (node.kind !== "export" && node.kind !== "module") continue;
    taken.add(made[id]);
    if (node.is === undefined || typeof made[id] !== "object" || made[id] === null) continue;
    claimed.add(id);
    queue.push([node.is, made[id]]);
  }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const [content, object] = next;
    const claim = (key: PropertyKey, value: Value | undefined): void => {
      if (value === undefined || !isReference(value)) return;
      const node = nodes[value[0]];
      const there: unknown = Reflect.getOwnPropertyDescriptor(object, key)?.value;
      if (node === undefined || claimed.has(value[0]) || taken.has(there) || !isSameKind(node, there)) return;
      made[value[0]] = there;
      claimed.add(value[0]);
      taken.add(there);
      queue.push([node, there]);
    };
    if (content.kind === "array") for (const [index, item] of (content.items ?? []).entries()) claim(index, item);
    for (const [key, value] of content.properties ?? []) if (typeof key === "string") claim(key, value);
  }
  return claimed;
}

function isSameKind(node: Node, value: unknown): value is object {
  if (!isData(value) || node.prototype !== undefined || Reflect.getPrototypeOf(value) === null) return false;
  if (Array.isArray(value)) return node.kind === "array";
  if (value instanceof Map) return node.kind === "map";
  return value instanceof Set ? node.kind === "set" : node.kind === "object";
}
