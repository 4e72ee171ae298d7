// The source of an execution as a hidden file in its working directory, so that imports resolve as for a file there.
// It also carries one sign back: preload.ts makes it read-only when the top level of the code has finished.
import { closeSync, constants, fchownSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import type { UserIdentity } from "../config.ts";
import type { WorkingDirectory } from "./working-directory.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const WRITABLE = 0o600;
const OWNER_MAY_WRITE = 0o200;
const NAME = /(?:^|\/)\.exe_[0-9a-z]{20}\.(?:tsx?|sh)$/;

export class SourceFile {
  readonly #entry: string;
  readonly path: string;

  /** Removes itself never: call remove(), before the directory is closed. */
  constructor(directory: WorkingDirectory, name: string, text: string, user: UserIdentity) {
    this.#entry = directory.entry(name);
    this.path = `${directory.path}/${name}`;
    const fd = openSync(this.#entry, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, WRITABLE);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      if (user.kind === "uid") fchownSync(fd, user.uid, user.gid);
    } catch (error) {
      this.remove();
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** The top level of the code has finished. */
  isMarked(): boolean {
    const stat = statSync(this.#entry, { throwIfNoEntry: false });
    return stat !== undefined && (stat.mode & OWNER_MAY_WRITE) === 0;
  }

  remove(): void {
    try {
      unlinkSync(this.#entry);
    } catch {
      // The code removed it.
    }
  }
}

/** Of no concern to the client: not among the files that an execution wrote. */
export function isSourceFile(path: string): boolean {
  return NAME.test(path);
}
