// The tree of a restore while it is being built, in a directory that nobody else can enter. Files are written as their
// frames arrive, in any order; complete() makes the rest. Directories are made when something is put into them.
// Everything is reached through open directories and no link is followed, so nothing outside can be touched.
import type { HardLinkNode, SymlinkNode } from "../../../src/contract/manifest.ts";
import { nameOf, OWN_DIRECTORY, parentOf } from "../../../src/lib/files/paths.ts";
import type { UserIdentity } from "../config.ts";
import { Pace } from "../files/pace.ts";
import * as calls from "./restore-calls.ts";
import type { Part, Plan, PlannedFile } from "./restore-plan.ts";

/** Directories held open, the last ones made or opened: neighbours arrive together. */
const OPEN_DIRECTORIES = 128;
/** Files held open that have pieces missing. */
const OPEN_FILES = 64;
const SPECIAL_BITS = 0o7000;
const MODE_WHILE_BUILT = { file: 0o600, directory: 0o700 } as const;
const EXECUTIONS = `${OWN_DIRECTORY}/executions`;

export class RestoreTree implements Disposable {
  readonly #plan: Plan;
  readonly #root: number;
  readonly #user: UserIdentity;
  /** The path that `root` stands for. */
  readonly #base: string;
  readonly #made: Set<string>;
  readonly #directories = new Map<string, number>();
  readonly #openFiles = new Set<PlannedFile>();
  #disposed = false;

  /** @param root an empty directory, which stays the caller's. `base`: the path of the snapshot that lies in it */
  constructor(plan: Plan, root: number, { user, base }: { readonly user: UserIdentity; readonly base: string }) {
    this.#plan = plan;
    this.#root = root;
    this.#user = user;
    this.#base = base;
    this.#made = new Set([base]);
  }

  /** Puts runs of a frame, which were checked, where they belong. Synchronous; nothing after the end. */
  write(parts: readonly Part[], frame: Uint8Array): void {
    if (this.#disposed) return;
    const content = calls.contentOf(frame);
    calls.withoutUmask(() => {
      for (const { file, offset, piece } of parts) {
        const { node } = file;
        const isWhole = node.pieces.length === 1;
        const fd = isWhole ? this.#create(file, node.mode & ~SPECIAL_BITS) : this.#open(file);
        try {
          calls.writeAt(fd, content, { start: piece.start, size: piece.size, offset }, node.path);
          file.missing--;
          if (file.missing === 0) this.#settle(file, fd);
        } finally {
          if (isWhole) calls.close(fd);
          else if (file.missing === 0) this.#close(file);
        }
      }
    });
  }

  /** Everything that has no contents. Call it once, when every frame was written. */
  async complete(): Promise<void> {
    const pace = new Pace();
    for (const node of this.#plan.nodes) {
      if (node.type === "directory") this.#directory(node.path);
      else if (node.type === "symlink") this.#makeSymlink(node);
      else if (node.type === "hardlink") this.#makeHardLink(node);
      else if (node.pieces.every((piece) => "hole" in piece)) this.#makeEmptyFile(node.path);
      if (pace.isDue()) await this.#rest(pace);
    }
    // Last, because each entry that is made in a directory changes its time, and a closed one takes no more. Inner first.
    for (const node of this.#plan.nodes.toReversed()) {
      if (node.type !== "directory") continue;
      const fd = this.#directory(node.path);
      if (this.#isUsers(node.path)) this.#giveToUser(fd, node.path);
      calls.setMode(fd, node.mode, node.path);
      calls.setTime(fd, node.mtimeNs, node.path);
      this.#forget(node.path, fd);
      if (pace.isDue()) await this.#rest(pace);
    }
  }

  async #rest(pace: Pace): Promise<void> {
    await pace.rest();
    if (this.#disposed) throw new Error("the tree was given up");
  }

  #makeSymlink({ path, target, mtimeNs }: SymlinkNode): void {
    const directory = this.#directory(parentOf(path));
    const name = nameOf(path);
    calls.makeSymlink(directory, name, target);
    if (this.#user.kind === "uid" && this.#isUsers(path)) {
      calls.setOwnerOfLink(directory, name, this.#user.uid, this.#user.gid);
    }
    calls.setTimeOfLink(directory, name, mtimeNs);
  }

  #makeHardLink({ path, target }: HardLinkNode): void {
    // Both at once: opening the second must not push the first out.
    const directory = this.#directory(parentOf(path));
    const from = this.#directory(parentOf(target));
    calls.makeHardLink(from, nameOf(target), directory, nameOf(path));
  }

  #makeEmptyFile(path: string): void {
    const file = this.#plan.files.get(path);
    if (file === undefined) return;
    const fd = calls.withoutUmask(() => this.#create(file, file.node.mode & ~SPECIAL_BITS));
    try {
      if (file.node.size > 0) calls.setSize(fd, file.node.size, path);
      this.#settle(file, fd);
    } finally {
      calls.close(fd);
    }
  }

  #create({ node }: PlannedFile, mode: number): number {
    return calls.createFile(this.#directory(parentOf(node.path)), nameOf(node.path), mode);
  }

  /** One that is written piece by piece. */
  #open(file: PlannedFile): number {
    if (file.fd !== null) return file.fd;
    const { path, size } = file.node;
    if (this.#made.has(path)) file.fd = calls.openFile(this.#directory(parentOf(path)), nameOf(path));
    else {
      file.fd = this.#create(file, MODE_WHILE_BUILT.file);
      this.#made.add(path);
      calls.setSize(file.fd, size, path);
    }
    this.#openFiles.add(file);
    const [oldest] = this.#openFiles;
    if (this.#openFiles.size > OPEN_FILES && oldest !== undefined) this.#close(oldest);
    return file.fd;
  }

  #close(file: PlannedFile): void {
    this.#openFiles.delete(file);
    if (file.fd !== null) calls.close(file.fd);
    file.fd = null;
  }

  /** All bytes are there: what else the file has. The time comes last, since the rest would change it. */
  #settle({ node }: PlannedFile, fd: number): void {
    const { path, mode, mtimeNs } = node;
    const users = this.#isUsers(path);
    if (users) this.#giveToUser(fd, path);
    if (node.pieces.length > 1 || (mode & SPECIAL_BITS) !== 0) calls.setMode(fd, mode, path);
    calls.setTime(fd, mtimeNs, path);
  }

  /** The directory at `path`, open, made if it is not there. Valid until the next one is asked for but one. */
  #directory(path: string): number {
    if (path === this.#base) return this.#root;
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const parent = this.#directory(parentOf(path));
    const name = nameOf(path);
    if (!this.#made.has(path)) calls.makeDirectory(parent, name, MODE_WHILE_BUILT.directory);
    this.#made.add(path);
    const fd = calls.openDirectory(parent, name);
    const [oldest] = this.#directories;
    if (this.#directories.size >= OPEN_DIRECTORIES && oldest !== undefined) this.#forget(...oldest);
    this.#directories.set(path, fd);
    return fd;
  }

  #forget(path: string, fd: number): void {
    calls.close(fd);
    this.#directories.delete(path);
  }

  /** What the supervisor makes in its own directory stays its own; user code must not be able to plant anything there. */
  #isUsers(path: string): boolean {
    return path !== OWN_DIRECTORY && path !== EXECUTIONS && !path.startsWith(`${EXECUTIONS}/`);
  }

  #giveToUser(fd: number, path: string): void {
    if (this.#user.kind === "uid") calls.setOwner(fd, this.#user.uid, this.#user.gid, path);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const file of this.#openFiles) this.#close(file);
    for (const [path, fd] of this.#directories) this.#forget(path, fd);
  }
}
