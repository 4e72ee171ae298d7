// What a module of the user's own exports as data, and what hangs in that data that is none: functions, instances of classes.
// The data is saved as it is, since the program may change it; what hangs in it is found again by the way to it.
import { types } from "node:util";
import type { Origin } from "./imports.ts";

/** Of one module; what is beyond is not known as the module's. */
const LOOKED_AT_MOST = 100_000;

export type Part = "value" | "get" | "set";

/** The way from a module to what it has: the name of an export, and properties from there on. */
export interface Way {
  readonly of: object;
  readonly name: string;
  readonly path: readonly string[];
  readonly part: Part;
}

/** A file of the user's, or plain data: not what is installed, or the engine's. */
export function isOwn({ specifier, type }: Origin): boolean {
  return /^(?:\.{0,2}\/|file:)|\.json$/.test(specifier) || type === "json";
}

export function isData(value: unknown): value is object {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  const prototype = Reflect.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype;
  if (types.isMap(value)) return prototype === Map.prototype;
  if (types.isSet(value)) return prototype === Set.prototype;
  return (prototype === null || prototype === Object.prototype) && !types.isModuleNamespaceObject(value);
}

/** To be called when the module has just come. */
export function findWays(module: object): Map<object, Way> {
  const ways = new Map<object, Way>();
  const seen = new Set<object>();
  const queue: [holder: object, name: string | null, path: readonly string[]][] = [[module, null, []]];
  for (let next = queue.pop(); next !== undefined && seen.size + ways.size < LOOKED_AT_MOST; next = queue.pop()) {
    const [holder, name, path] = next;
    for (const key of Object.getOwnPropertyNames(holder)) {
      const descriptor = describe(holder, key);
      const to = name === null ? [] : [...path, key];
      for (const part of ["value", "get", "set"] as const) {
        const each: unknown = descriptor?.[part];
        if (isData(each)) {
          if (!seen.has(each)) queue.push([each, name ?? key, to]);
          seen.add(each);
        } else if (((typeof each === "object" && each !== null) || typeof each === "function") && !ways.has(each)) {
          ways.set(each, { of: module, name: name ?? key, path: to, part });
        }
      }
    }
  }
  return ways;
}

/** Undefined: there is nothing. */
export function follow(module: object, { name, path, part }: Omit<Way, "of">): unknown {
  const keys = [name, ...path];
  const last = keys.pop() ?? "";
  let at: unknown = module;
  for (const key of keys) {
    if (typeof at !== "object" || at === null) return undefined;
    at = describe(at, key)?.value;
  }
  return typeof at === "object" && at !== null ? describe(at, last)?.[part] : undefined;
}

/** A module that has not finished has exports that cannot be read yet. */
function describe(holder: object, key: string): PropertyDescriptor | undefined {
  try {
    return Reflect.getOwnPropertyDescriptor(holder, key);
  } catch {
    return undefined;
  }
}
