// One run: compiled, run to its end or an interrupt, with all that it awaits.
import { Script } from "node:vm";
import type { RunError } from "../../../../../src/contract/contexts.ts";
import { compile } from "./compile.ts";
import type { Compiled } from "./compile.ts";
import { describeFailure, describeSyntaxError } from "./failure.ts";
import { lift, putBack } from "./guard.ts";
import type { Imports } from "./imports.ts";
import type { Namespace } from "./namespace.ts";
import type { Programs } from "./programs.ts";
import type { Sources } from "./sources.ts";
import { turnOnce, waitFor } from "./waiting.ts";
import type { Settled } from "./waiting.ts";

export type ScriptOptions = Exclude<ConstructorParameters<typeof Script>[1], string | undefined>;

export interface Context {
  readonly namespace: Namespace;
  readonly programs: Programs;
  readonly sources: Sources;
  readonly imports: Imports;
  /** Of every script of the user's. */
  readonly scriptOptions: ScriptOptions;
  /** What the user's code has changed of what the kernel relies on, while the kernel works; null: the user's code does. */
  changes: ReturnType<typeof lift> | null;
  /** What `process.exit` was called with. */
  exit: { readonly code: number } | null;
}

export interface Outcome {
  readonly error: RunError | null;
  /** Null: there is none, or it is undefined. */
  readonly value: { readonly of: unknown } | null;
}

/** To be called where it can be interrupted. */
export function execute(context: Context, code: string, file: string): Outcome {
  const prepared = prepare(context, code, file);
  if ("error" in prepared) return { error: prepared.error, value: null };
  const { compiled, functions, body } = prepared;
  context.imports.expect(file, compiled.needs);
  giveBack(context);
  const settled = runBody(functions, body, compiled);
  turnOnce();
  takeOver(context);
  if ("thrown" in settled) return { error: describeFailure(settled.thrown, file, context.programs), value: null };
  if (!compiled.hasValue || settled.value === undefined) return { error: null, value: null };
  return { error: null, value: { of: settled.value } };
}

/** From here on it is the user's code that runs, with what it has changed. */
export function giveBack(context: Context): void {
  putBack(context.changes ?? []);
  context.changes = null;
}

/** From here on it is the kernel. Nothing where it is already. */
export function takeOver(context: Context): void {
  context.changes ??= lift();
}

interface Prepared {
  readonly compiled: Compiled;
  readonly functions: Script | null;
  readonly body: Script;
}

function prepare(
  { namespace, programs, sources, scriptOptions }: Context,
  code: string,
  file: string,
): Prepared | { error: RunError } {
  try {
    const compiled = compile(code);
    programs.add(file, code, compiled.shifts);
    const make = (text: string): Script => new Script(text, { ...scriptOptions, filename: file });
    const functions = compiled.functions === "" ? null : make(compiled.functions);
    const body = make(compiled.body);
    namespace.declare(compiled.names, compiled.hidden);
    sources.add(file, compiled);
    return { compiled, functions, body };
  } catch (thrown) {
    programs.add(file, code, []);
    return { error: describeSyntaxError(thrown, file, programs) };
  }
}

function runBody(functions: Script | null, body: Script, { isAsync }: Compiled): Settled<unknown> {
  try {
    functions?.runInThisContext();
    const value: unknown = body.runInThisContext({ displayErrors: false });
    if (!isAsync) return { value };
    const settled = waitFor((value as () => Promise<unknown[] | undefined>)());
    return "thrown" in settled ? settled : { value: settled.value?.[0] };
  } catch (thrown) {
    return { thrown };
  }
}
