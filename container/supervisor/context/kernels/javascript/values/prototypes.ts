// What an object inherits from: the usual, another object of the context's, or what the instances of a class have. A class of
// the engine's keeps what it needs where nobody else can read it, so its instances cannot be saved.
import { isBuiltin } from "node:module";
import { tokenize } from "../tokens.ts";
import { Unsavable } from "./encoding.ts";
import type { Encoding, World } from "./encoding.ts";
import { isNative } from "./given.ts";
import type { Value } from "./graph.ts";

/** `usual` null: any of the engine's, as an error's. */
export function encodePrototype(
  value: object,
  usual: object | null,
  encoder: Encoding,
  world: World,
): { readonly prototype?: Value } {
  const prototype = Reflect.getPrototypeOf(value);
  if (prototype === usual && usual !== null) return {};
  if (prototype === null) return { prototype: null };
  for (let at: object | null = prototype; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
    refuseClass(at, usual, world);
  }
  return { prototype: encoder.refer(prototype, ".constructor.prototype") };
}

function refuseClass(prototype: object, usual: object | null, { given, modules }: World): void {
  const maker: unknown = Reflect.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (given.pathOf(prototype) === undefined && hasNativeMembers(prototype, given)) {
    const tag: unknown = Reflect.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
    throw new Unsavable(
      `${typeof tag === "string" ? `a ${tag}` : "an object of the engine's"}, which lives in the process`,
    );
  }
  if (typeof maker !== "function") return;
  const label: unknown = Reflect.getOwnPropertyDescriptor(maker, "name")?.value;
  const name = typeof label === "string" && label !== "" ? label : "unnamed";
  if (prototype === usual || (usual === null && given.pathOf(prototype) !== undefined)) return;
  // The class of another kind, such as the Map of an object that is none.
  if (isNative(maker)) throw new Unsavable(`a ${name}, which lives in the process`);
  const origin = modules.originOf(maker);
  if (origin !== undefined && isBuiltin(origin.specifier)) {
    throw new Unsavable(`a ${name} of ${origin.specifier}, which lives in the process`);
  }
  if (hasPrivateMembers(maker)) throw new Unsavable(`a ${name}, whose private fields nobody else can read`);
}

function hasNativeMembers(prototype: object, given: World["given"]): boolean {
  return Reflect.ownKeys(prototype).some((key) => {
    const member = Reflect.getOwnPropertyDescriptor(prototype, key);
    const parts: unknown[] = key === "constructor" ? [] : [member?.value, member?.get, member?.set];
    return parts.some((part) => isNative(part) && given.pathOf(part as object) === undefined);
  });
}

const seen = new WeakMap<object, boolean>();

function hasPrivateMembers(maker: object): boolean {
  let found = seen.get(maker);
  if (found === undefined) {
    const text = Function.prototype.toString.call(maker);
    found =
      text.includes("#") && tokenize(text).some(({ kind, text: word }) => kind === "word" && word.startsWith("#"));
    seen.set(maker, found);
  }
  return found;
}
