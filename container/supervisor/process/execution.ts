// The life of one execution: started → perhaps answered in the background → its first process ends → its output ends.
// It is answered exactly once. Every way to end has a name: it exits, a signal ends it, it times out, or the supervisor
// kills it for a reason; the first reason given is the one that counts.
import type { ExecuteAnswer, ExecutionRecord, KillReason, Outcome } from "../../../src/contract/execute.ts";
import { ANSWER_OUTPUT_BYTES, BACKGROUND_QUIET_MS } from "../../../src/contract/limits.ts";
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import type { Launched } from "./launch.ts";
import { OutputHead, OutputPipe } from "./output-capture.ts";
import type { Chunk } from "./output-file.ts";
import type { OutputLog } from "./output-log.ts";

export interface ExecutionParts {
  readonly command: ExecuteCommand;
  readonly record: ExecutionRecord;
  /** On the clock of performance.now(), before its process was. */
  readonly startedAtMs: number;
  /** Records what is known; `output` once it is all there and short. */
  readonly save: (record: ExecutionRecord, output: readonly Chunk[]) => void;
  readonly log: OutputLog;
  readonly launched: Launched;
  /** Whether the top level of its code has finished; null where nothing tells. */
  readonly hasLoaded: (() => boolean) | null;
  /** Paths written since the start. */
  readonly filesWritten: () => string[];
  /** Ends every process of this execution; resolves when they are gone. */
  readonly terminate: (graceMs?: number) => Promise<unknown>;
  /** The first process is gone; its source and working directory are no longer needed. */
  readonly release: () => void;
}

/** What executions and runs in contexts have in common, for those who look at them from outside. */
export type Followed = Pick<Execution, "command" | "log" | "answer" | "answered" | "record" | "finished" | "end">;

export interface Kill {
  readonly reason: KillReason;
  /** What the waiting call is told instead of an answer. */
  readonly problem?: { readonly code: "memory_limit_exceeded" | "disk_full"; readonly limitBytes: number };
}

export type Ending = { readonly outcome: "timed_out" } | ({ readonly outcome: "killed" } & Kill);

/** Children that keep the pipes open must not hold up the answer for longer. */
export const PIPE_GRACE_MS = 50;

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
  readonly #pipes: { readonly stdout: OutputPipe; readonly stderr: OutputPipe };
  readonly #stdout = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #stderr = new OutputHead(ANSWER_OUTPUT_BYTES);
  readonly #settle = Promise.withResolvers<ExecuteAnswer>();
  #record: ExecutionRecord;
  #lastOutputAt: number;
  /** Output is being read to its end before the answer. */
  #leaving = false;
  #ending: Ending | null = null;
  /** Sent on request, for the program to make of it what it wants. */
  #requestedSignal: string | null = null;
  #terminated: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
    this.command = parts.command;
    this.log = parts.log;
    this.hostPid = parts.launched.pid;
    this.#record = parts.record;
    this.#lastOutputAt = parts.startedAtMs;
    const { stdout, stderr } = parts.launched;
    this.#pipes = { stdout: new OutputPipe(stdout), stderr: new OutputPipe(stderr) };
    this.answer = this.#settle.promise;
    // Nobody may be waiting when it is killed.
    this.answer.catch(() => {});
    this.finished = this.#live();
  }

  get record(): ExecutionRecord {
    return { ...this.#record, outputBytes: this.log.totalBytes, truncated: this.log.truncated };
  }

  get ageMs(): number {
    return performance.now() - this.#parts.startedAtMs;
  }

  /** Whether it goes to the background once it listens. */
  get mayGoToBackground(): boolean {
    return !this.answered && this.hostPid !== null && this.command.background === undefined;
  }

  /** It is listening: goes to the background if the rest of the rule holds too. */
  noticeListening(): void {
    if (!this.mayGoToBackground) return;
    const ready = this.#parts.hasLoaded?.() ?? performance.now() - this.#lastOutputAt >= BACKGROUND_QUIET_MS;
    if (ready && !this.#leaving) void this.#leave();
  }

  /** Resolves when its processes are gone. The first call decides what the record will say. */
  async end(kill: Kill, graceMs?: number): Promise<void> {
    this.blame(kill);
    await this.#terminate(graceMs);
  }

  /** It is being killed already; this is why. */
  blame(kill: Kill): void {
    if (this.hostPid === null) return;
    this.#ending ??= { outcome: "killed", ...kill };
  }

  /** It was sent this on request, and may well go on. */
  noteSignal(signal: string): void {
    this.#requestedSignal = signal;
    if (signal !== "SIGSTOP") this.#parts.launched.wake();
  }

  /** To the background, with what was printed before the sign for it was seen. */
  async #leave(): Promise<void> {
    this.#leaving = true;
    const deadline = performance.now() + PIPE_GRACE_MS;
    const { stdout, stderr } = this.#pipes;
    while (!(stdout.isEmpty() && stderr.isEmpty()) && performance.now() < deadline) await Bun.sleep(1);
    await nextTurn();
    this.#leaving = false;
    if (this.mayGoToBackground) this.#goToBackground();
  }

  async #live(): Promise<void> {
    const { process } = this.#parts.launched;
    const output = Promise.all([
      this.#pipes.stdout.capture((bytes) => this.#take("stdout", bytes)),
      this.#pipes.stderr.capture((bytes) => this.#take("stderr", bytes)),
    ]).catch((error: unknown) => console.error(`output of ${this.command.executionId} lost`, error));
    if (this.command.background === true) this.#goToBackground();
    if (!this.answered) this.#timer = setTimeout(() => this.#timeOut(), this.command.timeoutMs);
    await process.exited;
    this.hostPid = null;
    const executionTime = this.#elapsed();
    this.#stopTimer();
    const complete = await settledWithin(output, PIPE_GRACE_MS);
    await this.#terminated;
    this.#finish(executionTime, complete);
    if (!complete) {
      await output;
      this.#save(this.log.close());
    }
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

  /** @param complete nothing is left that could print */
  #finish(executionTime: number, complete: boolean): void {
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
    if (complete) this.#save(this.log.close());
    else {
      this.log.flush();
      this.#save();
    }
    const problem = this.#ending?.outcome === "killed" ? this.#ending.problem : undefined;
    if (problem === undefined) this.#settleWith(this.#answer(executionTime, filesWritten));
    else this.#settleWith(limitFailure(problem, this.command, this.#stdout, this.#stderr));
  }

  #save(output: readonly Chunk[] = []): void {
    this.#parts.save(this.record, output);
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

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #elapsed(): number {
    return Math.round(this.ageMs * 100) / 100;
  }
}

/** What the call is told that waits for an execution which was killed for a limit. */
export function limitFailure(
  { code, limitBytes }: NonNullable<Kill["problem"]>,
  { executionId, encoding }: Pick<ExecuteCommand, "executionId" | "encoding">,
  stdout: OutputHead,
  stderr: OutputHead,
): SupervisorError {
  const mebibytes = Math.round(limitBytes / 1024 / 1024);
  const message =
    code === "memory_limit_exceeded"
      ? `Execution ${executionId} was killed: the session's processes used more than ${mebibytes} MiB of memory`
      : `Execution ${executionId} was killed: the session's files take more than ${mebibytes} MiB; remove some`;
  const output = { stdout: stdout.text(encoding), stderr: stderr.text(encoding) };
  return new SupervisorError(code, message, { executionId, limitBytes, ...output });
}

export function outcomeOf(
  ending: Ending | null,
  signal: string | null,
  requestedSignal: string | null,
): { outcome: Outcome; reason: KillReason | null } {
  if (ending?.outcome === "timed_out") return { outcome: "timed_out", reason: null };
  if (ending !== null) return { outcome: "killed", reason: ending.reason };
  if (signal === null) return { outcome: "exited", reason: null };
  return { outcome: "killed", reason: signal === requestedSignal ? "requested" : "signal" };
}

/** False when it took longer. */
export async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise: first, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  void promise.then(() => resolve(true));
  const settled = await first;
  clearTimeout(timer);
  return settled;
}

/** After what has happened already was told to those who wait for it. */
function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
