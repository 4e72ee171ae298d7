// Functions and classes, by their text. That is all of one only where it was written at top level: what it refers to there is
// global, and comes back by name.
import { Unsavable } from "./encoding.ts";
import type { Encoding, World } from "./encoding.ts";
import { isNative } from "./given.ts";
import type { Node, Property } from "./graph.ts";
import { encodeProperty } from "./properties.ts";

const OWN = new Set<PropertyKey>(["length", "name", "prototype", "arguments", "caller"]);

export function encodeFunction(value: object, encoder: Encoding, { sources }: World): Node {
  if (isNative(value)) throw new Unsavable("a function of the engine, or a bound one");
  const text = Function.prototype.toString.call(value);
  const place = sources.find(text);
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
  const properties = additions(value, text, encoder);
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, "prototype")?.value;
  const inherited = typeof prototype === "object" && prototype !== null ? additions(prototype, text, encoder) : [];
  const parent = Reflect.getPrototypeOf(value);
  return {
    kind: "function",
    text,
    place,
    name: String(Reflect.getOwnPropertyDescriptor(value, "name")?.value ?? ""),
    ...(isClass && parent !== null && parent !== Function.prototype
      ? { prototype: encoder.refer(parent, ".__proto__") }
      : {}),
    ...(properties.length === 0 ? {} : { properties }),
    ...(inherited.length === 0 ? {} : { inherited }),
  };
}

/** What it has beyond what its text says. */
function additions(value: object, text: string, encoder: Encoding): Property[] {
  return Reflect.ownKeys(value)
    .filter((key) => {
      if (OWN.has(key) || key === "constructor") return false;
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      return ![descriptor?.value, descriptor?.get, descriptor?.set].some((part: unknown) => isWrittenIn(part, text));
    })
    .flatMap((key) => encodeProperty(value, key, encoder));
}

function isWrittenIn(value: unknown, text: string): boolean {
  return typeof value === "function" && text.includes(Function.prototype.toString.call(value));
}
