// Functions and classes, by their text. That is all of one only where it was written at top level: what it refers to there is
// global, and comes back by name.
import { types } from "node:util";
import { Unsavable } from "./encoding.ts";
import type { Encoding, World } from "./encoding.ts";
import { isNative } from "./given.ts";
import type { Node, Property, Value } from "./graph.ts";
import { levelOf } from "./level.ts";
import { ClassMembers, PARTS } from "./members.ts";
import { encodeProperty } from "./properties.ts";

/** Every function has these. */
const OWN = new Set<PropertyKey>(["length", "prototype", "arguments", "caller"]);
const PARENTS = new Set<unknown>(
  [function () {}, async function () {}, function* () {}, async function* () {}].map((each) =>
    Reflect.getPrototypeOf(each),
  ),
);
const GENERATED = new Set<unknown>(
  [function* () {}, async function* () {}].map((each) => Reflect.getPrototypeOf(each.prototype as object)),
);

export function encodeFunction(value: object, encoder: Encoding, world: World): Node {
  if (isNative(value)) throw new Unsavable("a function of the engine, or a bound one");
  const text = Function.prototype.toString.call(value);
  const place = world.sources.find(text);
  if (place === null) throw new Unsavable("a function that was not written in this context");
  if (place === "inner") {
    throw new Unsavable(
      "a function that was made inside of another one, or of a block, and may hold on to its variables",
    );
  }
  const isClass = /^class\b/.test(text);
  if (!isClass && /\bsuper\b/.test(text)) throw new Unsavable("a method that uses `super`");
  if (isClass && /\bstatic\s+(?:readonly\s+)?#\w+\s*[=;]/.test(text)) {
    throw new Unsavable("a class with private static fields, which nobody else can read");
  }
  encoder.count(text.length * 2);
  const parent = Reflect.getPrototypeOf(value);
  const name = nameOf(value);
  const members = isClass ? new ClassMembers(text) : null;
  const own = encodeMembers(value, value, members, encoder, world);
  return {
    kind: "function",
    text,
    place,
    ...(name === null ? {} : { name }),
    ...(PARENTS.has(parent) ? {} : { prototype: encoder.refer(parent, ".__proto__") }),
    ...(own.properties.length === 0 ? {} : { properties: own.properties }),
    ...(own.keys === undefined ? {} : { keys: own.keys }),
    ...encodeInherited(value, members, encoder, world),
    ...levelOf(value),
  };
}

type Inherited = Pick<Node & { readonly kind: "function" }, "replaced" | "from" | "inherited" | "inheritedKeys">;

/** Its `prototype`: the one that it was made with, and what has been added to that, or another object. */
function encodeInherited(value: object, members: ClassMembers | null, encoder: Encoding, world: World): Inherited {
  const descriptor = Reflect.getOwnPropertyDescriptor(value, "prototype");
  if (descriptor === undefined) return {};
  const prototype: unknown = descriptor.value;
  if (!isFirst(value, prototype)) {
    if (members !== null) throw new Unsavable("a class whose prototype has another constructor");
    return { replaced: encoder.refer(prototype, ".prototype") };
  }
  const { properties, keys } = encodeMembers(value, prototype, members, encoder, world);
  const parent = Reflect.getPrototypeOf(prototype);
  const isUsual = parent === Object.prototype || (members === null && GENERATED.has(parent));
  // It has a node of its own, which tells how it is closed.
  if (!Object.isExtensible(prototype)) encoder.refer(prototype, ".prototype");
  return {
    ...(isUsual ? {} : { from: encoder.refer(parent, ".prototype.__proto__") }),
    ...(properties.length === 0 ? {} : { inherited: properties }),
    ...(keys === undefined ? {} : { inheritedKeys: keys }),
  };
}

/** Whether it is the object that the function was made with. */
function isFirst(value: object, prototype: unknown): prototype is object {
  if (typeof prototype !== "object" || prototype === null) return false;
  if (ownerOf(prototype) === value) return true;
  return types.isGeneratorFunction(value) && GENERATED.has(Reflect.getPrototypeOf(prototype));
}

/** The function that it was made with. */
export function ownerOf(value: object): object | null {
  const descriptor = Reflect.getOwnPropertyDescriptor(value, "constructor");
  const owner: unknown = descriptor?.value;
  if (typeof owner !== "function" || descriptor?.enumerable === true) return null;
  if (descriptor?.configurable !== true && Object.isExtensible(value)) return null;
  return Reflect.getOwnPropertyDescriptor(owner, "prototype")?.value === value ? owner : null;
}

/** Null where it has been made something else. */
function nameOf(value: object): string | null {
  const name = Reflect.getOwnPropertyDescriptor(value, "name");
  return typeof name?.value === "string" && name.writable !== true ? name.value : null;
}

/** What it has beyond what its text says; of a class also all that it has, since its text may say more. */
function encodeMembers(
  maker: object,
  value: object,
  members: ClassMembers | null,
  encoder: Encoding,
  world: World,
): { readonly properties: Property[]; readonly keys?: Value[] } {
  const isStatic = maker === value;
  const except = isStatic ? OWN : new Set<PropertyKey>(["constructor"]);
  const keys = Reflect.ownKeys(value).filter(
    (key) => !except.has(key) && !(isStatic && key === "name" && nameOf(value) !== null),
  );
  const added = keys.filter((key) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (members === null || descriptor === undefined) return true;
    let isWritten = Object.isExtensible(value)
      ? descriptor.configurable === true && descriptor.writable !== false
      : true;
    for (const part of PARTS) {
      const each: unknown = descriptor[part];
      if (each === undefined) continue;
      const place = members.placeOf(each, { isStatic, key, part });
      if (place !== null) world.members.set(each as object, { of: maker, ...place });
      isWritten &&= place !== null && place.key === key && place.isStatic === isStatic && place.part === part;
    }
    return (
      !isWritten || (descriptor.value === undefined && descriptor.get === undefined && descriptor.set === undefined)
    );
  });
  const properties = added.flatMap((key) => encodeProperty(value, key, encoder));
  return { properties, ...(members === null ? {} : { keys: keys.map((key) => encoder.refer(key, "")) }) };
}
