// One context: its interpreter, and what is asked of it, one thing after the other. Its variables live in the interpreter
// and, as they were last saved, beside it; whatever becomes of them, the next run is told the truth.
import type { Context as ContextView, RunError } from "../../../src/contract/contexts.ts";
import { CONTEXTS, KILL_GRACE_MS } from "../../../src/contract/limits.ts";
import { restingContext } from "../../../src/lib/context-record.ts";
import { SupervisorError } from "../problem.ts";
import { outcomeOf, settledWithin } from "../process/execution.ts";
import type { Ending as ProcessEnding, Kill } from "../process/execution.ts";
import { readCpuNs } from "../process/proc-filesystem.ts";
import type { Owner } from "../process/process-table.ts";
import type { KeptContext } from "./context-files.ts";
import type { Interpreter, InterpreterEnd } from "./interpreter.ts";
import { mergeDropped } from "./kernel-events.ts";
import { describeEnd, errorOfEnd, lossBefore, NEVER_SAVED } from "./loss.ts";
import type { Ending, Run, Told } from "./run.ts";

export interface ContextParts {
  readonly kept: KeptContext;
  /** Starts its interpreter as soon as processes run. Rejects with SupervisorError. */
  readonly start: () => Promise<Interpreter>;
  /** Runs `work` as soon as processes run. Rejects with SupervisorError once nothing is begun any more. */
  readonly whenRunning: <T>(work: () => T) => Promise<T>;
  /** Writes down what is known. @throws on a full disk */
  readonly write: (kept: KeptContext) => void;
  /** Where its variables are saved, as user code knows it. */
  readonly values: () => string;
  /** Ends what runs for an interpreter. */
  readonly clear: (owner: Owner) => Promise<unknown>;
}

/** On a machine that is busy beyond all measure; some ten milliseconds are usual. */
const START_MS = 20_000;
const INTERRUPT_AGAIN_MS = 250;
/** Variables that take longer to save or to bring back are given up, and the interpreter with them. */
const VALUES_MS = 60_000;
/** What was saved is saved again no sooner than this, and than so many times what it took. */
const [SAVED_AGAIN_MS, SAVED_AGAIN_TIMES] = [500, 3];

export class Context {
  readonly #parts: ContextParts;
  #kept: KeptContext;
  #interpreter: Interpreter | null = null;
  /** Why it is being ended. */
  #ending: ProcessEnding | null = null;
  #requestedSignal: string | null = null;
  /** Of the start of this interpreter, for the first run in it. */
  #untold: Told | null = null;
  /** Nobody asks for it any more: its end is no loss. */
  #isDismissed = false;
  #lane: Promise<unknown> = Promise.resolve();
  /** Runs that have not been answered, in their order; the first may have begun. */
  readonly #runs = new Set<Run>();
  #saving: Promise<void> | null = null;
  /** Of this interpreter. */
  #lastSave: { readonly cpuNs: number; readonly again: number } | null = null;

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.#kept = parts.kept;
  }

  get id(): string {
    return this.#kept.id;
  }

  get workingDir(): string {
    return this.#kept.workingDir;
  }

  get interpreter(): Pick<Interpreter, "hostPid" | "owner"> | null {
    return this.#interpreter;
  }

  get isSaving(): boolean {
    return this.#saving !== null;
  }

  view(): ContextView {
    const resting = restingContext(this.#kept);
    if (this.#runs.size > 0) return { ...resting, state: "running" };
    return this.#interpreter === null ? resting : { ...resting, state: "idle" };
  }

  /** Has an interpreter from the first run on. Rejects with SupervisorError. */
  async open(): Promise<void> {
    await this.#inTurn(() => this.#start());
  }

  /** Runs that have not been answered. */
  get waiting(): number {
    return this.#runs.size;
  }

  /** Resolves when it is over. @throws SupervisorError `conflict` where too many wait */
  async run(run: Run): Promise<void> {
    this.#runs.add(run);
    void run.finished.then(() => this.#runs.delete(run));
    await this.#inTurn(async () => {
      if (run.answered) return;
      try {
        await this.#perform(run);
      } catch (error) {
        run.refuse(error);
      }
    });
  }

  /** Ends a run, and the interpreter where an interrupt does not help: another run must not pay for it. */
  async cut(run: Run, ending: ProcessEnding): Promise<void> {
    if (!run.hasBegun) {
      run.finish({ ...outcomeOf(ending, null, null), exitCode: null, signal: null, error: null });
      return;
    }
    await this.#interrupt(run).catch(() => {});
    if (!run.answered) await this.#end(ending);
  }

  /** False where nothing runs. Gives the run a moment to end. */
  async interrupt(): Promise<boolean> {
    const run = [...this.#runs].find((each) => each.hasBegun);
    if (run === undefined) return false;
    await this.#interrupt(run);
    return true;
  }

  /** What its interpreter is killed for. The first reason counts. */
  blame(kill: Kill): void {
    this.#ending ??= { outcome: "killed", ...kill };
  }

  /** It was sent this on request. */
  noteSignal(signal: string): void {
    this.#requestedSignal = signal;
  }

  /** Nobody will ask for it again, and nothing of it is written down any more. */
  dismiss(kill: Kill): void {
    this.#isDismissed = true;
    this.blame(kill);
    for (const run of this.#runs) {
      if (!run.hasBegun) run.finish({ ...notBegun, reason: kill.reason });
    }
  }

  /** Resolves when its variables are saved, or need not or cannot be now; after `patienceMs` at the latest. */
  async save(patienceMs: number): Promise<void> {
    if (this.#runs.size > 0) return;
    if (this.#interpreter !== null && (this.#kept.unsavedSince !== null || this.#mayHaveChanged(this.#interpreter))) {
      this.#saving ??= this.#inTurn(() => this.#save())
        .catch((error: unknown) => console.error(`context ${this.id} not saved`, error))
        .finally(() => {
          this.#saving = null;
        });
    }
    if (this.#saving !== null) await settledWithin(this.#saving, patienceMs);
  }

  /** Timers and threads change variables between runs. Not at once after a save: whoever waits for one may ask again. */
  #mayHaveChanged({ hostPid }: Interpreter): boolean {
    const saved = this.#lastSave;
    return saved !== null && performance.now() > saved.again && readCpuNs(hostPid) !== saved.cpuNs;
  }

  /**
   * Again and again for a moment: one that comes between two steps of the interpreter may be lost. What it has started is
   * spared, unless it seems to wait for that.
   */
  async #interrupt(run: Run): Promise<void> {
    const interpreter = this.#interpreter;
    const end = performance.now() + KILL_GRACE_MS;
    let withChildren = false;
    do {
      await this.#parts.whenRunning(() => interpreter?.interrupt({ withChildren }));
      withChildren = true;
    } while (!(await settledWithin(run.finished, INTERRUPT_AGAIN_MS)) && performance.now() < end);
  }

  /** Runs after what was asked for before, whether that failed or not. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#lane.then(action);
    this.#lane = result.catch(() => {});
    return result;
  }

  async #perform(run: Run): Promise<void> {
    // One that has just ended is noticed in a moment.
    if (this.#interpreter?.isOver === true) await this.#interpreter.ended;
    const interpreter = this.#interpreter ?? (await this.#wake(run));
    // Its time was up meanwhile.
    if (run.answered) return;
    const { code, env } = run.command;
    const answer = await this.#parts.whenRunning(() => {
      const runs = this.#noteRun(run);
      run.begin(interpreter);
      return { of: interpreter.run({ code: code ?? "", env, filename: `<run ${runs}>` }, run) };
    });
    const ended = await answer.of;
    if (ended === null) run.finish(this.#endingOf(await interpreter.ended));
    else {
      const { error } = ended;
      run.finish({ ...outcomeOf(run.cut, null, null), exitCode: error === null ? 0 : 1, signal: null, error });
    }
  }

  /** Its number. What is not saved from now on is told, whatever becomes of it. */
  #noteRun(run: Run): number {
    const now = new Date().toISOString();
    const [untold, runs] = [this.#untold, this.#kept.runs + 1];
    if (untold !== null) {
      run.tell(untold);
      this.#untold = null;
      this.#kept = { ...this.#kept, lost: null, unsavedSince: null };
    }
    const isFirst = this.#kept.unsavedSince === null;
    this.#kept = { ...this.#kept, runs, lastRunAt: now, unsavedSince: this.#kept.unsavedSince ?? now };
    if (isFirst) this.#write();
    return runs;
  }

  /** Starts an interpreter with what was saved. */
  async #wake(run: Run): Promise<Interpreter> {
    const before = this.#kept;
    const lost = lossBefore(before, run.command.loss ?? null);
    const interpreter = await this.#start();
    this.#untold = { dropped: [], lost };
    if (before.savedAt === null || before.lost !== null) return interpreter;
    const answer = await this.#bounded(interpreter, interpreter.values("restore", { directory: this.#parts.values() }));
    const failed = answer?.failed ?? null;
    const nothing = failed === null ? [] : [{ name: "*", reason: failed }];
    this.#untold = { dropped: mergeDropped(nothing, before.dropped, answer?.dropped ?? []), lost };
    return interpreter;
  }

  async #start(): Promise<Interpreter> {
    this.#ending = null;
    this.#requestedSignal = null;
    const interpreter = await this.#parts.start();
    this.#interpreter = interpreter;
    this.#lastSave = null;
    void interpreter.ended.then((end) => this.#notice(interpreter, end));
    const isReady = await settledWithin(interpreter.ready, START_MS);
    if (!isReady || interpreter.isOver) {
      this.#interpreter = null;
      interpreter.kill();
      throw this.#startFailure(isReady ? await interpreter.ended : null, interpreter.printed);
    }
    this.#kept = { ...this.#kept, startedAt: new Date().toISOString() };
    this.#write();
    return interpreter;
  }

  /** `end`: null where it did not become ready. Where somebody ended it, nothing is wrong with it, and it can be tried again. */
  #startFailure(end: InterpreterEnd | null, printed: string): SupervisorError {
    const what = `The interpreter of ${this.id} could not be started`;
    if (end === null) return new SupervisorError("internal_error", `${what}; it was not ready in time`);
    const why = describeEnd(end, this.#ending);
    return end.signal === null
      ? new SupervisorError("internal_error", `${what}; ${why}: ${printed.slice(-1000).trim()}`)
      : new SupervisorError("container_unavailable", `${what}; ${why}. Try again.`);
  }

  async #save(): Promise<void> {
    const interpreter = this.#interpreter;
    if (interpreter === null) return;
    const begun = performance.now();
    const request = { directory: this.#parts.values(), limitBytes: CONTEXTS.savedBytes };
    const answer = await this.#bounded(interpreter, interpreter.values("save", request));
    if (answer === null) return;
    const now = performance.now();
    const again = now + Math.max(SAVED_AGAIN_MS, SAVED_AGAIN_TIMES * (now - begun));
    this.#lastSave = { cpuNs: readCpuNs(interpreter.hostPid), again };
    if (answer.failed !== null) {
      console.error(`context ${this.id} not saved: ${answer.failed}`);
      return;
    }
    const { dropped } = answer;
    this.#kept = { ...this.#kept, savedAt: new Date().toISOString(), unsavedSince: null, dropped };
    this.#write();
  }

  /** What takes too long is interrupted, and ended if that does not help. */
  async #bounded<T>(interpreter: Interpreter, answer: Promise<T>): Promise<T> {
    if (await settledWithin(answer, VALUES_MS)) return await answer;
    interpreter.interrupt();
    if (!(await settledWithin(answer, KILL_GRACE_MS))) await this.#end({ outcome: "timed_out" });
    return await answer;
  }

  async #end(ending: ProcessEnding): Promise<void> {
    this.#ending ??= ending;
    for (const run of this.#runs) {
      if (!run.hasBegun && ending.outcome === "killed") run.finish({ ...notBegun, reason: ending.reason });
    }
    const interpreter = this.#interpreter;
    if (interpreter === null) return;
    interpreter.kill();
    await this.#parts.clear(interpreter.owner);
  }

  /** Its process is gone. Before anybody who waits for it goes on. */
  #notice(interpreter: Interpreter, end: InterpreterEnd): void {
    if (this.#interpreter !== interpreter) return;
    this.#interpreter = null;
    void this.#parts.clear(interpreter.owner);
    if (this.#isDismissed) return;
    const hadRun = this.#kept.unsavedSince !== null || this.#kept.savedAt !== null;
    const lost = { at: new Date().toISOString(), reason: describeEnd(end, this.#ending) };
    this.#kept = { ...this.#kept, ...NEVER_SAVED, lost: hadRun ? lost : this.#kept.lost };
    this.#write();
  }

  #endingOf(end: InterpreterEnd): Ending {
    const { outcome, reason } = outcomeOf(this.#ending, end.signal, this.#requestedSignal);
    const error: RunError = errorOfEnd(end, this.#ending);
    const problem = this.#ending?.outcome === "killed" ? this.#ending.problem : undefined;
    return { outcome, reason, exitCode: null, signal: end.signal, error, problem };
  }

  #write(): void {
    try {
      if (!this.#isDismissed) this.#parts.write(this.#kept);
    } catch (error) {
      console.error(`context ${this.id} not written down`, error);
    }
  }
}

const notBegun = { outcome: "killed", exitCode: null, signal: null, error: null } as const;
