// The contexts of a session: creates them, finds them, runs code in them, saves them before the workspace is saved.
import type { Context as ContextView, ContextList } from "../../../src/contract/contexts.ts";
import { CONTEXTS } from "../../../src/contract/limits.ts";
import type { ContextCommand, ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { unknownContext } from "../../../src/lib/context-record.ts";
import { newExecutionRecord } from "../../../src/lib/execution-record.ts";
import type { Config } from "../config.ts";
import type { FileRoutes } from "../files/routes.ts";
import { SupervisorError } from "../problem.ts";
import { CONTEXT_MARK } from "../process/environment.ts";
import type { Followed, Kill } from "../process/execution.ts";
import type { Freezer } from "../process/freezer.ts";
import type { Languages } from "../process/languages.ts";
import type { Launcher } from "../process/launcher.ts";
import { OutputLog } from "../process/output-log.ts";
import { contextOf, contextOwner } from "../process/process-table.ts";
import type { Owner, ProcessTable } from "../process/process-table.ts";
import type { Records } from "../process/records.ts";
import { ofOwner, terminate } from "../process/termination.ts";
import type { Select } from "../process/termination.ts";
import { WorkingDirectory } from "../process/working-directory.ts";
import type { ContextFiles, KeptContext } from "./context-files.ts";
import { Context } from "./context.ts";
import { Interpreter } from "./interpreter.ts";
import { KernelPipes } from "./kernel-pipes.ts";
import { kernelCommand } from "./kernels.ts";
import { NEVER_SAVED } from "./loss.ts";
import { Run } from "./run.ts";

export interface ContextsOptions {
  readonly config: Config;
  readonly contextFiles: ContextFiles;
  readonly files: FileRoutes;
  readonly records: Records;
  readonly languages: Languages;
  readonly launcher: Launcher;
  readonly table: ProcessTable;
  readonly freezer: Freezer;
  /** Filled and emptied here: runs that have not been answered. */
  readonly runs: Map<string, Followed>;
  /** Called when an interpreter was started, and when a run has ended. */
  readonly onStart: () => void;
  readonly onEnd: () => void;
}

/** For figures: a figure is shown as a result, there is no window. */
const ENVIRONMENT = { MPLBACKEND: "Agg" };

export class Contexts {
  readonly #options: ContextsOptions;
  /** Oldest first. */
  readonly #contexts = new Map<string, Context>();
  readonly #creating = new Map<string, Promise<ContextView>>();
  #interpreters = 0;

  constructor(options: ContextsOptions) {
    this.#options = options;
    this.reload();
  }

  /** Takes what is in the workspace for what there is: at the start, and when the workspace was replaced. */
  reload(): void {
    this.#contexts.clear();
    for (const kept of this.#options.contextFiles.load()) this.#contexts.set(kept.id, this.#open(kept));
  }

  list(): ContextList {
    const contexts = [...this.#contexts.values()].map((context) => context.view());
    return { contexts, total: contexts.length };
  }

  get(id: string): ContextView {
    return this.#find(id).view();
  }

  /** With an interpreter. The same id again: the one that is there. Rejects with SupervisorError. */
  async create(command: ContextCommand): Promise<ContextView> {
    const { id } = command;
    const known = this.#contexts.get(id);
    if (known !== undefined) return known.view();
    const creating = this.#creating.get(id) ?? this.#create(command).finally(() => this.#creating.delete(id));
    this.#creating.set(id, creating);
    return await creating;
  }

  /** Ends what runs in it. Rejects with SupervisorError. */
  async delete(id: string): Promise<void> {
    const context = this.#find(id);
    await this.#options.freezer.thaw();
    this.#contexts.delete(id);
    context.dismiss({ reason: "requested" });
    await this.#clear(ofContext(id));
    await this.#options.contextFiles.remove(id);
  }

  /** Rejects with SupervisorError. */
  async interrupt(id: string): Promise<boolean> {
    const context = this.#find(id);
    await this.#options.freezer.thaw();
    return await context.interrupt();
  }

  /** Recorded before its turn comes. Rejects with SupervisorError. */
  async run(command: ExecuteCommand): Promise<Run> {
    const { freezer, records, runs, files, onEnd } = this.#options;
    const { executionId: id, code, context: contextId = "" } = command;
    const context = this.#find(contextId);
    if (context.waiting >= CONTEXTS.waiting) {
      const message = `Context ${contextId} has ${CONTEXTS.waiting} runs to do, which is the most. Wait for one of them.`;
      throw new SupervisorError("conflict", message);
    }
    const start = { executionId: id, code, context: contextId, workingDir: context.workingDir, startedAt: Date.now() };
    const record = newExecutionRecord(start);
    records.begin(record);
    const run = new Run({
      command: { ...command, context: contextId },
      record,
      save: (known, output) => records.write(known, output),
      forget: (known) => records.forget(known),
      log: new OutputLog(records.outputFile(id)),
      watchFiles: () => {
        const mark = files.changes.begin();
        return () => [...files.changes.collect(mark)];
      },
      onTimeUp: (late) => void context.cut(late, { outcome: "timed_out" }),
      onEnd: (unwanted, kill) => context.cut(unwanted, { outcome: "killed", ...kill }),
    });
    runs.set(id, run);
    void run.finished.finally(() => {
      runs.delete(id);
      onEnd();
    });
    await freezer.thaw();
    void context.run(run);
    return run;
  }

  /** Some of them are being saved. */
  get isSaving(): boolean {
    return [...this.#contexts.values()].some(({ isSaving }) => isSaving);
  }

  /** Has the variables of all contexts saved that have run since; those that run, or take longer, keep what was saved before. */
  async save(patienceMs: number): Promise<void> {
    // What is frozen was saved before that.
    if (this.#options.freezer.isFrozen) return;
    await Promise.all([...this.#contexts.values()].map((context) => context.save(patienceMs)));
  }

  /** Its interpreter will be killed, and this is why. */
  blame(owner: Owner, kill: Kill): void {
    const context = this.#contexts.get(contextOf(owner) ?? "");
    if (context?.interpreter?.owner === owner) context.blame(kill);
  }

  /** This is sent to those on request; undefined: they are ended. */
  noteSignal(hostPids: ReadonlySet<number>, signal: string | undefined): void {
    for (const context of this.#contexts.values()) {
      if (context.interpreter === null || !hostPids.has(context.interpreter.hostPid)) continue;
      if (signal === undefined || signal === "SIGKILL") context.blame({ reason: "requested" });
      else context.noteSignal(signal);
    }
  }

  /** The workspace is about to be replaced: their interpreters are ended, and should nothing come of it, they are as they were saved. */
  vacate(): void {
    this.#dismissAll();
    this.reload();
  }

  /** The container ends. Resolves when what ran is recorded; whoever calls it ends the processes. */
  async shutDown(): Promise<void> {
    this.#dismissAll();
    await Promise.all([...this.#options.runs.values()].map(({ finished }) => finished));
  }

  /** What is ended from here on is not written down any more. */
  #dismissAll(): void {
    for (const context of this.#contexts.values()) context.dismiss({ reason: "shutdown" });
  }

  async #create({ id, language, name, workingDir }: ContextCommand): Promise<ContextView> {
    const { contextFiles, freezer, languages } = this.#options;
    if (this.#contexts.size + this.#creating.size >= CONTEXTS.most) {
      const message = `This session has ${CONTEXTS.most} contexts, which is the most. Delete one first.`;
      throw new SupervisorError("conflict", message);
    }
    kernelCommand(language, languages);
    await freezer.thaw();
    const createdAt = new Date().toISOString();
    const about = { id, language, name, workingDir, createdAt, lastRunAt: null, startedAt: null, lost: null, runs: 0 };
    const kept = { ...about, ...NEVER_SAVED };
    const context = this.#open(kept);
    try {
      contextFiles.write(kept);
    } catch (error) {
      throw new SupervisorError("disk_full", "The context could not be written down: remove files from the session", {
        cause: String(error),
      });
    }
    try {
      await context.open();
    } catch (error) {
      context.dismiss({ reason: "requested" });
      await this.#clear(ofContext(id), 0);
      await contextFiles.remove(id);
      throw error;
    }
    this.#contexts.set(id, context);
    return context.view();
  }

  #open(kept: KeptContext): Context {
    const { contextFiles, freezer } = this.#options;
    return new Context({
      kept,
      start: async () => {
        await freezer.thaw();
        return await freezer.start(() => this.#start(kept));
      },
      whenRunning: (work) => freezer.start(work),
      write: (known) => contextFiles.write(known),
      values: () => contextFiles.valuesOf(kept.id),
      clear: (owner) => this.#clear(ofOwner(owner), 0),
    });
  }

  #start({ id, language, workingDir }: KeptContext): Interpreter {
    const { config, languages, launcher, onStart } = this.#options;
    const argv = kernelCommand(language, languages);
    const directory = new WorkingDirectory(config.workspace, workingDir);
    const pipes = new KernelPipes();
    const mark = `${id}.${++this.#interpreters}`;
    const owner = contextOwner(mark);
    try {
      const started = launcher.start({
        owner,
        argv,
        workingDir: directory.path,
        env: { ...ENVIRONMENT, [CONTEXT_MARK]: mark },
        further: pipes.theirs,
      });
      onStart();
      return new Interpreter(owner, started, pipes);
    } catch (error) {
      pipes.close();
      throw error;
    } finally {
      pipes.release();
      directory.close();
    }
  }

  async #clear(select: Select, graceMs?: number): Promise<unknown> {
    const { freezer, table } = this.#options;
    // What a snapshot holds still must not be woken by it.
    await freezer.running();
    return await terminate(table, select, graceMs);
  }

  #find(id: string): Context {
    const context = this.#contexts.get(id);
    if (context === undefined) throw new SupervisorError("context_not_found", unknownContext(id));
    return context;
  }
}

/** Of all its interpreters. */
function ofContext(id: string): Select {
  return (processes) => processes.filter(({ owner }) => contextOf(owner) === id);
}
