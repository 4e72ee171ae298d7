// All executions of this session: starts them, finds them, ends them, and keeps what is known about them.
import { constants } from "node:os";
import type { ExecutionList, ExecutionRecord, KillAnswer, ProcessList } from "../../../src/contract/execute.ts";
import type { ExecuteCommand, KillCommand } from "../../../src/contract/supervisor.ts";
import type { Config } from "../config.ts";
import type { DiskLedger } from "../files/disk.ts";
import type { FileRoutes } from "../files/routes.ts";
import { releaseCodePages } from "../linux/code-pages.ts";
import { SupervisorError } from "../problem.ts";
import { DataDirectory } from "./data-directory.ts";
import { baseEnvironment, EXECUTION_MARK } from "./environment.ts";
import { Execution } from "./execution.ts";
import { launch } from "./launch.ts";
import type { Chunk } from "./output-file.ts";
import { OutputLog } from "./output-log.ts";
import { ProcessNotes } from "./process-notes.ts";
import { readInnerPid } from "./proc-filesystem.ts";
import { ProcessTable } from "./process-table.ts";
import { idConflict, Records } from "./records.ts";
import { prepareProgram } from "./program.ts";
import type { Program } from "./program.ts";
import { isSourceFile, SourceFiles } from "./source-file.ts";
import { all, ofExecution, ofProcess, sendSignal, terminate } from "./termination.ts";
import { UserNamespace } from "./user-namespace.ts";
import { Watch } from "./watch.ts";
import { WorkingDirectory } from "./working-directory.ts";

/** Old records are removed a moment after an execution, not while somebody waits for its answer. */
const TIDY_DELAY_MS = 1000;

/** What a reader of output needs, whether the execution runs or is long over. */
export interface OutputSource {
  readonly record: ExecutionRecord;
  /** Null: nothing follows any more. */
  readonly log: OutputLog | null;
  read(after: number, maxBytes: number): Chunk[];
}

export class Executions {
  readonly #config: Config;
  readonly #namespace: UserNamespace | null;
  readonly #files: FileRoutes;
  readonly #records: Records;
  readonly #sources: SourceFiles;
  readonly #table: ProcessTable;
  readonly #watch: Watch;
  readonly #environment: Readonly<Record<string, string>>;
  /** Ids of calls whose files are being written. */
  readonly #starting = new Set<string>();
  #tidyTimer: ReturnType<typeof setTimeout> | null = null;
  /** Until the last of their output. */
  readonly #live = new Map<string, Execution>();

  /** Ends what an earlier supervisor has left running. */
  static async open(config: Config, files: FileRoutes, disk: DiskLedger): Promise<Executions> {
    const namespace = config.user.kind === "namespace" ? await UserNamespace.open(config.sockets) : null;
    const executions = new Executions(config, files, disk, namespace);
    await terminate(executions.#table, all(), 0);
    return executions;
  }

  private constructor(config: Config, files: FileRoutes, disk: DiskLedger, namespace: UserNamespace | null) {
    this.#config = config;
    this.#namespace = namespace;
    this.#files = files;
    const directory = new DataDirectory(config);
    this.#records = new Records(directory);
    this.#sources = new SourceFiles(directory, config.user);
    this.#table = new ProcessTable(config.user, (id) => this.#records.has(id));
    this.#environment = baseEnvironment(config);
    this.#watch = new Watch({
      table: this.#table,
      live: this.#live,
      disk,
      notes: new ProcessNotes(directory),
      memoryBytes: config.memoryBytes,
    });
  }

  /** @throws SupervisorError where nothing was started: the id, the files or the working directory are at fault */
  async start(command: ExecuteCommand): Promise<Execution> {
    const { executionId: id, files, workingDir } = command;
    if (this.#starting.has(id) || this.#records.has(id)) throw idConflict(id);
    this.#starting.add(id);
    try {
      if (files.length > 0) await this.#files.writeFiles(files);
      const directory = new WorkingDirectory(this.#config.workspace, workingDir);
      try {
        return this.#startIn(directory, command);
      } catch (error) {
        directory.close();
        throw error;
      }
    } finally {
      this.#starting.delete(id);
    }
  }

  record(id: string): ExecutionRecord {
    return this.#live.get(id)?.record ?? this.#records.read(id);
  }

  list(limit: number, offset: number): ExecutionList {
    const { executions, total } = this.#records.list(limit, offset);
    for (const record of executions) {
      const live = this.#live.get(record.executionId);
      if (live !== undefined) record.outputBytes = live.log.totalBytes;
    }
    return { executions, total };
  }

  output(id: string): OutputSource {
    const execution = this.#live.get(id);
    if (execution !== undefined) {
      const { log } = execution;
      return {
        get record() {
          return execution.record;
        },
        log,
        read: (after, maxBytes) => log.read(after, maxBytes),
      };
    }
    const record = this.#records.read(id);
    return { record, log: null, read: (after, maxBytes) => this.#records.readOutput(id, after, maxBytes) };
  }

  processes(): ProcessList {
    return { processes: this.#table.list() };
  }

  countProcesses(): number {
    return this.#table.scan().length;
  }

  /** Answers when what was to end is gone. */
  async kill({ pid, signal }: KillCommand): Promise<KillAnswer> {
    if (signal !== undefined && !isSignal(signal)) {
      throw new SupervisorError("invalid_request", `${signal} is not a signal`);
    }
    const select = pid === undefined ? all() : ofProcess(this.#table, pid);
    if (select === null) throw new SupervisorError("process_not_found", `There is no process ${pid} in this session`);
    const victims = new Set(select(this.#table.scan()).map(({ hostPid }) => hostPid));
    for (const execution of this.#live.values()) {
      if (execution.hostPid === null || !victims.has(execution.hostPid)) continue;
      if (signal === undefined || signal === "SIGKILL") execution.blame({ reason: "requested" });
      else execution.noteSignal(signal);
    }
    const pids = await (signal === undefined
      ? terminate(this.#table, select)
      : sendSignal(this.#table, select, signal));
    return { killed: pids.length, pids };
  }

  /** Ends everything and has it recorded. */
  async shutDown(): Promise<void> {
    const running = [...this.#live.values()];
    for (const execution of running) execution.blame({ reason: "shutdown" });
    await terminate(this.#table, all());
    await Promise.all(running.map(({ finished }) => finished));
  }

  #startIn(directory: WorkingDirectory, command: ExecuteCommand): Execution {
    const { executionId: id } = command;
    const record = newRecord(command, directory.path);
    this.#records.begin(record);
    let program: Program | null = null;
    try {
      const mark = this.#files.changes.begin();
      program = prepareProgram(command, directory, this.#sources);
      const { argv, source } = program;
      const startedAtMs = performance.now();
      const launched = launch({
        argv,
        workingDir: directory.path,
        env: { ...this.#environment, ...command.env, [EXECUTION_MARK]: id },
        stdin: command.stdin,
        user: this.#config.user,
        namespace: this.#namespace,
      });
      const hostPid = launched.pid;
      this.#table.track(hostPid, id);
      const execution = new Execution({
        command,
        record: { ...record, pid: this.#namespace === null ? hostPid : readInnerPid(hostPid) },
        startedAtMs,
        save: (known, output) => this.#records.write(known, output),
        log: new OutputLog(this.#records.outputFile(id)),
        launched,
        source,
        filesWritten: () => this.#files.changes.collect(mark).filter((path) => !isSourceFile(path)),
        terminate: (graceMs) => terminate(this.#table, ofExecution(id), graceMs),
        release: () => {
          source?.remove();
          directory.close();
        },
      });
      this.#keep(execution);
      return execution;
    } catch (error) {
      program?.source?.remove();
      this.#records.forget(record);
      throw error;
    }
  }

  #keep(execution: Execution): void {
    const { executionId } = execution.command;
    this.#live.set(executionId, execution);
    this.#watch.start();
    void execution.finished.finally(() => {
      this.#live.delete(executionId);
      this.#tidyLater();
    });
  }

  #tidyLater(): void {
    if (this.#tidyTimer !== null) return;
    this.#tidyTimer = setTimeout(() => {
      this.#tidyTimer = null;
      this.#records.prune();
      // A few milliseconds; an idle session, with a server in the background or not, should not hold the memory of a
      // busy one.
      if ([...this.#live.values()].some(({ answered }) => !answered)) return;
      Bun.gc(true);
      releaseCodePages();
    }, TIDY_DELAY_MS);
  }
}

function newRecord(command: ExecuteCommand, workingDir: string): ExecutionRecord {
  return {
    executionId: command.executionId,
    outcome: "running",
    reason: null,
    code: command.code ?? null,
    command: command.command ?? null,
    workingDir,
    background: false,
    pid: null,
    startedAt: new Date().toISOString(),
    endedAt: null,
    executionTime: null,
    exitCode: null,
    signal: null,
    memoryUsed: null,
    cpuTime: null,
    outputBytes: 0,
    truncated: false,
    filesWritten: [],
  };
}

function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}
