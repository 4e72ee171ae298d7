// All executions of this session: starts them, finds them, ends them, and keeps what is known about them.
import { constants } from "node:os";
import type { ExecutionList, ExecutionRecord, KillAnswer, Process } from "../../../src/contract/execute.ts";
import type { ExecuteCommand, KillCommand, WorkspaceStats } from "../../../src/contract/supervisor.ts";
import { newExecutionRecord } from "../../../src/lib/execution-record.ts";
import type { FileRoutes } from "../files/routes.ts";
import { SupervisorError } from "../problem.ts";
import type { SpareMemory } from "../spare-memory.ts";
import { EXECUTION_MARK } from "./environment.ts";
import { Execution } from "./execution.ts";
import type { Followed } from "./execution.ts";
import type { Freezer } from "./freezer.ts";
import type { Languages } from "./languages.ts";
import type { Launcher } from "./launcher.ts";
import type { Chunk } from "./output-file.ts";
import { OutputLog } from "./output-log.ts";
import type { ProcessTable } from "./process-table.ts";
import { idConflict } from "./records.ts";
import type { Records } from "./records.ts";
import { prepareProgram } from "./program.ts";
import type { Program } from "./program.ts";
import type { SourceFiles } from "./source-file.ts";
import { all, ofOwner, ofProcess, outsideContexts, sendSignal, terminate } from "./termination.ts";
import { WorkingDirectory } from "./working-directory.ts";

/** Old records are removed a moment after an execution, not while somebody waits for its answer. */
const TIDY_DELAY_MS = 1000;

/** What a reader of output needs, whether the execution runs or is long over. */
export interface OutputSource {
  readonly record: ExecutionRecord;
  /** Null: nothing follows any more. */
  readonly log: OutputLog | null;
  /** Its call has been answered: it has ended, or goes on in the background. */
  readonly answered: boolean;
  read(after: number, maxBytes: number): Chunk[];
}

export interface ExecutionsOptions {
  readonly workspace: string;
  readonly files: FileRoutes;
  readonly records: Records;
  readonly sources: SourceFiles;
  readonly languages: Languages;
  readonly launcher: Launcher;
  readonly table: ProcessTable;
  readonly freezer: Freezer;
  readonly memory: SpareMemory;
  /** Filled and emptied here: those that run, until the last of their output. */
  readonly live: Map<string, Execution>;
  /** Those in contexts that have not been answered; the contexts keep them. */
  readonly runs: ReadonlyMap<string, Followed>;
  /** Told what is sent to processes on request; undefined: they are ended. */
  readonly onSignal: (hostPids: ReadonlySet<number>, signal: string | undefined) => void;
  /** Called before everything is ended, for a workspace that is about to be replaced. */
  readonly onVacate: () => void;
  /** Called when one was started. */
  readonly onStart: () => void;
}

export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #records: Records;
  readonly #table: ProcessTable;
  readonly #freezer: Freezer;
  readonly #live: Map<string, Execution>;
  /** Ids of calls whose files are being written. */
  readonly #starting = new Set<string>();
  #tidyTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#table = options.table;
    this.#freezer = options.freezer;
    this.#live = options.live;
  }

  /** Executions that somebody waits for, or that have not been let into the background. */
  get busy(): number {
    const unanswered = [...this.#live.values()].filter(({ answered }) => !answered).length;
    return this.#starting.size + this.#options.runs.size + unanswered;
  }

  /** Some have not ended, in the background or not. */
  get isRunning(): boolean {
    return this.#starting.size + this.#options.runs.size + this.#live.size > 0;
  }

  /** @throws SupervisorError where nothing was started: the id, the language, the files or the working directory are at fault */
  async start(command: ExecuteCommand): Promise<Execution> {
    const { executionId: id, files, workingDir } = command;
    if (this.#starting.has(id) || this.#records.has(id)) throw idConflict(id);
    this.#starting.add(id);
    try {
      await this.#freezer.thaw();
      const interpreter = this.#options.languages.programFor(command);
      if (files.length > 0) await this.#options.files.writeFiles(files);
      return await this.#freezer.start(() => {
        const directory = new WorkingDirectory(this.#options.workspace, workingDir);
        try {
          return this.#startIn(directory, command, interpreter);
        } catch (error) {
          directory.close();
          throw error;
        }
      });
    } finally {
      this.#starting.delete(id);
    }
  }

  record(id: string): ExecutionRecord {
    return this.#find(id)?.record ?? this.#records.read(id);
  }

  list(limit: number, offset: number): ExecutionList {
    const { executions, total } = this.#records.list(limit, offset);
    for (const record of executions) {
      const live = this.#find(record.executionId);
      if (live !== undefined) record.outputBytes = live.log.totalBytes;
    }
    return { executions, total };
  }

  output(id: string): OutputSource {
    const execution = this.#find(id);
    if (execution !== undefined) {
      const { log } = execution;
      return {
        get record() {
          return execution.record;
        },
        log,
        get answered() {
          return execution.answered;
        },
        read: (after, maxBytes) => log.read(after, maxBytes),
      };
    }
    const record = this.#records.read(id);
    return {
      record,
      log: null,
      answered: true,
      read: (after, maxBytes) => this.#records.readOutput(id, after, maxBytes),
    };
  }

  processes(): Process[] {
    return this.#table.list();
  }

  /** Of everything that the user runs. */
  usage(): Pick<WorkspaceStats, "activeProcesses" | "memoryUsed"> {
    const processes = this.#table.scan();
    const memoryUsed = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
    return { activeProcesses: processes.length, memoryUsed };
  }

  /** Answers when what was to end is gone. */
  async kill({ pid, signal }: KillCommand): Promise<KillAnswer> {
    if (signal !== undefined && !isSignal(signal)) {
      throw new SupervisorError("invalid_request", `${signal} is not a signal`);
    }
    await this.#freezer.thaw();
    const select = pid === undefined ? all() : ofProcess(this.#table, pid);
    if (select === null) throw new SupervisorError("process_not_found", `There is no process ${pid} in this session`);
    const victims = new Set(select(this.#table.scan()).map(({ hostPid }) => hostPid));
    for (const execution of this.#live.values()) {
      if (execution.hostPid === null || !victims.has(execution.hostPid)) continue;
      if (signal === undefined || signal === "SIGKILL") execution.blame({ reason: "requested" });
      else execution.noteSignal(signal);
    }
    this.#options.onSignal(victims, signal);
    const pids = await (signal === undefined
      ? terminate(this.#table, select)
      : sendSignal(this.#table, select, signal));
    return { killed: pids.length, pids };
  }

  /** Ends all but the interpreters of contexts, whose variables are to be saved: there, what runs is interrupted. */
  async stop(): Promise<void> {
    const kill = { reason: "requested" } as const;
    await this.#freezer.thaw();
    for (const execution of this.#live.values()) execution.blame(kill);
    const runs = [...this.#options.runs.values()].map((run) => run.end(kill));
    await Promise.all([...runs, terminate(this.#table, outsideContexts())]);
  }

  /** Ends every process and has the executions recorded. Those that are frozen end before they do anything else. */
  async shutDown(): Promise<void> {
    const running = [...this.#live.values()];
    for (const execution of running) execution.blame({ reason: "shutdown" });
    const terminated = terminate(this.#table, all());
    void this.#freezer.thaw();
    await terminated;
    await Promise.all(running.map(({ finished }) => finished));
  }

  /**
   * For a workspace that is about to be replaced: ends all processes, as nobody waits for one.
   * @throws SupervisorError `conflict` while somebody does
   */
  async vacate(): Promise<void> {
    await this.#freezer.thaw();
    this.#throwBusy();
    this.#options.onVacate();
    const running = [...this.#live.values()];
    for (const execution of running) execution.blame({ reason: "shutdown" });
    await terminate(this.#table, all());
    await Promise.all(running.map(({ finished }) => finished));
  }

  /** The same for what was started since, to be called during a hold: nothing is started any more. */
  async clear(): Promise<void> {
    this.#throwBusy();
    this.#options.onVacate();
    await terminate(this.#table, all(), 0);
  }

  /** The workspace was replaced: what is recorded in the new one counts. */
  reload(): void {
    this.#records.reload();
  }

  #throwBusy(): void {
    if (this.busy === 0) return;
    throw new SupervisorError("conflict", "Executions are running; restore the workspace when they have ended");
  }

  #startIn(directory: WorkingDirectory, command: ExecuteCommand, interpreter: string | null): Execution {
    const { files, sources, launcher } = this.#options;
    const { executionId: id } = command;
    const { code, command: shell } = command;
    const start = { executionId: id, code, command: shell, workingDir: directory.path, startedAt: Date.now() };
    const record = newExecutionRecord(start);
    this.#records.begin(record);
    let prepared: Program | null = null;
    try {
      const mark = files.changes.begin();
      const program = (prepared = prepareProgram(command, { directory, sources, interpreter }));
      const startedAtMs = performance.now();
      const launched = launcher.start({
        owner: id,
        argv: program.argv,
        workingDir: directory.path,
        env: { ...program.env, ...command.env, [EXECUTION_MARK]: id },
        stdin: command.stdin,
      });
      const execution = new Execution({
        command,
        record: { ...record, pid: launched.userPid },
        startedAtMs,
        save: (known, output) => this.#records.write(known, output),
        log: new OutputLog(this.#records.outputFile(id)),
        launched,
        hasLoaded: program.hasLoaded,
        filesWritten: () => [...files.changes.collect(mark)],
        terminate: async (graceMs) => {
          // What a snapshot holds still must not be woken by it.
          await this.#freezer.running();
          return await terminate(this.#table, ofOwner(id), graceMs);
        },
        release: () => {
          program.remove();
          directory.close();
        },
      });
      this.#keep(execution);
      return execution;
    } catch (error) {
      prepared?.remove();
      this.#records.forget(record);
      throw error;
    }
  }

  #keep(execution: Execution): void {
    const { executionId } = execution.command;
    this.#live.set(executionId, execution);
    this.#options.onStart();
    void execution.finished.finally(() => {
      this.#live.delete(executionId);
      this.tidyLater();
    });
  }

  #find(id: string): Followed | undefined {
    return this.#live.get(id) ?? this.#options.runs.get(id);
  }

  /** To be called when an execution, or a run, has ended. */
  tidyLater(): void {
    this.#options.memory.giveBackLater();
    if (this.#tidyTimer !== null) return;
    this.#tidyTimer = setTimeout(() => {
      this.#tidyTimer = null;
      // Not under the eyes of a snapshot.
      if (this.#freezer.isFrozen) {
        this.tidyLater();
        return;
      }
      this.#records.prune();
    }, TIDY_DELAY_MS);
  }
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}
