// One object of the table, empty, and functions from their text.
import { Script } from "node:vm";
import { STRICT } from "../compile.ts";
import type { Found } from "../sources.ts";
import { follow } from "./given.ts";
import type { Node } from "./graph.ts";

/** What the program may call by these names is not meant where it runs. */
const { ownKeys, getOwnPropertyDescriptor } = Reflect;
const NativeSyntaxError = SyntaxError;

export interface Workshop {
  evaluate(text: string, place: Found): unknown;
  /** What it was imported as, brought back before. @throws why it could not be */
  moduleOf(node: Node & { readonly kind: "module" }): object;
  exportOf(module: object, node: Node & { readonly kind: "export" }): unknown;
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
    case "member":
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
  { file, line, column, isStrict }: Found,
  options: ConstructorParameters<typeof Script>[1],
): unknown {
  const head = isStrict === true ? STRICT : "";
  const run = (code: string, within: number): unknown => {
    const before = head.length + within;
    return new Script(head + code, {
      ...(options as object),
      filename: file,
      lineOffset: line,
      columnOffset: column > before ? column - before : 0,
    }).runInThisContext();
  };
  let problem: unknown;
  try {
    return run(`(${text})`, 1);
  } catch (error) {
    problem = error;
  }
  // A method, a getter or a setter parses only where it stands in an object.
  if (!(problem instanceof NativeSyntaxError)) throw problem;
  const holder = run(`({${text}})`, 2) as object;
  const key = ownKeys(holder)[0];
  const descriptor = key === undefined ? undefined : getOwnPropertyDescriptor(holder, key);
  return descriptor?.value ?? descriptor?.get ?? descriptor?.set;
}
