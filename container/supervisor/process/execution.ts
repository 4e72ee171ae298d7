// The life of one execution: started → perhaps answered in the background → its first process ends → its output ends.
// It is answered exactly once. Every way to end has a name: it exits, a signal ends it, it times out, or the supervisor
// kills it for a reason; the first reason given is the one that counts.
import type { ExecuteAnswer, ExecutionRecord, KillReason, Outcome } from "../../../src/contract/execute.ts";
import { ANSWER_OUTPUT_BYTES, BACKGROUND_QUIET_MS } from "../../../src/contract/limits.ts";
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import type { Launched } from "./launch.ts";
import { captureOutput, OutputHead } from "./output-capture.ts";
import type { OutputLog } from "./output-log.ts";
import type { RecordFile } from "./records.ts";
import type { SourceFile } from "./source-file.ts";

export interface ExecutionParts {
  readonly command: ExecuteCommand;
  readonly record: ExecutionRecord;
  readonly file: RecordFile;
  readonly log: OutputLog;
  readonly launched: Launched;
  readonly source: SourceFile | null;
  /** Paths written since the start. */
  readonly filesWritten: () => string[];
  /** Ends every process of this execution; resolves when they are gone. */
  readonly terminate: (graceMs?: number) => Promise<unknown>;
  /** The first process is gone; its source and working directory are no longer needed. */
  readonly release: () => void;
}

export interface Kill {
  readonly reason: KillReason;
  /** What the waiting call is told instead of an answer. */
  readonly problem?: { readonly code: "memory_limit_exceeded" | "disk_full"; readonly limitBytes: number };
}

type Ending = { readonly outcome: "timed_out" } | ({ readonly outcome: "killed" } & Kill);

/** Children that keep the pipes open must not hold up the answer for longer. */
const PIPE_GRACE_MS = 50;

export class Execution {
  readonly command: ExecuteCommand;
  readonly log: OutputLog;
  /** Settles once: when it ends, or goes to the background. Rejects with SupervisorError. */
  readonly answer: Promise<ExecuteAnswer>;
  /** Everything is over and recorded. Never rejects. */
  readonly finished: Promise<void>;
  answered = false;
  /** Of the first process; null once it is gone. */
  hostPid: number | null;
  readonly #parts: ExecutionParts;
  readonly #startedAt = performance.now();
  readonly #stdout = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #stderr = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #settle = Promise.withResolvers<ExecuteAnswer>();
  #record: ExecutionRecord;
  #lastOutputAt = this.#startedAt;
  #ending: Ending | null = null;
  /** Sent on request, for the program to make of it what it wants. */
  #requestedSignal: string | null = null;
  #terminated: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
    this.command = parts.command;
    this.log = parts.log;
    this.hostPid = parts.launched.process.pid;
    this.#record = parts.record;
    this.answer = this.#settle.promise;
    // Nobody may be waiting when it is killed.
    this.answer.catch(() => {});
    this.finished = this.#live();
  }

  get record(): ExecutionRecord {
    return { ...this.#record, outputBytes: this.log.totalBytes, truncated: this.log.truncated };
  }

  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Whether it goes to the background once it listens. */
  get mayGoToBackground(): boolean {
    return !this.answered && this.hostPid !== null && this.command.background === undefined;
  }

  /** It is listening: goes to the background if the rest of the rule holds too. */
  noticeListening(): void {
    if (!this.mayGoToBackground) return;
    const ready =
      this.command.code === undefined
        ? performance.now() - this.#lastOutputAt >= BACKGROUND_QUIET_MS
        : (this.#parts.source?.isMarked() ?? true);
    if (ready) this.#goToBackground();
  }

  /** Resolves when its processes are gone. The first call decides what the record will say. */
  async end(kill: Kill, graceMs?: number): Promise<void> {
    this.blame(kill);
    await this.#terminate(graceMs);
  }

  /** It is being killed already; this is why. */
  blame(kill: Kill): void {
    if (this.hostPid !== null) this.#ending ??= { outcome: "killed", ...kill };
  }

  /** It was sent this on request, and may well go on. */
  noteSignal(signal: string): void {
    this.#requestedSignal = signal;
  }

  async #live(): Promise<void> {
    const { process, stdout, stderr } = this.#parts.launched;
    const output = Promise.all([
      captureOutput(stdout, (bytes) => this.#take("stdout", bytes)),
      captureOutput(stderr, (bytes) => this.#take("stderr", bytes)),
    ]).catch((error: unknown) => console.error(`output of ${this.command.executionId} lost`, error));
    if (this.command.background === true) this.#goToBackground();
    if (!this.answered) this.#timer = setTimeout(() => this.#timeOut(), this.command.timeoutMs);
    await process.exited;
    this.hostPid = null;
    const executionTime = this.#elapsed();
    this.#stopTimer();
    await settledWithin(output, PIPE_GRACE_MS);
    await this.#terminated;
    this.#finish(executionTime);
    const { totalBytes } = this.log;
    await output;
    this.log.close();
    if (this.log.totalBytes !== totalBytes) this.#save();
    this.#parts.file.close();
  }

  #take(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#lastOutputAt = performance.now();
    if (!this.answered) (stream === "stdout" ? this.#stdout : this.#stderr).add(bytes);
    this.log.append(stream, bytes);
  }

  #timeOut(): void {
    if (this.answered) return;
    this.#ending ??= { outcome: "timed_out" };
    void this.#terminate();
  }

  #terminate(graceMs?: number): Promise<unknown> {
    const terminated = this.#parts.terminate(graceMs);
    this.#terminated = Promise.all([this.#terminated, terminated]);
    return terminated;
  }

  #goToBackground(): void {
    this.#record = { ...this.#record, background: true };
    this.#save();
    this.#settleWith(this.#answer(this.#elapsed(), this.#parts.filesWritten()));
  }

  #finish(executionTime: number): void {
    this.#parts.release();
    const { process } = this.#parts.launched;
    const signal = process.signalCode === null ? null : String(process.signalCode);
    const usage = process.resourceUsage();
    const filesWritten = this.#parts.filesWritten();
    this.#record = {
      ...this.#record,
      ...outcomeOf(this.#ending, signal, this.#requestedSignal),
      endedAt: new Date().toISOString(),
      executionTime,
      exitCode: signal === null ? process.exitCode : null,
      signal,
      memoryUsed: usage?.maxRSS ?? null,
      cpuTime: usage === undefined ? null : Number(usage.cpuTime.total) / 1000,
      filesWritten,
    };
    this.log.flush();
    this.#save();
    const problem = this.#ending?.outcome === "killed" ? this.#ending.problem : undefined;
    if (problem === undefined) this.#settleWith(this.#answer(executionTime, filesWritten));
    else this.#settleWith(this.#failure(problem));
  }

  #save(): void {
    this.#parts.file.write(this.record);
  }

  #settleWith(result: ExecuteAnswer | SupervisorError): void {
    if (this.answered) return;
    this.answered = true;
    this.#stopTimer();
    if (result instanceof SupervisorError) this.#settle.reject(result);
    else this.#settle.resolve(result);
    this.#stdout.release();
    this.#stderr.release();
    this.log.wake();
  }

  #answer(executionTime: number, filesWritten: string[]): ExecuteAnswer {
    const { executionId, encoding } = this.command;
    const { exitCode, signal, memoryUsed, cpuTime, outcome, pid } = this.#record;
    return {
      executionId,
      stdout: this.#stdout.text(encoding),
      stderr: this.#stderr.text(encoding),
      encoding,
      exitCode,
      signal,
      executionTime,
      memoryUsed,
      cpuTime,
      timedOut: outcome === "timed_out",
      truncated: this.#stdout.truncated || this.#stderr.truncated,
      background: outcome === "running",
      pid,
      filesWritten,
    };
  }

  #failure({ code, limitBytes }: NonNullable<Kill["problem"]>): SupervisorError {
    const { executionId, encoding } = this.command;
    const mebibytes = Math.round(limitBytes / 1024 / 1024);
    const message =
      code === "memory_limit_exceeded"
        ? `Execution ${executionId} was killed: the session's processes used more than ${mebibytes} MiB of memory`
        : `Execution ${executionId} was killed: the session's files take more than ${mebibytes} MiB; remove some`;
    const [stdout, stderr] = [this.#stdout.text(encoding), this.#stderr.text(encoding)];
    return new SupervisorError(code, message, { executionId, limitBytes, stdout, stderr });
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#startedAt) * 100) / 100;
  }
}

function outcomeOf(
  ending: Ending | null,
  signal: string | null,
  requestedSignal: string | null,
): { outcome: Outcome; reason: KillReason | null } {
  if (ending?.outcome === "timed_out") return { outcome: "timed_out", reason: null };
  if (ending !== null) return { outcome: "killed", reason: ending.reason };
  if (signal === null) return { outcome: "exited", reason: null };
  return { outcome: "killed", reason: signal === requestedSignal ? "requested" : "signal" };
}

async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
