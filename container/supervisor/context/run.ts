// One run of code in a context: to everybody outside an execution, see src/contract/supervisor.ts. It waits for its turn,
// is run, and is answered once; its record never says more than was seen.
import type { RunAnswer } from "../../../src/contract/context-run.ts";
import type { DroppedValue, LostContext, Result, RunError } from "../../../src/contract/contexts.ts";
import type { ExecutionRecord, KillReason, Outcome } from "../../../src/contract/execute.ts";
import { ANSWER_OUTPUT_BYTES, CONTEXTS } from "../../../src/contract/limits.ts";
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import { limitFailure } from "../process/execution.ts";
import type { Followed, Kill, Ending as ProcessEnding } from "../process/execution.ts";
import { OutputHead } from "../process/output-capture.ts";
import type { Chunk } from "../process/output-file.ts";
import type { OutputLog } from "../process/output-log.ts";
import { readPeakBytes, readTimes } from "../process/proc-filesystem.ts";
import type { OutputStream, RunSink } from "./interpreter.ts";

export interface RunParts {
  readonly command: ExecuteCommand & { readonly context: string };
  readonly record: ExecutionRecord;
  readonly save: (record: ExecutionRecord, output: readonly Chunk[]) => void;
  /** It could not be begun: as if it had never been. */
  readonly forget: (record: ExecutionRecord) => void;
  readonly log: OutputLog;
  /** Begins to watch the files; gives what tells the paths that were written since. */
  readonly watchFiles: () => () => string[];
  /** Its time is up. What that means depends on how far it has come. */
  readonly onTimeUp: (run: Run) => void;
  /** It is not wanted any more. */
  readonly onEnd: (run: Run, kill: Kill) => Promise<void>;
}

export interface Ending {
  readonly outcome: Outcome;
  readonly reason: KillReason | null;
  /** Null: the interpreter ended, or the code was never begun. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly error: RunError | null;
  /** What the call is told in place of an answer. */
  readonly problem?: Kill["problem"] | undefined;
}

/** What is told once about the variables. */
export interface Told {
  readonly dropped: readonly DroppedValue[];
  readonly lost: LostContext | null;
}

export class Run implements RunSink, Followed {
  readonly command: RunParts["command"];
  readonly log: OutputLog;
  readonly answer: Promise<RunAnswer>;
  readonly finished: Promise<void>;
  answered = false;
  /** Why it is ended before its code has. The first reason counts. */
  cut: ProcessEnding | null = null;
  readonly #parts: RunParts;
  readonly #stdout = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #stderr = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #settle = Promise.withResolvers<RunAnswer>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #timer: ReturnType<typeof setTimeout>;
  #record: ExecutionRecord;
  #results: Result[] = [];
  #resultBytes = 0;
  #truncated = false;
  #begun: { readonly atMs: number; readonly cpuMs: number; readonly hostPid: number } | null = null;
  #filesWritten: () => string[] = () => [];

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.command = parts.command;
    this.log = parts.log;
    this.#record = parts.record;
    this.answer = this.#settle.promise;
    // Nobody may be waiting when it fails.
    this.answer.catch(() => {});
    this.finished = this.#finished.promise;
    this.#timer = setTimeout(() => {
      this.cut ??= { outcome: "timed_out" };
      parts.onTimeUp(this);
    }, parts.command.timeoutMs);
  }

  get record(): ExecutionRecord {
    return { ...this.#record, outputBytes: this.log.totalBytes, truncated: this.log.truncated };
  }

  /** Its code is with the interpreter. */
  get hasBegun(): boolean {
    return this.#begun !== null;
  }

  end(kill: Kill): Promise<void> {
    this.cut ??= { outcome: "killed", ...kill };
    return this.#parts.onEnd(this, kill);
  }

  tell(told: Told): void {
    const { context } = this.#record;
    if (context !== null)
      this.#record = { ...this.#record, context: { ...context, ...told, dropped: [...told.dropped] } };
  }

  begin({ hostPid, pid }: { readonly hostPid: number; readonly pid: number | null }): void {
    this.#record = { ...this.#record, pid };
    this.#filesWritten = this.#parts.watchFiles();
    this.#begun = { atMs: performance.now(), cpuMs: readTimes(hostPid)?.cpuMs ?? 0, hostPid };
  }

  take(stream: OutputStream, bytes: Uint8Array): void {
    (stream === "stdout" ? this.#stdout : this.#stderr).add(bytes);
    this.log.append(stream, bytes);
  }

  show(result: Result): void {
    const json = Buffer.from(JSON.stringify(result));
    if (this.#resultBytes + json.length > CONTEXTS.resultBytes) {
      this.#truncated = true;
      return;
    }
    this.#resultBytes += json.length;
    this.#results.push(result);
    this.log.append("result", json);
  }

  /** The first call counts. */
  finish({ outcome, reason, exitCode, signal, error, problem }: Ending): void {
    if (!this.#stop()) return;
    const { context } = this.#record;
    const begun = this.#begun;
    const executionTime = begun === null ? 0 : Math.round((performance.now() - begun.atMs) * 100) / 100;
    const cpuMs = begun === null ? undefined : readTimes(begun.hostPid)?.cpuMs;
    this.#record = {
      ...this.#record,
      outcome,
      reason,
      exitCode,
      signal,
      endedAt: new Date().toISOString(),
      executionTime,
      memoryUsed: begun === null ? null : readPeakBytes(begun.hostPid),
      cpuTime: cpuMs === undefined || begun === null ? null : cpuMs - begun.cpuMs,
      filesWritten: this.#filesWritten(),
      context: context === null ? null : { ...context, error },
    };
    this.#parts.save(this.record, this.log.close());
    if (problem === undefined) this.#settle.resolve(this.#answer());
    else this.#settle.reject(limitFailure(problem, this.command, this.#stdout, this.#stderr));
    this.#release();
  }

  /** It could not be begun. */
  refuse(error: unknown): void {
    if (!this.#stop()) return;
    this.log.close();
    this.#parts.forget(this.#record);
    if (error instanceof SupervisorError) this.#settle.reject(error);
    else {
      console.error(`run ${this.command.executionId}`, error);
      this.#settle.reject(new SupervisorError("internal_error", "The code could not be run"));
    }
    this.#release();
  }

  #stop(): boolean {
    if (this.answered) return false;
    this.answered = true;
    clearTimeout(this.#timer);
    return true;
  }

  #release(): void {
    this.#stdout.release();
    this.#stderr.release();
    this.#results = [];
    this.#finished.resolve();
  }

  #answer(): RunAnswer {
    const { executionId, encoding } = this.command;
    const { context, exitCode, signal, executionTime, memoryUsed, cpuTime, outcome, pid, filesWritten } = this.#record;
    return {
      executionId,
      stdout: this.#stdout.text(encoding),
      stderr: this.#stderr.text(encoding),
      encoding,
      exitCode,
      signal,
      executionTime: executionTime ?? 0,
      memoryUsed,
      cpuTime,
      timedOut: outcome === "timed_out",
      truncated: this.#truncated || this.#stdout.truncated || this.#stderr.truncated,
      background: false,
      pid,
      filesWritten,
      results: this.#results,
      ...(context ?? { contextId: this.command.context, error: null, dropped: [], lost: null }),
    };
  }
}
