// The source of an execution as a hidden file in its working directory, so that imports resolve as for a file there.
// It also carries one sign back: it is made read-only when the top level of the code has finished (program.ts).
// The files are kept and used again, with a further name for as long as one runs: where a file system has just deleted
// files, ext4 above all, making a new one takes longer than all the rest of starting an execution.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { UserIdentity } from "../config.ts";
import type { DataDirectory } from "./data-directory.ts";
import { linkOpenFile } from "./libc.ts";
import type { WorkingDirectory } from "./working-directory.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const WRITABLE = 0o600;
const OWNER_MAY_WRITE = 0o200;
/** Kept for the next executions; what a burst needs beyond is given back. */
const KEPT = 8;
/** A file that was larger does not stay. */
const KEPT_BYTES = 64 * 1024;

export class SourceFiles {
  readonly #directory: DataDirectory;
  readonly #user: UserIdentity;
  readonly #spare: SpareFile[] = [];
  #made = 0;

  /** Removes what an earlier supervisor left. */
  constructor(directory: DataDirectory, user: UserIdentity) {
    this.#directory = directory;
    this.#user = user;
    for (const name of readdirSync(directory.path("sources"))) removeFile(`${directory.path("sources")}/${name}`);
  }

  /** The caller removes it, before the directory is closed. */
  place(directory: WorkingDirectory, name: string, text: string): SourceFile {
    const entry = directory.entry(name);
    const path = `${directory.path}/${name}`;
    for (let file = this.#spare.pop(); ; file = undefined) {
      const placed = file ?? this.#make();
      try {
        placed.fill(Buffer.from(text));
        if (linkOpenFile(placed.fd, entry)) return new SourceFile(placed, entry, path, () => this.#takeBack(placed));
      } catch (error) {
        this.#drop(placed);
        throw error;
      }
      // User code has removed the directory that the spare one was in.
      this.#drop(placed);
      if (file === undefined) throw new Error(`${path} could not be made`);
    }
  }

  #make(): SpareFile {
    const name = String(++this.#made);
    const fd = openSync(
      `${this.#directory.path("sources")}/${name}`,
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      WRITABLE,
    );
    if (this.#user.kind === "uid") fchownSync(fd, this.#user.uid, this.#user.gid);
    return new SpareFile(fd, name);
  }

  #takeBack(file: SpareFile): void {
    if (this.#spare.length < KEPT && file.isFit()) this.#spare.push(file);
    else this.#drop(file);
  }

  #drop(file: SpareFile): void {
    closeSync(file.fd);
    removeFile(`${this.#directory.path("sources")}/${file.name}`);
  }
}

class SpareFile {
  readonly fd: number;
  /** In the directory of sources. */
  readonly name: string;
  #length = 0;

  constructor(fd: number, name: string) {
    this.fd = fd;
    this.name = name;
  }

  fill(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.fd, bytes, at, bytes.length - at, at);
    if (bytes.length < this.#length) ftruncateSync(this.fd, bytes.length);
    this.#length = bytes.length;
  }

  /** Again as it was made. Not when user code, which owns it, has given it a name of its own. */
  isFit(): boolean {
    const { mode, nlink, size } = fstatSync(this.fd);
    if (nlink !== 1 || size > KEPT_BYTES) return false;
    this.#length = size;
    if ((mode & 0o777) !== WRITABLE) fchmodSync(this.fd, WRITABLE);
    return true;
  }
}

export class SourceFile {
  readonly path: string;
  readonly #file: SpareFile;
  readonly #entry: string;
  readonly #release: () => void;

  constructor(file: SpareFile, entry: string, path: string, release: () => void) {
    this.#file = file;
    this.#entry = entry;
    this.path = path;
    this.#release = release;
  }

  /** The top level of the code has finished. */
  isMarked(): boolean {
    return (fstatSync(this.#file.fd).mode & OWNER_MAY_WRITE) === 0;
  }

  /** Once. */
  remove(): void {
    removeFile(this.#entry);
    this.#release();
  }
}

/** What is there, if anything is. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already: user code may remove it.
  }
}
