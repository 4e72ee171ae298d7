// The variables of a context in a file, and from it.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { CONTEXTS } from "../../../../../../src/contract/limits.ts";
import { giveBack, takeOver } from "../execute.ts";
import type { Context } from "../execute.ts";
import { follow } from "../exports.ts";
import { isGuarded, withGlobal } from "../guard.ts";
import { runInterruptibly, waitFor } from "../waiting.ts";
import type { Ended } from "../waiting.ts";
import { Decoder } from "./decode.ts";
import type { Decoded } from "./decode.ts";
import { encodeVariables } from "./encode.ts";
import { Given } from "./given.ts";
import type { Dropped, Snapshot, Value } from "./graph.ts";
import { evaluateFunction } from "./make.ts";
import { Modules } from "./modules.ts";

const FILE = "javascript.values";
const VERSION = 1;

type Outcome = Decoded;

/** What the file begins with, for the case that the rest of it cannot be read. */
interface Head {
  readonly version: number;
  readonly names: readonly string[];
  readonly dropped: readonly Dropped[];
}

export function saveVariables({ namespace, sources, imports, changes }: Context, directory: string): Outcome {
  const { own, hidden } = namespace.names();
  const world = { given: new Given(), modules: new Modules(imports), sources, members: new Map() };
  // What every program has by that name too is as it was while the kernel works.
  const theirs = new Map(
    (changes ?? []).flatMap((each) => (each.object === globalThis ? [[each.key, each.theirs]] : [])),
  );
  const find = (name: string): ReturnType<typeof valueOf> =>
    valueOf(theirs.get(name) ?? Reflect.getOwnPropertyDescriptor(globalThis, name));
  const accessors = own.filter((name) => find(name) === null);
  const variables = [...own, ...hidden].flatMap((name) => {
    const descriptor = find(name);
    return descriptor === null ? [] : [[name, descriptor.value] as const];
  });
  const { kept, dropped: unsaved, nodes } = encodeVariables(variables, world, CONTEXTS.savedBytes);
  const isHidden = new Set(hidden);
  const pick = (wanted: boolean): (readonly [string, Value])[] =>
    kept.filter(([name]) => isHidden.has(name) === wanted);
  const dropped = [
    ...unsaved.filter(({ name }) => !isHidden.has(name)),
    ...accessors.map((name) => ({ name, reason: "it is a getter of the global object" })),
  ];
  const names = pick(false);
  const snapshot: Snapshot = { version: VERSION, directory: process.cwd(), names, hidden: pick(true), nodes };
  const head: Head = { version: VERSION, names: names.map(([name]) => name), dropped };
  write(directory, head, serialize(snapshot));
  return { kept: head.names, dropped };
}

function valueOf(descriptor: PropertyDescriptor | undefined): { readonly value: unknown } | null {
  return descriptor !== undefined && "value" in descriptor ? { value: descriptor.value as unknown } : null;
}

function write(directory: string, head: Head, body: Buffer): void {
  mkdirSync(directory, { recursive: true });
  const draft = join(directory, `${FILE}.draft`);
  try {
    writeFileSync(draft, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]));
    renameSync(draft, join(directory, FILE));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** What was not saved is dropped here too: the file is all that is left to tell of it. */
export function restoreVariables(context: Context, directory: string): Outcome {
  const bytes = readFileSync(join(directory, FILE));
  const end = bytes.indexOf(10);
  const head = JSON.parse(bytes.subarray(0, end).toString("utf8")) as Head;
  let snapshot: Snapshot;
  try {
    if (head.version !== VERSION) throw new Error(`it was saved in version ${head.version} of the format`);
    snapshot = deserialize(bytes.subarray(end + 1)) as Snapshot;
  } catch (error) {
    const reason = `what was saved cannot be read: ${(error as Error).message}`;
    return { kept: [], dropped: [...head.dropped, ...head.names.map((name) => ({ name, reason }))] };
  }
  enter(snapshot.directory);
  const { kept, dropped } = decode(context, snapshot);
  return { kept, dropped: [...head.dropped, ...dropped] };
}

function enter(directory: string): void {
  try {
    process.chdir(directory);
  } catch {
    // It is gone; where the context was started is as good.
  }
}

function decode(context: Context, snapshot: Snapshot): Outcome {
  const { namespace, sources, imports, scriptOptions } = context;
  const run = <T>(work: () => T): Ended<T> => {
    const ended = runInterruptibly(() => {
      giveBack(context);
      return work();
    });
    takeOver(context);
    return ended;
  };
  /** One that cannot be had is asked for once. */
  const modules = new Map<string, () => object>();
  const decoder = new Decoder(snapshot, {
    evaluate(text, place) {
      const ended = run(() => evaluateFunction(text, place, scriptOptions));
      if (ended === "interrupted") throw new Error("it was interrupted");
      if ("thrown" in ended) throw ended.thrown;
      sources.addFunction(text, place);
      return ended.value;
    },
    moduleOf({ origin }) {
      const key = JSON.stringify(origin);
      const known = modules.get(key);
      if (known !== undefined) return known();
      const ended = run(() => waitFor(imports.bringBack(origin)));
      if (ended === "interrupted") throw new Error("its import was interrupted");
      const settled = "thrown" in ended ? ended : ended.value;
      const again = (): object => {
        if ("thrown" in settled) throw settled.thrown;
        return settled.value;
      };
      modules.set(key, again);
      return again();
    },
    exportOf(module, { name, path = [], part = "value" }) {
      const value = follow(module, { name, path, part });
      if ((typeof value === "object" && value !== null) || typeof value === "function") return value;
      throw new Error(`the module has no export ${[name, ...path].join(".")} any more`);
    },
  });
  const decoded = decoder.decode(
    (name, value) => {
      if (isGuarded(name)) context.changes = withGlobal(context.changes ?? [], name, { of: value });
      else Reflect.set(globalThis, name, value);
    },
    (name) => {
      if (isGuarded(name)) context.changes = withGlobal(context.changes ?? [], name, undefined);
      else Reflect.deleteProperty(globalThis, name);
    },
  );
  const hidden = snapshot.hidden.map(([name]) => name);
  namespace.adopt(decoded.kept, hidden);
  return decoded;
}
