// Which files an execution wrote, without walking the workspace for each. The kernel queues an event before the writer's
// exit is seen, so what is drained at an execution's end is complete. What runs in parallel cannot be told apart: a file
// written while two executions ran is reported by both.
import { lstatSync } from "node:fs";
import { Inotify, type FileEvent } from "../linux/inotify.ts";
import { isHidden, joinPath, nameOf } from "../../../src/lib/files/paths.ts";
import { Pace } from "./pace.ts";
import { walk } from "./walk.ts";
import type { Workspace } from "./workspace.ts";

/** Directories watched at the most; each costs the kernel about a kilobyte. */
const WATCHES = 16_384;
/** While something runs, the kernel's queue (16,384 events by default) is emptied this often. */
const DRAIN_MS = 50;
/** Bounds of the walk that takes the place of events that are not to be had. */
const WALK_MS = 250;
/** The kernel's clock for files ticks every few milliseconds. */
const CLOCK_TICK_MS = 10;
/** Files named in one answer at the most. */
const REPORTED = 10_000;

/** The moment from which changes count. */
export interface Mark {
  readonly sequence: number;
  readonly sinceMs: number;
}

interface Change {
  /** Sequence numbers of the last event of each kind; 0: none. */
  appeared: number;
  written: number;
}

export class ChangeTracker {
  readonly #workspace: Workspace;
  readonly #watches = new Map<number, string>();
  readonly #changes = new Map<string, Change>();
  readonly #marks = new Set<Mark>();
  /** Marks during which events were lost. */
  readonly #blind = new WeakSet<Mark>();
  #inotify: Inotify | null = null;
  /** The rest of the first round over the tree; null when it is done. */
  #setup: Iterator<void> | null;
  #sequence = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#setup = this.#open();
  }

  /** Makes begin() cheap from the first time on. Not needed for its being right. */
  async prepare(): Promise<void> {
    const pace = new Pace();
    while (this.#setup?.next().done === false) if (pace.isDue()) await pace.rest();
    this.#setup = null;
  }

  /** The tree was replaced by another. */
  restart(): void {
    // What was written before cannot be told from what came with it.
    for (const mark of this.#marks) this.#blind.add(mark);
    if (this.#inotify === null) this.#setup = this.#open();
    else {
      // Closing the queue would wait, for milliseconds, until the kernel has forgotten them all.
      for (const watch of this.#watches.keys()) this.#inotify.unwatch(watch);
      this.#watches.clear();
      this.#changes.clear();
      this.#setup = this.#cover("", { report: false });
    }
    void this.prepare();
  }

  /** Every mark must be given to collect() once. */
  begin(): Mark {
    while (this.#setup?.next().done === false);
    this.#setup = null;
    this.#drain();
    if (this.#marks.size === 0) this.#changes.clear();
    const mark = { sequence: this.#sequence, sinceMs: Date.now() - CLOCK_TICK_MS };
    this.#marks.add(mark);
    this.#timer ??= setInterval(() => this.#drain(), DRAIN_MS).unref();
    return mark;
  }

  /** Files and links, sorted, that were made or changed since and are still there. Relative to the workspace. */
  collect(mark: Mark): readonly string[] {
    this.#drain();
    this.#marks.delete(mark);
    if (this.#marks.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    if (this.#inotify === null || this.#blind.has(mark)) return this.#compare(mark);
    const paths: string[] = [];
    for (const [path, change] of this.#changes) {
      if (change.appeared <= mark.sequence && change.written <= mark.sequence) continue;
      const changedMs = this.#changedMs(path);
      if (changedMs === null) continue;
      // Closing what was open for writing says nothing of its having been written.
      if (change.appeared > mark.sequence || changedMs >= mark.sinceMs) paths.push(path);
    }
    return paths.toSorted().slice(0, REPORTED);
  }

  *#open(): Generator<void> {
    try {
      this.#inotify = new Inotify();
    } catch {
      // Without a queue every answer is a walk.
      return;
    }
    yield* this.#cover("", { report: false });
  }

  /** Each directory is watched before it is listed, so nothing falls between. */
  *#cover(from: string, options: { report: boolean }): Generator<void> {
    this.#watch(from);
    try {
      for (const found of walk(this.#workspace, from, { recursive: true, skip: isIgnored })) {
        if (found.type === "directory") this.#watch(found.path);
        else if (options.report) this.#record(found.path, "appeared");
        yield;
      }
    } catch {
      // It is gone again.
    }
  }

  #watch(path: string): void {
    using directory = this.#workspace.exactDirectory(path);
    if (directory === null || this.#inotify === null) return;
    const watch = this.#watches.size < WATCHES ? this.#inotify.watch(`${directory.link}/.`) : null;
    if (watch !== null) this.#watches.set(watch, path);
    else this.#giveUp();
  }

  #giveUp(): void {
    this.#inotify?.[Symbol.dispose]();
    this.#inotify = null;
    this.#watches.clear();
    this.#changes.clear();
  }

  #drain(): void {
    if (this.#inotify?.drain((event) => this.#receive(event)) !== false) return;
    for (const mark of this.#marks) this.#blind.add(mark);
    for (const _ of this.#cover("", { report: false }));
  }

  #receive(event: FileEvent): void {
    if (event.kind === "unwatched") {
      this.#watches.delete(event.watch);
      return;
    }
    const directory = this.#watches.get(event.watch);
    if (directory === undefined) return;
    const path = joinPath(directory, event.name);
    if (isIgnored(path, event.name)) return;
    if (event.kind === "left") {
      if (event.isDirectory) this.#forget(path);
    } else if (!event.isDirectory) this.#record(path, event.kind);
    else if (event.kind === "appeared") for (const _ of this.#cover(path, { report: true }));
  }

  #record(path: string, kind: "appeared" | "written"): void {
    // Nobody asks.
    if (this.#marks.size === 0) return;
    const change = this.#changes.get(path) ?? { appeared: 0, written: 0 };
    change[kind] = ++this.#sequence;
    this.#changes.set(path, change);
  }

  /** A directory that moved is watched anew where it arrives. */
  #forget(path: string): void {
    for (const [watch, place] of this.#watches) {
      if (place !== path && !place.startsWith(`${path}/`)) continue;
      this.#inotify?.unwatch(watch);
      this.#watches.delete(watch);
    }
  }

  /** Change time of a file or link; null when there is none. */
  #changedMs(path: string): number | null {
    const stats = lstatSync(`${this.#workspace.root}/${path}`, { throwIfNoEntry: false });
    return stats === undefined || stats.isDirectory() ? null : stats.ctimeMs;
  }

  /** By the files' own times. As far as it comes in its time, and blind for names that were only moved with a parent. */
  #compare(mark: Mark): readonly string[] {
    const paths: string[] = [];
    const deadline = performance.now() + WALK_MS;
    for (const found of walk(this.#workspace, "", { recursive: true, skip: isIgnored })) {
      if (performance.now() > deadline || paths.length >= REPORTED) break;
      if (found.type !== "directory" && (this.#changedMs(found.path) ?? 0) >= mark.sinceMs) paths.push(found.path);
    }
    return paths.toSorted();
  }
}

/** Installed packages, what Python compiles beside its sources, and version control. */
const NOT_WRITTEN: ReadonlySet<string> = new Set(["node_modules", "site-packages", "__pycache__", ".git"]);

/** These, and the supervisor's own, are not what an execution was asked to write. */
function isIgnored(path: string, name = nameOf(path)): boolean {
  return NOT_WRITTEN.has(name) || isHidden(path, name);
}
