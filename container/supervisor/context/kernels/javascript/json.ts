// JSON of plain data, and of that alone: what has a prototype of its own, an accessor or a cycle is not plain, and none of the
// user's code is called to find out.
import { types } from "node:util";

const { isProxy } = types;
const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const OBJECT = Object.prototype;
const ARRAY = Array.prototype;
const DEEPEST = 200;

/** JSON text already. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

class NotPlain extends Error {}

/** Null for what is not plain, or longer than `limit` characters. */
export function encodeJson(value: unknown, limit: number): string | null {
  const parts: string[] = [];
  let length = 0;
  const put = (text: string): void => {
    if ((length += text.length) > limit) throw new NotPlain();
    parts.push(text);
  };
  const open = new Set<object>();

  const write = (value: unknown, depth: number): void => {
    switch (typeof value) {
      case "string":
        if (value.length > limit) throw new NotPlain();
        return put(JSON.stringify(value));
      case "number":
        // JSON has no -0.
        if (!Number.isFinite(value) || Object.is(value, -0)) throw new NotPlain();
        return put(String(value));
      case "boolean":
        return put(value ? "true" : "false");
      case "object":
        if (value === null) return put("null");
        if (value instanceof Raw) return put(value.text);
        if (open.has(value) || depth > DEEPEST) throw new NotPlain();
        open.add(value);
        if (isPlainArray(value)) writeArray(value, depth);
        else writeObject(value, depth);
        open.delete(value);
        return;
      case "bigint":
      case "function":
      case "symbol":
      case "undefined":
        throw new NotPlain();
    }
  };

  const writeArray = (array: readonly unknown[], depth: number): void => {
    put("[");
    for (let index = 0; index < array.length; index++) {
      const descriptor = getOwnPropertyDescriptor(array, index);
      if (descriptor === undefined || !("value" in descriptor)) throw new NotPlain();
      if (index > 0) put(",");
      write(descriptor.value, depth + 1);
    }
    if (ownKeys(array).length !== array.length + 1) throw new NotPlain();
    put("]");
  };

  const writeObject = (object: object, depth: number): void => {
    if (isProxy(object)) throw new NotPlain();
    const prototype = getPrototypeOf(object);
    if (prototype !== OBJECT && prototype !== null) throw new NotPlain();
    put("{");
    let count = 0;
    for (const key of ownKeys(object)) {
      const descriptor = getOwnPropertyDescriptor(object, key);
      if (typeof key === "symbol" || descriptor === undefined || !("value" in descriptor)) throw new NotPlain();
      if (!descriptor.enumerable || descriptor.value === undefined) continue;
      put(`${count++ > 0 ? "," : ""}${JSON.stringify(key)}:`);
      write(descriptor.value, depth + 1);
    }
    put("}");
  };

  try {
    write(value, 0);
    return parts.join("");
  } catch (error) {
    if (error instanceof NotPlain || error instanceof RangeError) return null;
    throw error;
  }
}

function isPlainArray(value: object): value is unknown[] {
  return !isProxy(value) && Array.isArray(value) && getPrototypeOf(value) === ARRAY;
}
