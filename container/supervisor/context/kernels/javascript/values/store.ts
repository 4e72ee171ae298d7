// The variables of a context in a file, and from it.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { CONTEXTS } from "../../../../../../src/contract/limits.ts";
import type { Context } from "../execute.ts";
import { runInterruptibly, waitFor } from "../waiting.ts";
import { Decoder } from "./decode.ts";
import type { Decoded } from "./decode.ts";
import { encodeVariables } from "./encode.ts";
import { Given } from "./given.ts";
import type { Dropped, Snapshot, Value } from "./graph.ts";
import { evaluateFunction } from "./make.ts";
import { Modules, read } from "./modules.ts";

const FILE = "javascript.values";
const VERSION = 1;

type Outcome = Decoded;

/** What the file begins with, for the case that the rest of it cannot be read. */
interface Head {
  readonly version: number;
  readonly names: readonly string[];
  readonly dropped: readonly Dropped[];
}

export function saveVariables({ namespace, sources, imports }: Context, directory: string): Outcome {
  const { own, hidden } = namespace.names();
  const world = { given: new Given(), modules: new Modules(imports), sources };
  const accessors = own.filter((name) => propertyOf(name) === null);
  const variables = [...own, ...hidden].flatMap((name) => {
    const descriptor = propertyOf(name);
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

function propertyOf(name: string): { readonly value: unknown } | null {
  const descriptor = Reflect.getOwnPropertyDescriptor(globalThis, name);
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

function decode({ namespace, sources, imports, scriptOptions }: Context, snapshot: Snapshot): Outcome {
  const decoder = new Decoder(snapshot, {
    evaluate(text, place) {
      const ended = runInterruptibly(() => evaluateFunction(text, place, scriptOptions));
      if (ended === "interrupted") throw new Error("it was interrupted");
      if ("thrown" in ended) throw ended.thrown;
      sources.addFunction(text, place);
      return ended.value;
    },
    moduleOf({ origin }) {
      const ended = runInterruptibly(() => waitFor(imports.bringBack(origin)));
      if (ended === "interrupted") throw new Error("its import was interrupted");
      const settled = "thrown" in ended ? ended : ended.value;
      if ("thrown" in settled) throw settled.thrown;
      return settled.value;
    },
    exportOf(module, name) {
      const value = read(module, name);
      if (value === null) throw new Error(`the module has no export ${name} any more`);
      return value;
    },
  });
  const decoded = decoder.decode(
    (name, value) => Reflect.set(globalThis, name, value),
    (name) => Reflect.deleteProperty(globalThis, name),
  );
  const hidden = snapshot.hidden.map(([name]) => name);
  namespace.adopt(decoded.kept, hidden);
  return decoded;
}
