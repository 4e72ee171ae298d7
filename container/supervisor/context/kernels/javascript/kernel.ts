// Requests one after the other, each to its end, and what a context's code finds in its globals beside Bun's own.
import type { RunError } from "../../../../../src/contract/contexts.ts";
import { sendEvent, Requests } from "./channel.ts";
import type { Request } from "./channel.ts";
import { META } from "./compile.ts";
import { execute, giveBack, takeOver } from "./execute.ts";
import type { Context, ScriptOptions } from "./execute.ts";
import { describeFailure, printFailure } from "./failure.ts";
import { withOriginals } from "./guard.ts";
import { createModuleScope, fileIn, Imports } from "./imports.ts";
import { Namespace } from "./namespace.ts";
import { markEnd, report } from "./output.ts";
import { Programs } from "./programs.ts";
import { toResult } from "./results.ts";
import type { Shown } from "./results.ts";
import { Sources } from "./sources.ts";
import { restoreVariables, saveVariables } from "./values/store.ts";
import { calmDown, promptImmediate, runInterruptibly, waitFor } from "./waiting.ts";
import type { Ended } from "./waiting.ts";

/** Of one run; what is shown beyond is left out. */
const RESULTS_MOST = 1000;

export class Kernel {
  readonly #context: Context = createContext();
  /** Not what the program may call by that name. */
  readonly #process = process;
  readonly #leave = process.exit.bind(process);
  /** The run under way. */
  #run: { readonly id: number; shown: number; readonly pending: Promise<void>[] } | null = null;

  /** Until there are no more requests. Then the process is over, whatever else is under way in it. */
  serve(): never {
    this.#furnish();
    const requests = new Requests();
    sendEvent({ event: "ready" });
    const next = (): Request | null => requests.next((wait) => this.#idle(wait));
    for (let request = next(); request !== null; request = next()) this.#handle(request);
    return this.#leave(0);
  }

  /** What goes on between requests, a server for instance, is the user's. */
  #idle<T>(wait: () => T): T {
    giveBack(this.#context);
    const result = wait();
    takeOver(this.#context);
    return result;
  }

  #handle(request: Request): void {
    switch (request.op) {
      case "run":
        return this.#handleRun(request);
      case "save":
      case "restore":
        return this.#handleValues(request);
      default:
        console.error(`unknown request ${request.op}`);
    }
  }

  #handleRun({ id, code, filename, env, nonce }: Request): void {
    const file = String(filename);
    this.#run = { id, shown: 0, pending: [] };
    this.#context.exit = null;
    const restoreEnvironment = setEnvironment(env as Record<string, string>);
    const ended = runInterruptibly(() => this.#runAndShow(String(code), file));
    if (ended === "interrupted") calmDown();
    takeOver(this.#context);
    restoreEnvironment();
    const error = this.#errorOf(ended, file);
    this.#run = null;
    markEnd(String(nonce));
    sendEvent({ event: "done", id, error });
  }

  #errorOf(ended: Ended<RunError | null>, file: string): RunError | null {
    if (ended === "interrupted") return describeEnd(this.#context.exit);
    // The user's way of being shown; or the program has changed something in a way that cannot be lifted.
    return "thrown" in ended ? describeFailure(ended.thrown, file, this.#context.programs) : ended.value;
  }

  #runAndShow(code: string, file: string): RunError | null {
    const { error, value } = execute(this.#context, code, file);
    if (value !== null) this.#show(value.of, true, undefined);
    for (const pending of this.#run?.pending ?? []) waitFor(pending);
    return error;
  }

  #show(value: unknown, main: boolean, mime: string | undefined): void {
    const run = this.#run;
    if (run === null || run.shown++ >= RESULTS_MOST) return;
    const send = (result: Shown): void => withOriginals(() => sendEvent({ event: "result", id: run.id, result }));
    withOriginals(() => {
      const result = toResult(value, main, mime);
      if (result instanceof Promise) run.pending.push(result.then(send, reportFailure));
      else send(result);
    });
  }

  #handleValues({ op, id, directory }: Request): void {
    const event = op === "save" ? "saved" : "restored";
    const work = op === "save" ? saveVariables : restoreVariables;
    try {
      sendEvent({ event, id, ...work(this.#context, String(directory)) });
    } catch (error) {
      sendEvent({ event, id, kept: [], dropped: [], failed: (error as Error).message });
    }
  }

  #furnish(): void {
    const { require, meta } = createModuleScope(this.#context.imports);
    const file = fileIn(process.cwd());
    const display = (value: unknown, options?: { readonly mime?: string }): void =>
      this.#show(value, false, options?.mime);
    globalThis.setImmediate = promptImmediate;
    const globals = { display, require, __filename: file, __dirname: process.cwd() };
    for (const [name, value] of Object.entries(globals)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
    Object.defineProperty(globalThis, META, { value: { meta } });
    process.exit = (code) => this.#exit(Number(code ?? this.#process.exitCode ?? 0));
    // Nothing runs: there is nothing to interrupt. While something does, the engine has the signal.
    process.on("SIGINT", () => {});
    process.on("unhandledRejection", reportFailure);
    process.on("uncaughtException", reportFailure);
    Namespace.begin();
  }

  /** Ends the run and keeps the context: as an interrupt does, which no `catch` and no `finally` sees. */
  #exit(code: number): never {
    if (this.#run === null) throw new Error("process.exit() was called outside of a run: the context goes on");
    this.#context.exit = { code };
    this.#process.kill(this.#process.pid, "SIGINT");
    for (;;);
  }
}

function createContext(): Context {
  const imports = new Imports();
  const importModuleDynamically = (specifier: string, _: unknown, attributes: { type?: string }): Promise<object> =>
    imports.load(specifier, attributes.type);
  return {
    namespace: new Namespace(),
    programs: new Programs(),
    sources: new Sources(),
    imports,
    // SAFETY: what Bun's types call a module here is the namespace of one.
    scriptOptions: { importModuleDynamically } as ScriptOptions,
    changes: [],
    exit: null,
  };
}

function reportFailure(thrown: unknown): void {
  withOriginals(() => report(printFailure(thrown)));
}

function describeEnd(exit: Context["exit"]): RunError {
  const [name, message] =
    exit === null
      ? ["Interrupted", "The run was interrupted"]
      : ["Exit", `The program called process.exit(${exit.code})`];
  return { name, message, traceback: [], line: null, column: null };
}

/** For one run. What the run itself changes stays. */
function setEnvironment(env: Readonly<Record<string, string>>): () => void {
  const before = Object.entries(env).map(([name, value]) => [name, value, process.env[name]] as const);
  for (const [name, value] of before) process.env[name] = value;
  return () => {
    for (const [name, value, old] of before) {
      if (process.env[name] !== value) continue;
      if (old === undefined) delete process.env[name];
      else process.env[name] = old;
    }
  };
}
