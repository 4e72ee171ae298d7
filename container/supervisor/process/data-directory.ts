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

export type DataName = "executions" | "processes" | "sources";

interface Held {
  readonly fd: number;
  readonly dev: number;
  readonly ino: number;
}

export class DataDirectory {
  readonly #config: Config;
  readonly #workspace: number;
  readonly #held = new Map<DataName, Held>();

  constructor(config: Config) {
    this.#config = config;
    this.#workspace = openSync(config.workspace, DIRECTORY);
    this.path("executions");
    this.path("processes");
  }

  /** A path that means this very directory until the next call, whatever user code does. Made again if it is gone, with
   * the directories beside it that are user code's. */
  path(name: DataName): string {
    const held = this.#held.get(name);
    if (held !== undefined) {
      const stat = lstatSync(`${this.#config.workspace}/.buntime/${name}`, { throwIfNoEntry: false });
      if (stat?.ino === held.ino && stat.dev === held.dev) return `/proc/self/fd/${held.fd}`;
      closeSync(held.fd);
      this.#held.delete(name);
    }
    const data = this.#openOrMake(`/proc/self/fd/${this.#workspace}/.buntime`, "supervisor");
    try {
      for (const theirs of ["install", "home"]) closeSync(this.#openOrMake(`/proc/self/fd/${data}/${theirs}`, "user"));
      const fd = this.#openOrMake(`/proc/self/fd/${data}/${name}`, "supervisor");
      const { dev, ino } = fstatSync(fd);
      this.#held.set(name, { fd, dev, ino });
      return `/proc/self/fd/${fd}`;
    } finally {
      closeSync(data);
    }
  }

  #openOrMake(path: string, owner: "user" | "supervisor"): number {
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
