// /workspace/.buntime and its directories. User code owns /workspace and may remove, move or replace any of this at any
// moment, so nothing below is reached by its path: a directory is opened without following links, checked, and used
// through /proc/self/fd. The supervisor's own ones belong to root, so that nothing can be planted in them.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  unlinkSync,
} from "node:fs";
import type { Config } from "../config.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export type DataName = "contexts" | "executions" | "processes" | "sources";

/** The same object for as long as it is the same directory. */
export interface HeldDirectory {
  /** Means this very directory, whatever user code does, until it is asked for again. */
  readonly path: string;
  readonly fd: number;
  readonly dev: number;
  readonly ino: number;
}

export class DataDirectory {
  readonly #config: Config;
  readonly #workspace: number;
  readonly #held = new Map<DataName, HeldDirectory>();

  constructor(config: Config) {
    this.#config = config;
    this.#workspace = openSync(config.workspace, DIRECTORY);
    this.path("executions");
    this.path("processes");
  }

  path(name: DataName): string {
    return this.hold(name).path;
  }

  /** Made again if it is gone, with the directories beside it that are user code's. */
  hold(name: DataName): HeldDirectory {
    const held = this.#held.get(name);
    if (held !== undefined) {
      const stat = lstatSync(`${this.#config.workspace}/.buntime/${name}`, { throwIfNoEntry: false });
      if (stat?.ino === held.ino && stat.dev === held.dev) return held;
      closeSync(held.fd);
      this.#held.delete(name);
    }
    const data = this.openOrMake(`/proc/self/fd/${this.#workspace}/.buntime`, "supervisor");
    try {
      for (const theirs of ["install", "home", "cache"])
        closeSync(this.openOrMake(`/proc/self/fd/${data}/${theirs}`, "user"));
      const fd = this.openOrMake(`/proc/self/fd/${data}/${name}`, "supervisor");
      const { dev, ino } = fstatSync(fd);
      const made = { path: `/proc/self/fd/${fd}`, fd, dev, ino };
      this.#held.set(name, made);
      return made;
    } finally {
      closeSync(data);
    }
  }

  /** @param path of a directory, below one that is held. What is there and none gives way. The caller closes it. */
  openOrMake(path: string, owner: "user" | "supervisor"): number {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) unlinkSync(path);
    if (stat?.isDirectory() !== true) mkdirSync(path, { mode: 0o755 });
    const fd = openSync(path, DIRECTORY);
    const { user } = this.#config;
    if (user.kind === "uid") {
      const [uid, gid] = owner === "user" ? [user.uid, user.gid] : [0, 0];
      if (stat?.uid !== uid) fchownSync(fd, uid, gid);
      fchmodSync(fd, 0o755);
    }
    return fd;
  }
}
