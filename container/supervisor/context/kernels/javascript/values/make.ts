// One object of the table, empty, and functions from their text.
import { Script } from "node:vm";
import type { Found } from "../sources.ts";
import { follow } from "./given.ts";
import type { Node } from "./graph.ts";

export interface Workshop {
  evaluate(text: string, place: Found): unknown;
  /** What it was imported as, brought back before. @throws why it could not be */
  moduleOf(node: Node & { readonly kind: "module" }): object;
  exportOf(module: object, name: string): unknown;
}

export function makeEmpty(node: Node, workshop: Workshop): unknown {
  switch (node.kind) {
    case "object":
      return {};
    case "error": {
      const error = new Error();
      for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key);
      return error;
    }
    case "array": {
      const array: unknown[] = [];
      array.length = node.length;
      return array;
    }
    case "map":
      return new Map();
    case "set":
      return new Set();
    case "date":
      return new Date(node.time);
    case "regexp":
      return new RegExp(node.source, node.flags);
    case "buffer": {
      const { bytes, most } = node;
      const buffer = new ArrayBuffer(bytes.byteLength, most === undefined ? {} : { maxByteLength: most });
      new Uint8Array(buffer).set(bytes);
      return buffer;
    }
    case "url":
      return new URL(node.text);
    case "parameters":
      return new URLSearchParams(node.text);
    case "symbol":
      return makeSymbol(node);
    case "given": {
      const value = follow(node.path);
      if (value === undefined) throw new ReferenceError(`there is no ${node.path.join(".")}`);
      return value;
    }
    case "module":
      return workshop.moduleOf(node);
    case "boxed":
    case "export":
    case "function":
    case "prototype":
    case "view":
    default:
      // It needs others first.
      return undefined;
  }
}

export function makeView({ type, offset, length }: Node & { readonly kind: "view" }, buffer: ArrayBuffer): unknown {
  if (type === "Buffer") return Buffer.from(buffer, offset, length);
  const Maker = Reflect.get(globalThis, type) as new (buffer: ArrayBuffer, offset: number, length: number) => object;
  return new Maker(buffer, offset, length);
}

function makeSymbol({ origin, name }: Node & { readonly kind: "symbol" }): symbol {
  if (origin === "own") return Symbol(name);
  if (origin === "registered") return Symbol.for(name ?? "");
  return Reflect.get(Symbol, name ?? "") as symbol;
}

/** In the place that it was written, so that errors tell its lines. */
export function evaluateFunction(
  text: string,
  { file, line, column }: Found,
  options: ConstructorParameters<typeof Script>[1],
): unknown {
  const run = (code: string, before: number): unknown =>
    new Script(code, {
      ...(options as object),
      filename: file,
      lineOffset: line,
      columnOffset: Math.max(0, column - before),
    }).runInThisContext();
  let problem: unknown;
  try {
    return run(`(${text})`, 1);
  } catch (error) {
    problem = error;
  }
  // A method, a getter or a setter parses only where it stands in an object.
  if (!(problem instanceof SyntaxError)) throw problem;
  const holder = run(`({${text}})`, 2) as object;
  const [key] = Reflect.ownKeys(holder);
  const descriptor = key === undefined ? undefined : Reflect.getOwnPropertyDescriptor(holder, key);
  return descriptor?.value ?? descriptor?.get ?? descriptor?.set;
}
