// The only way to a file. User code owns the tree and swaps links while we look, so a path is opened first, the place it
// led to is read back from the kernel, and everything after that goes through the open descriptor.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type BigIntStats,
} from "node:fs";
import type { Config } from "../config.ts";
import { Gate } from "../gate.ts";
import { createAsUser, type AsUser } from "../linux/credentials.ts";
import { SupervisorError } from "../problem.ts";
import { errnoOf, explain } from "./failure.ts";
import { invalid, nameOf, outside, parentOf, shownPath } from "../../../src/lib/files/paths.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_NOCTTY } = constants;
/** Names a file without opening it: no FIFO waits, no device wakes. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** An open descriptor, and the name that leads to it and nowhere else for as long as it is open. */
export class Handle implements Disposable {
  readonly fd: number;
  readonly link: string;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
    this.link = `/proc/self/fd/${fd}`;
  }

  /** A name in this directory. */
  at(name: string): string {
    return `${this.link}/${name}`;
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }
}

export class Workspace {
  readonly root: string;
  /** What changes the tree passes here. */
  readonly gate: Gate;
  readonly #asUser: AsUser;

  constructor(config: Pick<Config, "workspace" | "user">, gate = new Gate()) {
    this.gate = gate;
    this.root = config.workspace;
    this.#asUser = createAsUser(config.user);
  }

  /** System calls on `relative` with the user's rights; synchronous. @throws SupervisorError for what can be expected */
  act<T>(relative: string, action: () => T): T {
    try {
      return this.#asUser(action);
    } catch (error) {
      throw explain(error, relative);
    }
  }

  /** What the path names, links followed as long as they stay inside. For its `link` only: it cannot be read. */
  locate(relative: string): Handle {
    return this.act(relative, () => this.#locate(relative, 0));
  }

  directory(relative: string): Handle {
    return this.act(relative, () => this.#locate(relative, O_DIRECTORY));
  }

  /** A directory at exactly this place, no link on the way: null when it is not there (any more). */
  exactDirectory(relative: string): Handle | null {
    const path = relative === "" ? this.root : `${this.root}/${relative}`;
    try {
      const handle = new Handle(this.#asUser(() => openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
      if (readlinkSync(handle.link) === path) return handle;
      handle[Symbol.dispose]();
      return null;
    } catch {
      return null;
    }
  }

  /** Like `mkdir -p`. */
  makeDirectory(relative: string): Handle {
    return this.act(relative, () => {
      try {
        return this.#makeDirectory(relative);
      } catch (error) {
        if (errnoOf(error) !== "ENOTDIR" && errnoOf(error) !== "EEXIST") throw error;
        throw new SupervisorError("conflict", `${relative} cannot be a directory: something else has a name in it`);
      }
    });
  }

  /** The directory that holds `relative`, and its name in there. The workspace itself has none. */
  parent(relative: string): Handle {
    if (relative === "") throw invalid("The workspace itself can be neither written, moved nor deleted");
    return this.directory(parentOf(relative));
  }

  makeParent(relative: string): Handle {
    if (relative === "") throw invalid("The workspace itself can be neither written, moved nor deleted");
    return this.makeDirectory(parentOf(relative));
  }

  /** A regular file, open for reading. */
  openFile(relative: string): { handle: Handle; stats: BigIntStats } {
    return this.act(relative, () => {
      using located = this.#locate(relative, 0);
      const stats = fstatSync(located.fd, { bigint: true });
      if (stats.isDirectory()) throw invalid(`${shownPath(relative)} is a directory; list it instead`);
      if (!stats.isFile()) throw invalid(`${relative} is not a regular file`);
      const handle = new Handle(openSync(located.link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
      return { handle, stats: fstatSync(handle.fd, { bigint: true }) };
    });
  }

  /** About the thing itself, links not followed; null when there is none. */
  peek(relative: string): BigIntStats | null {
    if (relative === "") return this.act("", () => lstatSync(this.root, { bigint: true }));
    try {
      using parent = this.parent(relative);
      return this.peekAt(parent, nameOf(relative));
    } catch (error) {
      if (error instanceof SupervisorError && error.problem.code === "file_not_found") return null;
      throw error;
    }
  }

  peekAt(parent: Handle, name: string): BigIntStats | null {
    return this.act(name, () => lstatSync(parent.at(name), { bigint: true, throwIfNoEntry: false }) ?? null);
  }

  /** Where a handle is now, relative to the workspace. */
  placeOf(handle: Handle): string {
    return readlinkSync(handle.link).slice(this.root.length + 1);
  }

  #locate(relative: string, flags: number): Handle {
    const path = relative === "" ? this.root : `${this.root}/${relative}`;
    const handle = new Handle(openSync(path, O_PATH | O_CLOEXEC | flags));
    const place = readlinkSync(handle.link);
    if (place === this.root || place.startsWith(`${this.root}/`)) return handle;
    handle[Symbol.dispose]();
    throw outside(shownPath(relative));
  }

  #makeDirectory(relative: string): Handle {
    try {
      return this.#locate(relative, O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || relative === "") throw error;
    }
    using parent = this.#makeDirectory(parentOf(relative));
    try {
      mkdirSync(parent.at(nameOf(relative)), 0o755);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    // A link that leads nowhere has the name: EEXIST above, ENOENT here.
    try {
      return this.#locate(relative, O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") throw invalid(`${relative} goes through a link that leads nowhere`);
      throw error;
    }
  }
}
