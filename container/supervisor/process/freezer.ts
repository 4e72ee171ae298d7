// Stops all user processes for a while: for the moments in which a snapshot looks at the files (`hold`), and for as long
// as the session is idle (`freeze`). They run when neither is the case. A process that its user had stopped before stays
// stopped afterwards. Parents are stopped before their children and continued after them: a shell must not see the stop
// of a job of its own, it would take it for Ctrl-Z.
import { SupervisorError } from "../problem.ts";
import type { Gate } from "../gate.ts";
import { readMemoryPages, readStartTicks, readThreadStates } from "./proc-filesystem.ts";
import type { ProcessTable, UserProcess } from "./process-table.ts";
import { WakeUp } from "../wake-up.ts";

export interface FreezerOptions {
  readonly table: ProcessTable;
  /** Closed during a hold. */
  readonly gate: Gate;
  /** Called whenever the processes run again. */
  readonly onRunning: () => void;
  /** The longest hold; HOLD_MS when absent. */
  readonly holdMs?: number;
}

/** The processes are stopped and the supervisor changes no file until it is disposed of. */
export interface Hold extends Disposable {
  /** It took too long and was ended: what was looked at may not be of one instant. */
  readonly broken: boolean;
}

interface Stopped {
  readonly pid: number;
  /** With the pid, what tells a process from a later one. */
  readonly startTicks: number | null;
}

/** The longest hold: nobody may stop the session for good by forgetting it. */
const HOLD_MS = 30_000;
/** A process that has not stopped by then hangs in the kernel. */
const PATIENCE_MS = 5000;
/** Among so many new processes the order is given up: they come faster than they are stopped one after the other. */
const STORM = 64;
/** A process that cannot hear of its stop, or is one of a storm, is waited for so long before the next are stopped. */
const STEP_MS = 5;
/** Any other: on a busy machine it may take long until it is on a processor. */
const LONG_STEP_MS = 500;
/** Waited for without giving way: a process stops within this much once it is on a processor. */
const SPIN_MS = 1;
const AT_REST = "TtZXx";

export class Freezer {
  readonly #options: FreezerOptions;
  /** How often processes were wanted to run. Whoever freezes after a wait sees by it whether somebody came in between. */
  thaws = 0;
  #idle = false;
  #holds = 0;
  /** By us, in that order. */
  #stopped: Stopped[] = [];
  #stopping: Promise<void> | null = null;
  /** All are stopped. Nothing is started by the supervisor either before they run again. */
  #isStill = false;
  readonly #change = new WakeUp();

  constructor(options: FreezerOptions) {
    this.#options = options;
  }

  /** Processes are stopped, or about to be. */
  get isFrozen(): boolean {
    return this.#isWanted || this.#stopping !== null;
  }

  get #isWanted(): boolean {
    return this.#idle || this.#holds > 0;
  }

  /** @throws SupervisorError `conflict` where files go on being changed, or a process cannot be stopped */
  async hold(): Promise<Hold> {
    const { gate, holdMs = HOLD_MS } = this.#options;
    try {
      await gate.close();
    } catch (error) {
      gate.open();
      throw error;
    }
    this.#holds += 1;
    let [held, broken] = [true, false];
    const release = (): void => {
      if (!held) return;
      held = false;
      clearTimeout(timer);
      this.#holds -= 1;
      gate.open();
      this.#resume();
    };
    const timer = setTimeout(() => {
      broken = held;
      release();
    }, holdMs);
    try {
      await this.#stopAll();
    } catch (error) {
      release();
      throw error;
    }
    return {
      get broken() {
        return broken;
      },
      [Symbol.dispose]: release,
    };
  }

  /** Until thaw(). False where they could not all be stopped, or thaw() came in between: then they run. */
  async freeze(): Promise<boolean> {
    this.#idle = true;
    try {
      await this.#stopAll();
    } catch (error) {
      console.error("not frozen", error);
      this.#idle = false;
      this.#resume();
    }
    return this.#idle;
  }

  /** Resolves when the processes run: at once, or after the hold that is under way. */
  async thaw(): Promise<void> {
    this.thaws += 1;
    if (this.#idle) {
      this.#idle = false;
      this.#resume();
    }
    while (this.#holds > 0 || this.#stopping !== null) await this.#change.next();
  }

  /** Resolves when they are neither held nor frozen. Does not end a freeze. */
  async running(): Promise<void> {
    while (this.isFrozen) await this.#change.next();
  }

  /** Runs `work`, which starts a process, when processes run. @throws SupervisorError once the gate is sealed */
  async start<T>(work: () => T): Promise<T> {
    for (;;) {
      await this.running();
      // Somebody may have stopped them between that moment and this.
      const started = await this.#options.gate.pass(() => (this.isFrozen ? null : { value: work() }));
      if (started !== null) return started.value;
    }
  }

  async #stopAll(): Promise<void> {
    // Again where somebody else's was given up half-way.
    while (this.#isWanted && !this.#isStill) {
      this.#stopping ??= this.#stopUntilStill().finally(() => {
        this.#stopping = null;
        this.#resume();
      });
      await this.#stopping;
    }
  }

  async #stopUntilStill(): Promise<void> {
    const { table } = this.#options;
    const deadline = performance.now() + PATIENCE_MS;
    await this.#stopWardens(deadline);
    while (this.#isWanted) {
      const seen = new Set(this.#stopped.map(({ pid }) => pid));
      for (let fresh = table.newcomers(seen); fresh.length > 0; fresh = table.newcomers(seen)) {
        await this.#stopInOrder(fresh);
        if (performance.now() > deadline) break;
      }
      const before = new Set(seen);
      const restless = this.#findRestless(table.scan());
      // Looked at after all had been stopped, and there was nobody new: nothing is left that could start anything.
      if (restless.length === 0 && table.newcomers(before).length === 0) {
        this.#isStill = true;
        return;
      }
      if (performance.now() > deadline) {
        const names = restless.map(({ pid }) => pid).slice(0, 3);
        throw new SupervisorError("conflict", `The session's processes could not be stopped: ${names.join(", ")}`);
      }
      await this.#stopInOrder(restless);
    }
  }

  /**
   * All of them before any of what they wait for: one that sees the stop of that stops itself, perhaps only after it was
   * continued, and is continued by nobody then.
   */
  async #stopWardens(deadline: number): Promise<void> {
    const wardens = this.#options.table.wardens();
    for (const pid of wardens) this.#stop(pid);
    while (this.#isWanted && !wardens.every(isAtRest)) {
      if (performance.now() > deadline) {
        throw new SupervisorError("conflict", "The session's processes could not be stopped: the machine is too busy");
      }
      await this.#waitForRest(wardens);
    }
  }

  /** Parents before their children. */
  async #stopInOrder(processes: readonly Pick<UserProcess, "hostPid" | "hostParentPid">[]): Promise<void> {
    for (let rest = processes; rest.length > 0 && this.#isWanted;) {
      const pids = new Set(rest.map(({ hostPid }) => hostPid));
      const first = rest.filter(({ hostParentPid }) => !pids.has(hostParentPid));
      const step = rest.length > STORM || first.length === 0 ? rest : first;
      for (const { hostPid } of step) this.#stop(hostPid);
      await this.#waitForRest(step.map(({ hostPid }) => hostPid));
      const done = new Set(step);
      rest = rest.filter((entry) => !done.has(entry));
    }
  }

  /** Not for ever: at the end all are looked at again. */
  async #waitForRest(pids: readonly number[]): Promise<void> {
    const started = performance.now();
    for (let waitedMs = 0; waitedMs < LONG_STEP_MS && this.#isWanted; waitedMs = performance.now() - started) {
      const restless = pids.filter((pid) => !isAtRest(pid));
      if (restless.length === 0) return;
      if (waitedMs >= STEP_MS && (pids.length > STORM || restless.every(isDeaf))) return;
      if (waitedMs < SPIN_MS) Bun.sleepSync(0.05);
      else await Bun.sleep(1);
    }
  }

  #stop(pid: number): void {
    // Stopped by its user, or gone.
    if (isAtRest(pid)) return;
    const startTicks = readStartTicks(pid);
    if (!signal(pid, "SIGSTOP")) return;
    if (this.#stopped.some((entry) => entry.pid === pid && entry.startTicks === startTicks)) return;
    this.#stopped.push({ pid, startTicks });
  }

  #findRestless(processes: readonly UserProcess[]): UserProcess[] {
    return processes.filter(({ hostPid }) => !isAtRest(hostPid) && !isWaitingForFork(hostPid, processes));
  }

  /** Continues what was stopped, unless it is to be stopped. */
  #resume(): void {
    if (this.#isWanted || this.#stopping !== null) return;
    this.#isStill = false;
    const stopped = this.#stopped;
    this.#stopped = [];
    for (const { pid, startTicks } of stopped.toReversed()) {
      if (readStartTicks(pid) === startTicks) signal(pid, "SIGCONT");
    }
    this.#options.onRunning();
    this.#change.notify();
  }
}

/** All its threads are stopped, or it is gone. */
function isAtRest(pid: number): boolean {
  return readThreadStates(pid).every((state) => AT_REST.includes(state));
}

/** All its threads are stopped or sleep so that no signal reaches them. */
function isDeaf(pid: number): boolean {
  return readThreadStates(pid).every((state) => state === "D" || AT_REST.includes(state));
}

/**
 * One that has called vfork() sleeps, deaf to signals, until its child has started its program; and that is stopped. The
 * two share their memory until then.
 */
function isWaitingForFork(pid: number, processes: readonly UserProcess[]): boolean {
  if (!isDeaf(pid)) return false;
  return processes.some(
    ({ hostPid, hostParentPid }) =>
      hostParentPid === pid && isAtRest(hostPid) && readMemoryPages(hostPid) === readMemoryPages(pid),
  );
}

/** False where the process is gone. */
function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
