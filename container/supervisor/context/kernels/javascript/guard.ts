// The kernel lives among the objects of the user's program, which may change them: a patched `JSON.stringify`, an
// `Object.prototype` with additions, a global that is gone. While the kernel works, what it relies on is as it was at the
// start; before the user's code goes on, the changes are put back. Nothing here may use what it guards.
const { getOwnPropertyDescriptor, defineProperty, deleteProperty, ownKeys } = Reflect;

const LANGUAGE = [
  Object,
  Array,
  String,
  Number,
  Boolean,
  BigInt,
  Symbol,
  Function,
  RegExp,
  Date,
  Map,
  Set,
  Promise,
  Error,
];
const BYTES = [ArrayBuffer, DataView, Uint8Array, Int32Array, Uint32Array, Buffer, Bun.Transpiler];
const ITERABLES = [[], "", new Map(), new Set(), "".matchAll(/./g), (function* () {})()];

/** With everything that they have of their own. */
const OBJECTS = [
  ...[...LANGUAGE, ...BYTES].flatMap((each) => [each, each.prototype as object]),
  ...[Uint8Array, Uint8Array.prototype].map((each) => Reflect.getPrototypeOf(each)),
  ...ITERABLES.map((each) => Reflect.getPrototypeOf(each[Symbol.iterator]())),
  JSON,
  Math,
  Reflect,
].filter((each) => each !== null);

/** Globals by name, themselves alone. */
const NAMES = `
  Object Array String Number Boolean BigInt Symbol Function RegExp Date Map Set Promise Error ArrayBuffer
  DataView Uint8Array Int32Array Uint32Array Buffer JSON Math Reflect process Bun globalThis AggregateError
  SyntaxError TypeError RangeError URL URLSearchParams WeakMap WeakSet Blob
`
  .trim()
  .split(/\s+/);

interface Guarded {
  readonly object: object;
  readonly keys: readonly PropertyKey[];
  readonly descriptors: readonly PropertyDescriptor[];
  /** How many keys it has; -1: further ones are of no concern. */
  readonly size: number;
}

interface Change {
  readonly object: object;
  readonly key: PropertyKey;
  /** Undefined: it was deleted. */
  readonly theirs: PropertyDescriptor | undefined;
}

function guard(object: object, names: readonly PropertyKey[] | null): Guarded {
  const keys: PropertyKey[] = [];
  const descriptors: PropertyDescriptor[] = [];
  for (const key of names ?? ownKeys(object)) {
    const descriptor = getOwnPropertyDescriptor(object, key);
    if (descriptor === undefined) continue;
    keys.push(key);
    descriptors.push(bare(descriptor));
  }
  return { object, keys, descriptors, size: names === null ? keys.length : -1 };
}

const guarded: readonly Guarded[] = [
  ...OBJECTS.map((object) => guard(object, null)),
  guard(globalThis, NAMES),
  guard(Bun, ["inspect", "resolveSync", "enableANSIColors"]),
  guard(process, ["cwd", "chdir", "kill", "on"]),
];

const names = new Set<PropertyKey>(NAMES);

/** Of a global: while the kernel works it may not be the program's. */
export function isGuarded(name: string): boolean {
  return names.has(name);
}

/** The changes, with the program's own global of this name among them; undefined: without it. */
export function withGlobal(
  changes: readonly Change[],
  name: string,
  value: { readonly of: unknown } | undefined,
): readonly Change[] {
  const others = changes.filter(({ object, key }) => object !== globalThis || key !== name);
  if (value === undefined) return others;
  const theirs = { value: value.of, writable: true, enumerable: true, configurable: true };
  return [...others, { object: globalThis, key: name, theirs: bare(theirs) }];
}

/** Everything as it was at the start. Gives back what the user had changed. */
export function lift(): readonly Change[] {
  const changes: Change[] = [];
  let count = 0;
  const note = (object: object, key: PropertyKey, theirs: PropertyDescriptor | undefined): void => {
    // By definition, not by push: that may be what was changed, and an index may have a setter on a prototype.
    defineProperty(changes, count, plain({ object, key, theirs: theirs === undefined ? theirs : bare(theirs) }));
    count += 1;
  };
  for (let at = 0; at < guarded.length; at++) {
    const { object, keys, descriptors, size } = guarded[at] as Guarded;
    if (size >= 0) {
      const present = ownKeys(object);
      if (present.length !== size) {
        for (let index = 0; index < present.length; index++) {
          const key = present[index] as PropertyKey;
          if (isOneOf(keys, key)) continue;
          note(object, key, getOwnPropertyDescriptor(object, key));
          deleteProperty(object, key);
        }
      }
    }
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as PropertyKey;
      const descriptor = descriptors[index] as PropertyDescriptor;
      const theirs = getOwnPropertyDescriptor(object, key);
      if (isSame(descriptor, theirs)) continue;
      note(object, key, theirs);
      defineProperty(object, key, descriptor);
    }
  }
  return changes;
}

export function putBack(changes: readonly Change[]): void {
  for (let at = changes.length - 1; at >= 0; at--) {
    const { object, key, theirs } = changes[at] as Change;
    if (theirs === undefined) deleteProperty(object, key);
    else defineProperty(object, key, theirs);
  }
}

/** For the kernel's own work in the midst of the user's. */
export function withOriginals<T>(work: () => T): T {
  const changes = lift();
  try {
    return work();
  } finally {
    putBack(changes);
  }
}

function isSame(ours: PropertyDescriptor, theirs: PropertyDescriptor | undefined): boolean {
  if (theirs === undefined) return false;
  return theirs.value === ours.value && theirs.get === ours.get && theirs.set === ours.set;
}

function isOneOf(keys: readonly PropertyKey[], wanted: PropertyKey): boolean {
  for (let index = 0; index < keys.length; index++) if (keys[index] === wanted) return true;
  return false;
}

/** Without a prototype: an addition to `Object.prototype` such as `get` would count as part of it. */
function bare(descriptor: PropertyDescriptor): PropertyDescriptor {
  // SAFETY: an object of this very shape.
  return { __proto__: null, ...descriptor } as unknown as PropertyDescriptor;
}

function plain(value: Change): PropertyDescriptor {
  // SAFETY: as above.
  return {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  } as unknown as PropertyDescriptor;
}
