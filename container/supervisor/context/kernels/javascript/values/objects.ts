// One object as a node: by what it is to the engine, whatever prototype it has. None of the user's code is called.
import { types } from "node:util";
import { Unsavable } from "./encoding.ts";
import type { Encoding, World } from "./encoding.ts";
import { encodeFunction, ownerOf } from "./functions.ts";
import type { Members, Node, Value } from "./graph.ts";
import { levelOf } from "./level.ts";
import { encodeProperties } from "./properties.ts";
import { encodePrototype } from "./prototypes.ts";

const KNOWN_SYMBOLS = new Map<unknown, string>(
  Object.getOwnPropertyNames(Symbol).flatMap((name) => {
    const value: unknown = Reflect.get(Symbol, name);
    return typeof value === "symbol" ? [[value, name] as const] : [];
  }),
);

export function encodeObject(value: object | symbol, encoder: Encoding, world: World): Node {
  if (typeof value === "symbol") return encodeSymbol(value);
  const path = world.given.pathOf(value);
  if (path !== undefined) return { kind: "given", path };
  const imported = world.modules.encode(value, encoder);
  if (imported !== null) {
    return world.modules.isChangeable(value) ? { ...imported, is: encodeData(value, encoder, world) } : imported;
  }
  if (types.isProxy(value)) throw new Unsavable("a Proxy");
  const member = world.members.get(value);
  if (member !== undefined) {
    const { of, key, isStatic, part } = member;
    return { kind: "member", of: encoder.refer(of, ""), key: encoder.refer(key, ""), isStatic, part };
  }
  if (typeof value === "function") return encodeFunction(value, encoder, world);
  const owner = ownerOf(value);
  if (owner !== null) return { kind: "prototype", of: encoder.refer(owner, ".constructor"), ...levelOf(value) };
  return encodeData(value, encoder, world);
}

function encodeSymbol(value: symbol): Node {
  const known = KNOWN_SYMBOLS.get(value);
  if (known !== undefined) return { kind: "symbol", origin: "known", name: known };
  const key = Symbol.keyFor(value);
  if (key !== undefined) return { kind: "symbol", origin: "registered", name: key };
  return { kind: "symbol", origin: "own", name: value.description };
}

function encodeData(value: object, encoder: Encoding, world: World): Node {
  const members = (
    usual: object | null,
    except?: (key: PropertyKey) => boolean,
    keys?: (string | symbol)[],
  ): Members => ({
    ...encodePrototype(value, usual, encoder, world),
    ...encodeProperties(value, encoder, except, keys),
    ...levelOf(value),
  });

  if (Array.isArray(value)) {
    const keys = keysOf(value, encoder);
    const items = denseItems(value, keys, encoder);
    // Indexes come before names.
    const rest = members(Array.prototype, (key) => key === "length", items === null ? keys : keys.slice(items.length));
    return { kind: "array", length: value.length, ...(items === null ? {} : { items }), ...rest };
  }
  if (types.isMap(value)) {
    const entries = [...Map.prototype.entries.call(value)];
    const items = entries.flatMap(([key, each], index) => [
      encoder.refer(key, `.key(${index})`),
      encoder.refer(each, `.get(${typeof key === "string" ? JSON.stringify(key) : `key ${index}`})`),
    ]);
    return { kind: "map", items, ...members(Map.prototype) };
  }
  if (types.isSet(value)) {
    const items = [...Set.prototype.values.call(value)].map((each, index) => encoder.refer(each, `.item(${index})`));
    return { kind: "set", items, ...members(Set.prototype) };
  }
  if (types.isDate(value))
    return { kind: "date", time: Date.prototype.getTime.call(value), ...members(Date.prototype) };
  if (types.isRegExp(value)) {
    const [source, flags] = readRegExp(value);
    return { kind: "regexp", source, flags, ...members(RegExp.prototype) };
  }
  if (types.isBoxedPrimitive(value)) return encodeBoxed(value, encoder, members);
  if (types.isSharedArrayBuffer(value)) throw new Unsavable("a SharedArrayBuffer");
  if (types.isArrayBuffer(value)) {
    if (value.detached) throw new Unsavable("an ArrayBuffer that was transferred");
    encoder.count(value.byteLength);
    const most = value.resizable ? { most: value.maxByteLength } : {};
    return { kind: "buffer", bytes: new Uint8Array(value.slice(0)), ...most, ...members(ArrayBuffer.prototype) };
  }
  if (types.isArrayBufferView(value)) {
    const type = Buffer.isBuffer(value) ? "Buffer" : viewType(value);
    const usual = (Reflect.get(globalThis, type) as { prototype: object }).prototype;
    const length = "length" in value ? (value as Uint8Array).length : value.byteLength;
    const buffer = encoder.refer(value.buffer, ".buffer");
    // To ask for its names is to make one of each index.
    const keys = length > NAMED_MOST ? [] : Reflect.ownKeys(value);
    return { kind: "view", type, buffer, offset: value.byteOffset, length, ...members(usual, isIndex, keys) };
  }
  if (Error.isError(value)) return { kind: "error", ...members(null, (key) => ENGINES.has(key)) };
  if (value instanceof URL) return { kind: "url", text: value.href, ...encodeProperties(value, encoder) };
  if (value instanceof URLSearchParams) {
    return { kind: "parameters", text: value.toString(), ...encodeProperties(value, encoder) };
  }
  refuseHandles(value);
  return { kind: "object", ...members(Object.prototype) };
}

/** What the engine keeps about an error beside what people read. */
const ENGINES = new Set<PropertyKey>(["line", "column", "sourceURL", "originalLine", "originalColumn"]);

const isIndex = (key: PropertyKey): boolean => typeof key === "string" && /^(?:0|[1-9]\d*)$/.test(key);

/** A view of more elements has no properties beside them that would be saved. */
const NAMED_MOST = 10_000;

/** What is too large is refused before its indexes are made into names. */
function keysOf(array: readonly unknown[], encoder: Encoding): (string | symbol)[] {
  const { length } = array;
  if ([0, length >> 1, length - 1].every((index) => Object.hasOwn(array, index))) encoder.count(length * ITEM_BYTES);
  return Reflect.ownKeys(array);
}

const ITEM_BYTES = 8;

/** Null where there are holes, accessors or properties that are not usual. */
function denseItems(array: readonly unknown[], keys: readonly unknown[], encoder: Encoding): Value[] | null {
  if (keys.length <= array.length || (array.length > 0 && keys[array.length - 1] !== String(array.length - 1)))
    return null;
  const descriptors: unknown[] = [];
  for (let index = 0; index < array.length; index++) {
    const descriptor = Reflect.getOwnPropertyDescriptor(array, index);
    if (descriptor === undefined || !("value" in descriptor)) return null;
    // A frozen one is frozen again as a whole.
    if (descriptor.enumerable !== true) return null;
    descriptors.push(descriptor.value);
  }
  return descriptors.map((each, index) => encoder.refer(each, `[${index}]`));
}

function encodeBoxed(
  value: object,
  encoder: Encoding,
  members: (usual: object | null, except: (key: PropertyKey) => boolean) => Members,
): Node {
  const primitive: unknown = types.isStringObject(value)
    ? String.prototype.valueOf.call(value)
    : types.isNumberObject(value)
      ? Number.prototype.valueOf.call(value)
      : types.isBooleanObject(value)
        ? Boolean.prototype.valueOf.call(value)
        : types.isBigIntObject(value)
          ? BigInt.prototype.valueOf.call(value)
          : Symbol.prototype.valueOf.call(value);
  const usual = Reflect.getPrototypeOf(Object(primitive) as object);
  const isText = (key: PropertyKey): boolean =>
    types.isStringObject(value) && typeof key === "string" && /^(?:\d+|length)$/.test(key);
  return { kind: "boxed", of: encoder.refer(primitive, ""), ...members(usual, isText) };
}

function readRegExp(value: RegExp): [source: string, flags: string] {
  const read = (key: "source" | "flags"): string =>
    String(Reflect.getOwnPropertyDescriptor(RegExp.prototype, key)?.get?.call(value));
  return [read("source"), read("flags")];
}

function viewType(value: object): string {
  if (types.isDataView(value)) return "DataView";
  const tag = Reflect.getOwnPropertyDescriptor(Reflect.getPrototypeOf(Uint8Array.prototype) ?? {}, Symbol.toStringTag);
  return String(tag?.get?.call(value));
}

const HANDLES: readonly (readonly [test: (value: object) => boolean, what: string])[] = [
  [types.isPromise, "a Promise"],
  [types.isWeakMap, "a WeakMap"],
  [types.isWeakSet, "a WeakSet"],
  [types.isGeneratorObject, "a generator"],
  [types.isMapIterator, "an iterator"],
  [types.isSetIterator, "an iterator"],
  [types.isModuleNamespaceObject, "a module that this context did not import by itself"],
  [types.isExternal, "a handle of native code"],
];

function refuseHandles(value: object): void {
  for (const [test, what] of HANDLES) if (test(value)) throw new Unsavable(what);
}
