// What every program has, by the way to it from the global object: `Math`, `TypeError.prototype`, `console.log`.

const ROOTS = `
  Object Function Array String Number Boolean Symbol BigInt Math JSON Reflect Date RegExp Map Set WeakMap
  WeakSet WeakRef Promise Proxy Error TypeError RangeError SyntaxError ReferenceError EvalError URIError
  AggregateError ArrayBuffer SharedArrayBuffer DataView Atomics Int8Array Uint8Array Uint8ClampedArray
  Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array Float64Array BigInt64Array
  BigUint64Array Intl Iterator parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent
  encodeURI decodeURI structuredClone queueMicrotask setTimeout setInterval setImmediate clearTimeout
  clearInterval clearImmediate fetch atob btoa URL URLSearchParams Headers Request Response Blob File FormData
  AbortController AbortSignal TextEncoder TextDecoder Event EventTarget WebSocket console process Bun Buffer
  performance crypto require display globalThis
`
  .trim()
  .split(/\s+/);
/** These hold what is the program's own, or make it when they are looked at. */
const SHALLOW = new Set(["process", "Bun", "require", "display", "globalThis"]);

export class Given {
  readonly #paths = new Map<object, readonly string[]>();

  constructor() {
    for (const name of ROOTS) {
      const root: unknown = Reflect.getOwnPropertyDescriptor(globalThis, name)?.value;
      this.#add(root, [name], SHALLOW.has(name) ? 0 : 2);
    }
  }

  pathOf(value: object): readonly string[] | undefined {
    return this.#paths.get(value);
  }

  #add(value: unknown, path: readonly string[], depth: number): void {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || this.#paths.has(value)) return;
    this.#paths.set(value, path);
    if (depth === 0) return;
    for (const key of Object.getOwnPropertyNames(value)) {
      const member: unknown = Reflect.getOwnPropertyDescriptor(value, key)?.value;
      // Not what the user has put there.
      if (key === "prototype" || isNative(member)) this.#add(member, [...path, key], depth - 1);
    }
  }
}

export function isNative(value: unknown): boolean {
  return typeof value === "function" && /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value));
}

/** Undefined where this version has it no more. */
export function follow(path: readonly string[]): unknown {
  let at: unknown = globalThis;
  for (const key of path) {
    if ((typeof at !== "object" && typeof at !== "function") || at === null) return undefined;
    at = Reflect.getOwnPropertyDescriptor(at, key)?.value;
  }
  return at;
}
