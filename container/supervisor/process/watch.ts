// Looks at the processes at intervals while there are any: who listens (the background rule), who takes too much memory
// or disk, whose end would go unnoticed. Short executions are over before the first look and cost nothing here.
import type { DiskLedger } from "../files/disk.ts";
import { readListeningSockets } from "../linux/listening-sockets.ts";
import type { ListeningSockets } from "../linux/listening-sockets.ts";
import { DiskGuard, findWriter } from "./disk-guard.ts";
import type { Execution, Kill } from "./execution.ts";
import { findMemoryOffender } from "./memory-guard.ts";
import { readCommandLine } from "./proc-filesystem.ts";
import type { ProcessNotes } from "./process-notes.ts";
import { listeningPorts } from "./process-table.ts";
import type { Owner, ProcessTable, UserProcess } from "./process-table.ts";
import { ofOwner, terminate } from "./termination.ts";
import { wake } from "./user-namespace.ts";

export interface WatchOptions {
  readonly table: ProcessTable;
  readonly live: ReadonlyMap<string, Execution>;
  readonly disk: DiskLedger;
  readonly notes: ProcessNotes;
  readonly memoryBytes: number;
  /** Nothing moves then, and nothing is looked at: start() once it does again. */
  readonly isFrozen: () => boolean;
  /** Told before the processes of somebody who is not a living execution are killed. */
  readonly onKill: (owner: Owner | null, kill: Kill) => void;
}

const FIRST_LOOK_MS = 20;
/** While an execution is this young and may go to the background, looks are close together. */
const YOUNG_MS = 1000;
const YOUNG_INTERVAL_MS = 25;
const INTERVAL_MS = 100;
/** Most executions are over before: a note would cost them more than they do. */
const NOTED_AFTER_MS = 400;
/** How soon processes are found that an execution has left behind: a look after each would cost more than it. */
const STRAY_INTERVAL_MS = 500;
/** Looking may take one part in so many of the time, however many processes there are: up to a longest pause. */
const COST_SHARE = 10;
const LONGEST_PAUSE_MS = 500;

export class Watch {
  readonly #options: WatchOptions;
  readonly #diskGuard: DiskGuard;
  /** Pids that a note was written for. */
  readonly #noted = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = 0;
  #lookedAt = 0;
  /** The last look that was at every process. */
  #scannedAt = 0;
  /** After the last look, for what it cost. */
  #pauseMs = 0;
  /** At the last look there were processes of no living execution. */
  #strays = false;
  /** A guard is ending somebody: until that is done the figures say nothing. */
  #memoryBusy = false;
  #diskBusy = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#diskGuard = new DiskGuard(options.disk);
  }

  /** Something was started. Stops by itself when nothing is left. */
  start(): void {
    if (this.#timer === null || this.#timerAt > performance.now() + FIRST_LOOK_MS) this.#lookIn(FIRST_LOOK_MS);
  }

  /** See DiskGuard.tolerateNew. */
  tolerateDisk(): Promise<void> {
    return this.#diskGuard.tolerateNew();
  }

  #lookIn(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = performance.now() + delayMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tick();
    }, delayMs);
  }

  #tick(): void {
    if (this.#options.isFrozen()) return;
    const executions = [...this.#options.live.values()];
    const grown = executions.filter(({ ageMs }) => ageMs >= FIRST_LOOK_MS / 2);
    const intervalMs = Math.max(this.#intervalFor(grown), this.#pauseMs);
    // A timer may be early by less than a millisecond.
    const due = performance.now() - this.#lookedAt >= intervalMs - 1;
    if (due) this.#look(grown);
    if (due && executions.length === 0 && !this.#strays) return;
    this.#lookIn(grown.length < executions.length ? YOUNG_INTERVAL_MS : intervalMs);
  }

  #intervalFor(grown: readonly Execution[]): number {
    if (grown.some((each) => each.mayGoToBackground && each.ageMs < YOUNG_MS)) return YOUNG_INTERVAL_MS;
    return grown.length > 0 || this.#strays ? INTERVAL_MS : STRAY_INTERVAL_MS;
  }

  #look(grown: readonly Execution[]): void {
    const { table, live } = this.#options;
    this.#lookedAt = performance.now();
    const listening = readListeningSockets();
    // In between, only a server that has just begun to listen is news.
    if (listening.size === 0 && live.size > 0 && this.#lookedAt - this.#scannedAt < INTERVAL_MS) return;
    this.#scannedAt = this.#lookedAt;
    const processes = table.scan();
    for (const warden of table.strandedWardens()) wake(warden);
    this.#strays = processes.some(({ executionId }) => executionId === null || !live.has(executionId));
    this.#noteProcesses(grown.filter(({ ageMs }) => ageMs >= NOTED_AFTER_MS));
    this.#noticeListening(grown, processes, listening);
    this.#guardMemory(processes);
    if (processes.length > 0) void this.#guardDisk(processes);
    this.#pauseMs = Math.min((performance.now() - this.#lookedAt) * COST_SHARE, LONGEST_PAUSE_MS);
  }

  #noteProcesses(executions: readonly Execution[]): void {
    for (const { hostPid, command, record, finished } of executions) {
      if (hostPid === null || this.#noted.has(hostPid)) continue;
      this.#noted.add(hostPid);
      const { executionId } = command;
      const pid = record.pid ?? hostPid;
      this.#options.notes.write({ pid, executionId, command: readCommandLine(hostPid), startedAt: record.startedAt });
      void finished.finally(() => {
        this.#noted.delete(hostPid);
        this.#options.notes.remove(pid);
      });
    }
  }

  #noticeListening(
    executions: readonly Execution[],
    processes: readonly UserProcess[],
    sockets: ListeningSockets,
  ): void {
    const candidates = new Map(
      executions.filter((execution) => execution.mayGoToBackground).map((each) => [each.command.executionId, each]),
    );
    if (candidates.size === 0) return;
    const theirs = processes.filter(({ executionId }) => executionId !== null && candidates.has(executionId));
    const listening = listeningPorts(theirs, sockets);
    for (const { hostPid, executionId } of theirs) {
      if (executionId !== null && listening.has(hostPid)) candidates.get(executionId)?.noticeListening();
    }
  }

  #guardMemory(processes: readonly UserProcess[]): void {
    if (this.#memoryBusy) return;
    const limitBytes = this.#options.memoryBytes;
    const offender = findMemoryOffender(processes, limitBytes);
    if (offender === null) return;
    this.#memoryBusy = true;
    const code = "memory_limit_exceeded";
    void this.#kill(offender.owner, { reason: code, problem: { code, limitBytes } }).finally(() => {
      this.#memoryBusy = false;
    });
  }

  async #guardDisk(processes: readonly UserProcess[]): Promise<void> {
    if (this.#diskBusy) return;
    this.#diskBusy = true;
    try {
      if (!(await this.#diskGuard.isGrowingOver())) return;
      const writer = findWriter(processes);
      const code = "disk_full";
      const { limitBytes } = this.#diskGuard;
      if (writer !== null) await this.#kill(writer.owner, { reason: code, problem: { code, limitBytes } });
      await this.#diskGuard.tolerate();
    } catch (error) {
      console.error("disk guard", error);
    } finally {
      this.#diskBusy = false;
    }
  }

  async #kill(owner: Owner | null, kill: Kill): Promise<void> {
    const { live, table, onKill } = this.#options;
    const execution = owner === null ? undefined : live.get(owner);
    if (execution !== undefined) {
      await execution.end(kill, 0);
      return;
    }
    onKill(owner, kill);
    await terminate(table, ofOwner(owner), 0);
  }
}
