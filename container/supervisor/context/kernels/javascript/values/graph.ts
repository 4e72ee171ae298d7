// The values of a context as a table that can be written: each object once, so that what variables share they share again
// when they come back, and cycles close.
import type { Part } from "../exports.ts";
import type { Origin } from "../imports.ts";
import type { Found } from "../sources.ts";

/** An object is the index of its node, in an array of its own: everything else is itself. */
export type Value = undefined | null | boolean | number | string | bigint | readonly [node: number];

/** Of a property: as in a literal where it is absent. */
export const WRITABLE = 1;
export const ENUMERABLE = 2;
export const CONFIGURABLE = 4;
export const USUAL = 7;
/** Instead of a value there are a getter and a setter. */
export const ACCESSOR = 8;

export type Property =
  | readonly [key: Value, value: Value, flags?: number]
  | readonly [key: Value, get: Value, flags: number, set: Value];

export interface Members {
  /** Absent: the usual one of its kind. */
  readonly prototype?: Value;
  readonly properties?: readonly Property[];
  readonly level?: Level;
}

export type Level = "frozen" | "sealed" | "fixed";

export type Node = Members &
  (
    | { readonly kind: "object" | "error" }
    | { readonly kind: "array"; readonly length: number; readonly items?: readonly Value[] }
    | { readonly kind: "map" | "set"; readonly items: readonly Value[] }
    | { readonly kind: "date"; readonly time: number }
    | { readonly kind: "regexp"; readonly source: string; readonly flags: string }
    | { readonly kind: "boxed"; readonly of: Value }
    | { readonly kind: "buffer"; readonly bytes: Uint8Array; readonly most?: number }
    | {
        readonly kind: "view";
        readonly type: string;
        readonly buffer: Value;
        readonly offset: number;
        readonly length: number;
      }
    | { readonly kind: "url" | "parameters"; readonly text: string }
    | { readonly kind: "symbol"; readonly origin: "known" | "registered" | "own"; readonly name: string | undefined }
    | {
        readonly kind: "function";
        readonly text: string;
        readonly place: Found;
        /** Absent: what its text makes it. */
        readonly name?: string;
        /** Of a class: what it has, which may be less than its text says. */
        readonly keys?: readonly Value[];
        /** In the place of the `prototype` that it is made with. */
        readonly replaced?: Value;
        /** What its `prototype` inherits from. */
        readonly from?: Value;
        /** Of its `prototype`, beyond what its text says. */
        readonly inherited?: readonly Property[];
        readonly inheritedKeys?: readonly Value[];
      }
    /** A function that the text of a class has as its member. */
    | {
        readonly kind: "member";
        readonly of: Value;
        readonly key: Value;
        readonly isStatic: boolean;
        readonly part: Part;
      }
    /** What instances of a function have as their prototype. */
    | { readonly kind: "prototype"; readonly of: Value }
    /** `is`: what was in it, where it is data; `parts`: what it exports as data. */
    | { readonly kind: "module"; readonly origin: Origin; readonly is?: Node; readonly parts?: readonly Value[] }
    | {
        readonly kind: "export";
        readonly of: Value;
        readonly name: string;
        /** From the export on. */
        readonly path?: readonly string[];
        readonly part?: Part;
        readonly is?: Node;
      }
    /** What every program has: the way to it from the global object. */
    | { readonly kind: "given"; readonly path: readonly string[] }
  );

export interface Snapshot {
  readonly version: 1;
  readonly directory: string;
  readonly names: readonly (readonly [name: string, value: Value])[];
  readonly hidden: readonly (readonly [name: string, value: Value])[];
  readonly nodes: readonly Node[];
}

export interface Dropped {
  readonly name: string;
  readonly reason: string;
}

/** All that a node refers to. */
export function* referencesOf(node: Node): Generator<number> {
  const { prototype, properties } = node;
  if (isReference(prototype)) yield prototype[0];
  for (const property of properties ?? []) yield* ofProperty(property);
  switch (node.kind) {
    case "array":
    case "map":
    case "set":
      for (const item of node.items ?? []) if (isReference(item)) yield item[0];
      return;
    case "boxed":
    case "prototype":
      if (isReference(node.of)) yield node.of[0];
      return;
    case "export":
      if (isReference(node.of)) yield node.of[0];
      if (node.is !== undefined) yield* referencesOf(node.is);
      return;
    case "module":
      for (const part of node.parts ?? []) if (isReference(part)) yield part[0];
      if (node.is !== undefined) yield* referencesOf(node.is);
      return;
    case "view":
      if (isReference(node.buffer)) yield node.buffer[0];
      return;
    case "function":
      for (const property of node.inherited ?? []) yield* ofProperty(property);
      for (const each of [node.replaced, node.from, ...(node.keys ?? []), ...(node.inheritedKeys ?? [])]) {
        if (isReference(each)) yield each[0];
      }
      return;
    case "member":
      for (const each of [node.of, node.key]) if (isReference(each)) yield each[0];
      return;
    case "object":
    case "error":
    case "date":
    case "regexp":
    case "buffer":
    case "url":
    case "parameters":
    case "symbol":
    case "given":
      return;
  }
}

function* ofProperty([key, value, , set]: Property): Generator<number> {
  for (const each of [key, value, set]) if (isReference(each)) yield each[0];
}

export function isReference(value: Value): value is readonly [node: number] {
  return Array.isArray(value);
}
