// The process that a context lives in. It is asked one thing at a time, and answers, or it ends; what it prints belongs to
// the run in which it was printed. What is printed in between, by a thread for one, is shown by the next run.
import type { DroppedValue, Result, RunError } from "../../../src/contract/contexts.ts";
import { randomText } from "../../../src/contract/ids.ts";
import { PIPE_GRACE_MS, settledWithin } from "../process/execution.ts";
import type { Started } from "../process/launcher.ts";
import type { Owner } from "../process/process-table.ts";
import { OutputPipe } from "../process/output-capture.ts";
import type { KernelEvent } from "./kernel-events.ts";
import type { KernelPipes } from "./kernel-pipes.ts";
import { MarkSplitter } from "./mark-splitter.ts";

export interface InterpreterEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** Where what a run prints and shows goes. */
export interface RunSink {
  take(stream: OutputStream, bytes: Uint8Array): void;
  show(result: Result): void;
}

export interface CodeToRun {
  readonly code: string;
  /** In tracebacks. */
  readonly filename: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Of saving or bringing back. */
export interface ValuesAnswer {
  readonly dropped: readonly DroppedValue[];
  /** Why nothing of it was done; null: it was. */
  readonly failed: string | null;
}

export type OutputStream = "stdout" | "stderr";
type Answer = Exclude<KernelEvent, { event: "ready" | "result" }>;

const STREAMS: readonly OutputStream[] = ["stdout", "stderr"];
const NONCE_CHARACTERS = 24;
/** Of what is printed between two runs. */
const BETWEEN_BYTES = 64 * 1024;
/** The marks are written before the answer. They are missing where user code has taken the streams away. */
const MARK_MS = 1000;

export class Interpreter {
  /** Its processes are told from those of the interpreter that follows it. */
  readonly owner: Owner;
  readonly hostPid: number;
  /** As user code knows it. */
  readonly pid: number | null;
  /** It takes requests; or it has ended. */
  readonly ready: Promise<void>;
  /** Its process is gone and its output was read. Never rejects. */
  readonly ended: Promise<InterpreterEnd>;
  readonly #process: Started["process"];
  readonly #pipes: KernelPipes;
  readonly #ready = Promise.withResolvers<void>();
  readonly #splitters: Readonly<Record<OutputStream, MarkSplitter>>;
  /** Streams that the run under way has not finished yet. */
  readonly #open = new Set<OutputStream>();
  #between: { readonly stream: OutputStream; readonly bytes: Uint8Array }[] = [];
  #betweenBytes = 0;
  #sink: RunSink | null = null;
  #asked: { readonly id: number; readonly answer: (answer: Answer | null) => void } | null = null;
  #lastId = 0;
  #isOver = false;

  constructor(owner: Owner, started: Started, pipes: KernelPipes) {
    this.owner = owner;
    this.#process = started.process;
    this.hostPid = started.pid;
    this.pid = started.userPid;
    this.#pipes = pipes;
    this.ready = this.#ready.promise;
    const splitter = (stream: OutputStream): MarkSplitter => new MarkSplitter((bytes) => this.#take(stream, bytes));
    this.#splitters = { stdout: splitter("stdout"), stderr: splitter("stderr") };
    this.ended = this.#live(started);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it has printed outside of any run. */
  get printed(): string {
    return Buffer.concat(this.#between.map(({ bytes }) => bytes)).toString("utf8");
  }

  /** Null: it ended instead. */
  async run(code: CodeToRun, sink: RunSink): Promise<{ readonly error: RunError | null } | null> {
    const nonce = randomText(NONCE_CHARACTERS);
    this.#sink = sink;
    for (const { stream, bytes } of this.#between) sink.take(stream, bytes);
    this.#between = [];
    this.#betweenBytes = 0;
    const marks = STREAMS.map((stream) => this.#markOf(stream, nonce));
    const answer = await this.#ask({ op: "run", ...code, nonce });
    if (answer === null) await this.ended;
    else await settledWithin(Promise.all(marks), MARK_MS);
    for (const stream of STREAMS) this.#splitters[stream].end();
    this.#open.clear();
    this.#sink = null;
    return answer?.event === "done" ? answer : null;
  }

  /** Null: it ended instead. */
  async values(op: "save" | "restore", options: Readonly<Record<string, unknown>>): Promise<ValuesAnswer | null> {
    const answer = await this.#ask({ op, ...options });
    return answer !== null && "dropped" in answer ? answer : null;
  }

  /** `withChildren`: as Ctrl-C at a terminal does, which reaches one that waits for a command. */
  interrupt({ withChildren = false } = {}): void {
    this.#signal(withChildren ? -this.hostPid : this.hostPid, "SIGINT");
  }

  kill(): void {
    this.#signal(this.hostPid, "SIGKILL");
  }

  async #live(started: Started): Promise<InterpreterEnd> {
    const [stdout, stderr] = STREAMS.map((stream) =>
      new OutputPipe(started[stream]).capture((bytes) => this.#splitters[stream].take(bytes)),
    );
    const output = Promise.all([stdout, stderr]).catch((error: unknown) => console.error("output lost", error));
    void this.#pipes
      .listen((event) => this.#hear(event))
      .catch((error: unknown) => console.error("an interpreter is not heard any more", error))
      // Nothing can be known of it from here on.
      .then(() => this.kill());
    await this.#process.exited;
    this.#isOver = true;
    await settledWithin(output, PIPE_GRACE_MS);
    this.#pipes.close();
    this.#ready.resolve();
    this.#asked?.answer(null);
    this.#asked = null;
    const { signalCode, exitCode } = this.#process;
    return signalCode === null ? { exitCode, signal: null } : { exitCode: null, signal: String(signalCode) };
  }

  #hear(event: KernelEvent): void {
    if (event.event === "ready") {
      this.#ready.resolve();
      return;
    }
    if (event.id !== this.#asked?.id) return;
    if (event.event === "result") {
      this.#sink?.show(event.result);
      return;
    }
    const { answer } = this.#asked;
    this.#asked = null;
    answer(event);
  }

  #ask(request: Readonly<Record<string, unknown>>): Promise<Answer | null> {
    const { promise, resolve } = Promise.withResolvers<Answer | null>();
    const id = ++this.#lastId;
    this.#asked = { id, answer: resolve };
    if (this.#isOver) resolve(null);
    else if (!this.#pipes.send({ ...request, id })) this.kill();
    return promise;
  }

  #markOf(stream: OutputStream, nonce: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.add(stream);
    this.#splitters[stream].expect(nonce, () => {
      this.#open.delete(stream);
      resolve();
    });
    return promise;
  }

  #take(stream: OutputStream, bytes: Uint8Array): void {
    if (this.#sink !== null && this.#open.has(stream)) {
      this.#sink.take(stream, bytes);
      return;
    }
    const piece = bytes.slice(0, BETWEEN_BYTES - this.#betweenBytes);
    if (piece.length === 0) return;
    this.#between.push({ stream, bytes: piece });
    this.#betweenBytes += piece.length;
  }

  #signal(target: number, name: "SIGINT" | "SIGKILL"): void {
    if (this.#isOver) return;
    try {
      process.kill(target, name);
    } catch {
      // It is ending just now.
    }
  }
}
