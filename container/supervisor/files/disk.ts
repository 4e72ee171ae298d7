// How much of its disk the session uses. A walk over all files is dear, so it is made only when what was written since the
// last one could have crossed the limit.
import { readdirSync, statfsSync } from "node:fs";
import { SupervisorError } from "../problem.ts";
import { readWrittenBytes } from "../process/proc-filesystem.ts";

/** While a session works close to its limit, at most this part of the time goes into measuring. */
const PAUSE_PER_WALK = 10;
const PAUSE_MS = 250;
/** The estimate can be fooled: by space that is allocated unwritten while others free as much. So, now and then, anyway. */
const STALE_PER_WALK = 50;
const STALE_MS = 2000;

/** Counters are read again after this long at the earliest; with many processes that takes a millisecond. */
const COUNTERS_KEPT_MS = 20;

interface Counters {
  readonly atMs: number;
  readonly written: number;
  readonly free: number;
}

export class DiskLedger {
  readonly limitBytes: number;
  readonly #workspace: string;
  #measured = 0;
  /** When the last measurement began, and by now. */
  #since: Counters | null = null;
  #latest: Counters | null = null;
  #walk: Promise<void> | null = null;
  #pausedUntil = 0;
  #staleAt = 0;

  constructor(workspace: string, limitBytes: number) {
    this.#workspace = workspace;
    this.limitBytes = limitBytes;
  }

  /** By the last measurement. */
  get usedBytes(): number {
    return this.#measured;
  }

  /** By the last measurement; ask for refresh() first to have it current. */
  isOver(): boolean {
    return this.#measured > this.limitBytes;
  }

  /**
   * Measures again if the limit may have been crossed since, and always while it is: so a session is usable as soon as
   * files were deleted. Cheap otherwise; meant to be called every 100 ms while something runs.
   */
  async refresh(): Promise<void> {
    await this.#walk;
    const now = performance.now();
    const mayBeOver = now >= this.#pausedUntil && this.#estimate() > this.limitBytes;
    if (this.isOver() || mayBeOver || now >= this.#staleAt) await this.measure();
  }

  /** @throws SupervisorError disk_full when `bytes` more would cross the limit */
  async reserve(bytes: number): Promise<void> {
    await this.#walk;
    if (this.#estimate() + bytes > this.limitBytes) await this.measure();
    if (this.#measured + bytes <= this.limitBytes) return;
    throw new SupervisorError("disk_full", "The session's disk is full; delete files first", {
      usedBytes: this.#measured,
      limitBytes: this.limitBytes,
    });
  }

  /** What the files occupy, in blocks, hard links counted once. */
  measure(): Promise<void> {
    this.#walk ??= this.#measure().finally(() => (this.#walk = null));
    return this.#walk;
  }

  /** As it is now, and not as it was when a measurement that is under way began. */
  async measureAnew(): Promise<void> {
    await this.#walk;
    await this.measure();
  }

  async #measure(): Promise<void> {
    const since = this.#count();
    const child = Bun.spawn(["du", "--summarize", "--one-file-system", "--block-size=1", this.#workspace], {
      env: { PATH: "/usr/bin:/bin" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const size = Number.parseInt(await child.stdout.text(), 10);
    // A file that went away meanwhile makes it exit with 1, its sum is right all the same.
    if (!Number.isFinite(size)) throw new Error(`du failed with exit code ${await child.exited}`);
    this.#measured = size;
    this.#since = since;
    const now = performance.now();
    this.#pausedUntil = now + Math.max(PAUSE_MS, (now - since.atMs) * PAUSE_PER_WALK);
    this.#staleAt = now + Math.max(STALE_MS, (now - since.atMs) * STALE_PER_WALK);
  }

  #estimate(): number {
    const since = this.#since;
    if (since === null) return Number.POSITIVE_INFINITY;
    if (this.#latest === null || performance.now() - this.#latest.atMs > COUNTERS_KEPT_MS) this.#latest = this.#count();
    const { written, free } = this.#latest;
    // Either may miss something: `written` what goes to a tmpfs or is only allocated, `free` what was deleted meanwhile.
    return this.#measured + Math.max(0, written - since.written, since.free - free);
  }

  #count(): Counters {
    const { bfree, bsize } = statfsSync(this.#workspace);
    return { atMs: performance.now(), written: bytesWritten(), free: bfree * bsize };
  }
}

/** By all processes of the container; the count of one that ended went to its parent. */
function bytesWritten(): number {
  let sum = 0;
  for (const name of readdirSync("/proc")) {
    if (/^\d/.test(name)) sum += readWrittenBytes(Number(name));
  }
  return sum;
}
