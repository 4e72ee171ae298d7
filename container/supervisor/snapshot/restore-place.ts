// Where a restore builds its tree, and how the tree takes its place: a directory at the top of the workspace, on the same
// file system, that only the supervisor can enter. In it `new` is what is being built and `old` what was replaced.
// The whole workspace is replaced name by name, without a pause, and the directory's own name says how far that is: a
// supervisor that dies in the middle of it leaves it to the next one, which goes on. So the workspace is, for everybody who
// gets to see it, what it was or what it is to be.
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
} from "node:fs";
import { isDraft, isRestoreTree, nameOf, OWN_DIRECTORY, parentOf, RESTORE_TREE } from "../../../src/lib/files/paths.ts";
import { toText } from "../../../src/lib/manifest.ts";
import type { UserIdentity } from "../config.ts";
import { errnoOf } from "../files/failure.ts";
import { SupervisorError } from "../problem.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | 0o2000000;
const PRIVATE = 0o700;

/** At which end of its name: nothing is being moved, the old is moved out, the new is moved in. */
type Phase = "" | ".out" | ".in";

export class RestorePlace {
  readonly #workspace: number;
  readonly #fd: number;
  readonly #id: string;
  #phase: Phase;
  /** The directory to build in. */
  readonly newDirectory: number;
  readonly #old: number;

  /** A new one, empty. */
  static create(workspace: string): RestorePlace {
    const root = openSync(workspace, DIRECTORY);
    const id = `${RESTORE_TREE}${crypto.randomUUID().replaceAll("-", "")}`;
    mkdirSync(at(root, id), { mode: PRIVATE });
    return new RestorePlace(root, id, "");
  }

  /** One that an earlier supervisor has left; null where it is something else. Takes `workspace`, its descriptor, over. */
  static find(workspace: string, name: string): RestorePlace | null {
    const { uid, mode } = lstatSync(`${workspace}/${name}`);
    // User code can make directories of this name as well; where it has the supervisor's uid, to its own harm only.
    if (uid !== process.geteuid?.() || (mode & 0o777) !== PRIVATE) return null;
    const [, id, phase] = /^(.*?)(|\.out|\.in)$/.exec(name) ?? [];
    return id === undefined ? null : new RestorePlace(openSync(workspace, DIRECTORY), id, toPhase(phase));
  }

  private constructor(workspace: number, id: string, phase: Phase) {
    this.#workspace = workspace;
    this.#id = id;
    this.#phase = phase;
    this.#fd = openSync(at(workspace, id + phase), DIRECTORY);
    this.newDirectory = this.#openOrMake("new");
    this.#old = this.#openOrMake("old");
  }

  /** The new tree takes the place of everything in the workspace. Synchronous. Where it throws, all is as it was. */
  replaceAll(): void {
    const begun = this.#phase !== "";
    const moved: Move[] = [];
    try {
      if (this.#phase === "") this.#enter(".out");
      if (this.#phase === ".out") {
        moveAll(this.#workspace, this.#old, moved);
        this.#enter(".in");
      }
      moveAll(this.newDirectory, this.#workspace, moved);
    } catch (error) {
      // What an earlier supervisor has begun can only be gone on with.
      if (begun) throw error;
      for (const { name, from, to } of moved.toReversed()) move(at(to, name), at(from, name));
      this.#enter("");
      throw error;
    }
    this.#enter("");
  }

  /** Goes on with what an earlier supervisor has begun. */
  resume(): void {
    if (this.#phase !== "") this.replaceAll();
  }

  /** The only entry of the new tree takes its place at `path`, a byte string. Parents are made, the user's. */
  async replaceOne(path: string, user: UserIdentity): Promise<void> {
    const calls = await import("./restore-calls.ts");
    const name = nameOf(path);
    const parent = await openParent(this.#workspace, parentOf(path), user);
    try {
      calls.replace(this.newDirectory, name, parent, name);
    } finally {
      closeSync(parent);
    }
  }

  /** Deletes the directory and what was replaced, and lets go of it. True where there was something to delete. */
  async remove(): Promise<boolean> {
    try {
      const isEmpty = this.#isEmpty;
      if (!isEmpty) this.#removeSkeleton();
      if (this.#isEmpty) for (const name of ["new", "old"]) rmdirSync(at(this.#fd, name));
      else await this.#removeContents();
      // User code owns the workspace, and may have given the name to something else.
      const { ino } = fstatSync(this.#fd);
      const path = at(this.#workspace, this.#id + this.#phase);
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmdirSync(path);
      return !isEmpty;
    } finally {
      for (const fd of [this.newDirectory, this.#old, this.#fd, this.#workspace]) closeSync(fd);
    }
  }

  get #isEmpty(): boolean {
    return namesIn(this.newDirectory).length === 0 && namesIn(this.#old).length === 0;
  }

  /**
   * What a new container is born with, empty directories, goes before anybody is served: programs that look through the
   * whole workspace would stumble over a directory that is closed to them. Nobody else can put a link at `own`.
   */
  #removeSkeleton(): void {
    const own = at(this.#old, OWN_DIRECTORY);
    if (lstatSync(own, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    try {
      for (const name of readdirSync(own)) rmdirSync(`${own}/${name}`);
      rmdirSync(own);
    } catch {
      // There is more to it.
    }
  }

  async #removeContents(): Promise<void> {
    // Whoever is not root has to open closed directories first. Others wait for the disk and processors.
    const open = process.geteuid?.() === 0 ? "" : "chmod -R u+rwX old new;";
    const child = Bun.spawn(["sh", "-c", `${open} exec nice -n 19 rm -rf old new`], {
      cwd: `/proc/self/fd/${this.#fd}`,
      env: { PATH: "/usr/bin:/bin" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    await child.exited;
  }

  #enter(phase: Phase): void {
    renameSync(at(this.#workspace, this.#id + this.#phase), at(this.#workspace, this.#id + phase));
    this.#phase = phase;
  }

  #openOrMake(name: "new" | "old"): number {
    try {
      mkdirSync(at(this.#fd, name), { mode: PRIVATE });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    return openSync(at(this.#fd, name), DIRECTORY);
  }
}

/**
 * What earlier supervisors have left in the workspace: brought to its end where they died while they replaced it.
 * To be called before anything of the workspace is used. The caller removes them.
 */
export function findPlaces(workspace: string): RestorePlace[] {
  return readdirSync(workspace).flatMap((name) => {
    if (!isRestoreTree(name)) return [];
    try {
      const place = RestorePlace.find(workspace, name);
      place?.resume();
      return place ?? [];
    } catch (error) {
      // A supervisor that ended over it would end again and again.
      console.error(`${name} was left by an earlier restore and cannot be used`, error);
      return [];
    }
  });
}

interface Move {
  readonly name: Buffer;
  readonly from: number;
  readonly to: number;
}

function moveAll(from: number, to: number, moved: Move[]): void {
  for (const name of namesIn(from)) {
    const text = name.toString("latin1");
    // Neither a place like this one, nor an upload that is under way.
    if (isRestoreTree(text) || isDraft(text)) continue;
    move(at(from, name), at(to, name));
    moved.push({ name, from, to });
  }
}

/** Where one who is not root must not write in a directory, it cannot be moved either: its `..` changes. */
function move(from: string | Buffer, to: string | Buffer): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const stat = lstatSync(from, { throwIfNoEntry: false });
    if (errnoOf(error) !== "EACCES" || stat?.isDirectory() !== true) throw error;
    chmodSync(from, stat.mode | PRIVATE);
    renameSync(from, to);
    chmodSync(to, stat.mode & 0o7777);
  }
}

/** The directory at `path`, a byte string, no link on the way. @throws SupervisorError `conflict` */
async function openParent(workspace: number, path: string, user: UserIdentity): Promise<number> {
  const calls = await import("./restore-calls.ts");
  let directory = openSync(at(workspace, "."), DIRECTORY);
  for (const name of path === "" ? [] : path.split("/")) {
    let next: number;
    try {
      next = calls.openOrMakeDirectory(directory, name, user.kind === "uid" ? user : null);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== "ENOTDIR" && code !== "ELOOP") throw error;
      throw new SupervisorError(
        "conflict",
        `${toText(path)} is no directory now; delete what is there, or restore it as a whole`,
      );
    } finally {
      closeSync(directory);
    }
    directory = next;
  }
  return directory;
}

function namesIn(directory: number): Buffer[] {
  return readdirSync(`/proc/self/fd/${directory}`, { encoding: "buffer" });
}

function at(directory: number, name: string): string;
function at(directory: number, name: string | Buffer): string | Buffer;
function at(directory: number, name: string | Buffer): string | Buffer {
  const link = `/proc/self/fd/${directory}/`;
  return typeof name === "string" ? link + name : Buffer.concat([Buffer.from(link), name]);
}

function toPhase(text: string | undefined): Phase {
  return text === ".out" || text === ".in" ? text : "";
}
