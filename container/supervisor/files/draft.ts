// A file that is being written: bytes go to a file of another name beside it, which takes the name in one step. Readers
// see the old file or the new one; a draft that is not published leaves nothing.
import {
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  openSync,
  renameSync,
  unlinkSync,
  writev,
  writevSync,
  type BigIntStats,
} from "node:fs";
import { promisify } from "node:util";
import { SupervisorError } from "../problem.ts";
import { explain } from "./failure.ts";
import { invalid, isRestoreTree, nameOf } from "../../../src/lib/files/paths.ts";
import { newDraftName } from "./draft-name.ts";
import { Handle, type Workspace } from "./workspace.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const O_CLOEXEC = 0o2000000;
const MODE = 0o644;
/** Gathered before one write: large enough to be fast, small enough to be forgotten. */
const BATCH_BYTES = 1024 * 1024;
/** A version that came so soon after the one before may bear the same time: the clock of files ticks every few ms. */
const SAME_TICK_NS = 1_000_000_000n;
/** More than a number of seconds can tell apart. */
const APART_NS = 2000n;
/** Written at once: a thread of its own would take longer to begin. */
const SMALL_BYTES = 64 * 1024;

const writeVector = promisify(writev);

export interface Target extends Disposable {
  readonly relative: string;
  readonly parent: Handle;
  readonly name: string;
  /** The regular file that will be replaced. */
  readonly existing: BigIntStats | null;
}

/** Where a write to `relative` goes. A link is followed to the file that it names; parents are made. */
export function targetOf(workspace: Workspace, relative: string): Target {
  const direct = exactTarget(workspace, relative);
  if (direct.existing?.isSymbolicLink() !== true) return checked(direct);
  direct[Symbol.dispose]();
  const followed = exactTarget(workspace, followLink(workspace, relative));
  if (followed.existing?.isSymbolicLink() !== true) return checked({ ...followed, relative });
  followed[Symbol.dispose]();
  throw new SupervisorError("conflict", `${relative} changed while it was looked at; try again`);
}

/** Like targetOf, but a link, too, is something to be replaced. */
export function exactTarget(workspace: Workspace, relative: string): Target {
  const parent = workspace.makeParent(relative);
  const name = nameOf(relative);
  const dispose = (): void => parent[Symbol.dispose]();
  try {
    return { relative, parent, name, existing: workspace.peekAt(parent, name), [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function followLink(workspace: Workspace, relative: string): string {
  try {
    using located = workspace.locate(relative);
    return workspace.placeOf(located);
  } catch (error) {
    if (!(error instanceof SupervisorError) || error.problem.code !== "file_not_found") throw error;
    throw invalid(`${relative} is a link that leads nowhere; delete it first`);
  }
}

function checked(target: Target): Target {
  if (target.existing === null || target.existing.isFile()) return target;
  target[Symbol.dispose]();
  const kind = target.existing.isDirectory() ? "a directory" : "not a regular file";
  throw new SupervisorError("conflict", `${target.relative} is ${kind}; delete it first or write elsewhere`);
}

export interface PublishOptions {
  readonly guard?: (existing: BigIntStats | null) => void;
  readonly mode?: number;
  readonly modifiedSeconds?: number;
}

export class Draft implements Disposable {
  readonly #workspace: Workspace;
  readonly #target: Target;
  readonly #file: Handle;
  readonly #temporary: string;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #published = false;
  size = 0;

  /** Takes the target over and closes it in the end. */
  constructor(workspace: Workspace, target: Target) {
    this.#workspace = workspace;
    this.#target = target;
    this.#temporary = target.parent.at(newDraftName());
    try {
      this.#file = workspace.act(
        target.relative,
        () => new Handle(openSync(this.#temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE)),
      );
    } catch (error) {
      target[Symbol.dispose]();
      throw error;
    }
  }

  /** Keeps the chunk until a batch is full: it must not change afterwards. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk);
    this.#batchBytes += chunk.byteLength;
    this.size += chunk.byteLength;
    if (this.#batchBytes >= BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    while (this.#batch.length > 0) {
      const batch = this.#batch;
      try {
        const isSmall = this.#batchBytes <= SMALL_BYTES;
        const written = isSmall
          ? writevSync(this.#file.fd, batch)
          : (await writeVector(this.#file.fd, batch)).bytesWritten;
        this.#batch = rest(batch, written);
      } catch (error) {
        throw explain(error, this.#target.relative);
      }
    }
    this.#batchBytes = 0;
  }

  /**
   * Gives the draft its name. Nothing else of the supervisor runs between `guard`, which may throw, and that.
   * `mode`: of the replaced file when absent.
   */
  async publish(options: PublishOptions = {}): Promise<BigIntStats> {
    await this.flush();
    return await this.#workspace.gate.pass(() => this.#publish(options));
  }

  #publish(options: PublishOptions): BigIntStats {
    const { parent, name, relative } = this.#target;
    const existing = this.#workspace.peekAt(parent, name);
    options.guard?.(existing);
    const mode = options.mode ?? (existing?.isFile() === true ? Number(existing.mode) : MODE);
    const [top = ""] = this.#workspace.placeOf(parent).split("/", 1);
    if (isRestoreTree(top)) {
      throw new SupervisorError("conflict", `The workspace was restored while ${relative} was written; write it again`);
    }
    return this.#workspace.act(relative, () => {
      fchmodSync(this.#file.fd, mode & 0o777);
      const modifiedSeconds = options.modifiedSeconds ?? this.#secondsAfter(existing);
      if (modifiedSeconds !== null) futimesSync(this.#file.fd, modifiedSeconds, modifiedSeconds);
      renameSync(this.#temporary, parent.at(name));
      this.#published = true;
      return fstatSync(this.#file.fd, { bigint: true });
    });
  }

  /** A time of its own for a version that would pass for the one that it replaces; null: it has one. */
  #secondsAfter(existing: BigIntStats | null): number | null {
    const { mtimeNs } = fstatSync(this.#file.fd, { bigint: true });
    if (existing === null || mtimeNs > existing.mtimeNs || existing.mtimeNs - mtimeNs > SAME_TICK_NS) return null;
    return Number(existing.mtimeNs + APART_NS) / 1e9;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    try {
      if (!this.#published) this.#workspace.act(this.#target.relative, () => unlinkSync(this.#temporary));
    } catch {
      // User code took the draft away or closed its directory: there is nothing left that is ours.
    } finally {
      this.#target[Symbol.dispose]();
    }
  }
}

function rest(batch: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  return batch.flatMap((chunk) => {
    const left = chunk.subarray(Math.min(skip, chunk.byteLength));
    skip -= chunk.byteLength - left.byteLength;
    return left.byteLength === 0 ? [] : [left];
  });
}
