// One service: started, watched, and started again whenever it ends, with growing pauses while it keeps ending early.
// What a run leaves behind is ended before the next one, so that two of them never meet.
import type { ServiceStatus } from "../../../src/contract/execute.ts";
import type { Service as Definition } from "../../../src/contract/session.ts";
import type { Started } from "./launcher.ts";
import { LineTail } from "./line-tail.ts";
import { OutputPipe } from "./output-capture.ts";

export interface ServiceParts {
  readonly definition: Definition;
  /** Starts its first process, as soon as processes run. Null where `wanted` is false by then. Rejects with SupervisorError. */
  readonly start: (wanted: () => boolean) => Promise<Started | null>;
  /** Ends all its processes: TERM, and KILL for what is left after a while. */
  readonly clear: () => Promise<unknown>;
  /** One of its processes listens on its port. */
  readonly isListening: () => boolean;
}

export const FIRST_PAUSE_MS = 250;
export const LONGEST_PAUSE_MS = 30_000;
/** After so long a run its end is no longer held against it. */
export const STEADY_MS = 60_000;
/** Of output, read at the most within each interval: one that floods is slowed down, not the supervisor. */
const FLOOD_BYTES = 1024 * 1024;
const FLOOD_INTERVAL_MS = 50;
/** After KILL a process goes at once, or hangs in the kernel. */
const STOP_PATIENCE_MS = 1000;
/** What has been printed is read that long after the end. */
const PIPE_GRACE_MS = 50;

export class Service {
  readonly definition: Definition;
  readonly #parts: ServiceParts;
  /** Resolves when its first process was started, or could not be. */
  readonly tried: Promise<void>;
  readonly #log = new LineTail();
  readonly #tried = Promise.withResolvers<void>();
  readonly #stop = Promise.withResolvers<void>();
  readonly #over: Promise<void>;
  #stopped = false;
  #running: { readonly pid: number | null; readonly startedAt: string } | null = null;
  #isReady = false;
  #restarts = 0;
  #lastExit: string | null = null;
  /** Why the supervisor is killing it. */
  #blame: string | null = null;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.definition = parts.definition;
    this.tried = this.#tried.promise;
    this.#over = this.#live().catch((error: unknown) => console.error(`service ${parts.definition.name}`, error));
  }

  /** It runs and, where it has a port, listens there or was seen to do so in this run. */
  looksReady(): boolean {
    if (this.#running === null) return false;
    this.#isReady ||= this.definition.port === undefined || this.#parts.isListening();
    return this.#isReady;
  }

  status(): ServiceStatus {
    const { name, command, port } = this.definition;
    const running = this.#running;
    const idle = this.#stopped ? "stopped" : "waiting";
    return {
      name,
      command,
      port: port ?? null,
      status: running === null ? idle : this.looksReady() ? "running" : "starting",
      pid: running?.pid ?? null,
      startedAt: running?.startedAt ?? null,
      restarts: this.#restarts,
      lastExit: this.#lastExit,
      log: this.#log.lines(),
    };
  }

  /** It is being killed, for a reason that its exit would not tell. */
  blame(reason: string): void {
    this.#blame = reason;
  }

  /** For good. Resolves when its processes are gone, or cannot be ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop.resolve();
    await this.#parts.clear();
    await Promise.race([this.#over, Bun.sleep(STOP_PATIENCE_MS)]);
  }

  async #live(): Promise<void> {
    for (let pauseMs = 0; ;) {
      const ranMs = await this.#run();
      if (this.#stopped) return;
      pauseMs = nextPauseMs(pauseMs, ranMs);
      await this.#pause(pauseMs);
      if (this.#stopped) return;
      this.#restarts += 1;
    }
  }

  /** From a start to the end of all its processes. Returns how long the first one ran. */
  async #run(): Promise<number> {
    let started: Started | null;
    try {
      started = await this.#parts.start(() => !this.#stopped);
    } catch (error) {
      this.#lastExit = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
      return 0;
    } finally {
      this.#tried.resolve();
    }
    if (started === null) return 0;
    const startedAtMs = performance.now();
    this.#isReady = false;
    this.#blame = null;
    this.#running = { pid: started.userPid, startedAt: new Date().toISOString() };
    const output = Promise.all([this.#capture("stdout", started.stdout), this.#capture("stderr", started.stderr)]);
    await started.process.exited;
    const ranMs = performance.now() - startedAtMs;
    this.#lastExit = this.#describeExit(started.process);
    this.#running = null;
    await this.#parts.clear();
    await Promise.race([output, Bun.sleep(PIPE_GRACE_MS)]);
    return ranMs;
  }

  #describeExit({ exitCode, signalCode }: Started["process"]): string {
    const end = signalCode === null ? `exit code ${exitCode}` : String(signalCode);
    return this.#blame === null ? end : `${end}: ${this.#blame}`;
  }

  async #capture(stream: "stdout" | "stderr", fd: number): Promise<void> {
    let [bytes, since] = [0, performance.now()];
    const take = (piece: Uint8Array): void | Promise<void> => {
      this.#log.append(stream, piece);
      bytes += piece.length;
      if (bytes < FLOOD_BYTES) return;
      const aheadMs = FLOOD_INTERVAL_MS - (performance.now() - since);
      [bytes, since] = [0, performance.now() + Math.max(0, aheadMs)];
      if (aheadMs > 0) return Bun.sleep(aheadMs);
    };
    try {
      await new OutputPipe(fd).capture(take);
    } catch (error) {
      console.error(`output of service ${this.definition.name} lost`, error);
    }
  }

  async #pause(pauseMs: number): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, pauseMs);
    await Promise.race([timer.promise, this.#stop.promise]);
    clearTimeout(handle);
  }
}

/** Before the next start; doubles while runs are short. */
export function nextPauseMs(previousMs: number, ranMs: number): number {
  if (previousMs === 0 || ranMs >= STEADY_MS) return FIRST_PAUSE_MS;
  return Math.min(2 * previousMs, LONGEST_PAUSE_MS);
}
