// System calls that make a tree, each relative to an open directory and never through a link. Bun's own know neither
// nanoseconds nor descriptors of directories, and names here are any bytes. Names are byte strings of less than
// PATH_BYTES without a zero; descriptors belong to the caller.
import { dlopen, ptr, read } from "bun:ffi";
import { constants as system } from "node:os";
import { constants } from "node:fs";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const O_CLOEXEC = 0o2000000;
const AT_EMPTY_NOFOLLOW = 0x100;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const UTIME_OMIT = 0x3ffffffen;
const NANOSECONDS = 1_000_000_000n;
const PATH_BYTES = 4096;

const libc = dlopen("libc.so.6", {
  openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  symlinkat: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
  utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  futimens: { args: ["i32", "ptr"], returns: "i32" },
  fchmod: { args: ["i32", "u32"], returns: "i32" },
  fchown: { args: ["i32", "u32", "u32"], returns: "i32" },
  fchownat: { args: ["i32", "ptr", "u32", "u32", "i32"], returns: "i32" },
  ftruncate: { args: ["i32", "i64"], returns: "i32" },
  pwrite: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
  umask: { args: ["u32"], returns: "u32" },
  close: { args: ["i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
}).symbols;

const { __errno_location: locateErrno } = libc;
const errno = locateErrno();
const errnoNames = new Map(Object.entries(system.errno).map(([name, number]) => [number, name]));

/** Has the `code` that Node's errors have. */
class CallError extends Error {
  readonly code: string;

  constructor(call: string, name: string) {
    const number = errno === null ? 0 : read.i32(errno, 0);
    const code = errnoNames.get(number) ?? `errno ${number}`;
    super(`${code}: ${call} ${JSON.stringify(name.slice(0, 300))}`);
    this.code = code;
  }
}

// One name at a time is handed to the kernel; two where a call takes two.
const first = Buffer.alloc(PATH_BYTES);
const second = Buffer.alloc(PATH_BYTES);
const firstPointer = ptr(first);
const secondPointer = ptr(second);
/** Of access, left as it is, and of modification. */
const times = new BigInt64Array([0n, UTIME_OMIT, 0n, 0n]);
const timesPointer = ptr(times);

function put(name: string, into: Buffer): void {
  if (name.length >= PATH_BYTES) throw new Error(`a name is longer than ${PATH_BYTES - 1} bytes`);
  into[into.write(name, "latin1")] = 0;
}

function check(result: number, call: string, name: string): number {
  if (result < 0) throw new CallError(call, name);
  return result;
}

/** A new file, open for writing. */
export function createFile(directory: number, name: string, mode: number): number {
  put(name, first);
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return check(libc.openat(directory, firstPointer, flags, mode), "create", name);
}

export function openFile(directory: number, name: string): number {
  put(name, first);
  return check(libc.openat(directory, firstPointer, O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0), "open", name);
}

export function openDirectory(directory: number, name: string): number {
  put(name, first);
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return check(libc.openat(directory, firstPointer, flags, 0), "open the directory", name);
}

export function makeDirectory(directory: number, name: string, mode: number): void {
  put(name, first);
  check(libc.mkdirat(directory, firstPointer, mode), "mkdir", name);
}

export function makeSymlink(directory: number, name: string, target: string): void {
  put(target, first);
  put(name, second);
  check(libc.symlinkat(firstPointer, directory, secondPointer), "symlink", name);
}

export function makeHardLink(fromDirectory: number, from: string, directory: number, name: string): void {
  put(from, first);
  put(name, second);
  check(libc.linkat(fromDirectory, firstPointer, directory, secondPointer, 0), "link", name);
}

/** Bytes as the kernel finds them: what is at `address` is kept by whoever holds this. */
export interface Content {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export function contentOf(bytes: Uint8Array): Content {
  return { address: bytes.length === 0 ? 0 : Number(ptr(bytes)), bytes };
}

/** `size` bytes of `content` from `start` on, at `offset` of the file. */
export function writeAt(fd: number, content: Content, run: Run, name: string): void {
  const { start, size, offset } = run;
  for (let done = 0; done < size;) {
    // SAFETY: a pointer of bun:ffi is a number, which may be counted on; the caller's run lies within the content.
    const from = (content.address + start + done) as typeof firstPointer;
    done += check(Number(libc.pwrite(fd, from, size - done, offset + done)), "write", name);
  }
}

export interface Run {
  readonly start: number;
  readonly size: number;
  readonly offset: number;
}

export function setSize(fd: number, size: number, name: string): void {
  check(libc.ftruncate(fd, size), "set the size of", name);
}

export function setMode(fd: number, mode: number, name: string): void {
  check(libc.fchmod(fd, mode), "chmod", name);
}

export function setOwner(fd: number, uid: number, gid: number, name: string): void {
  check(libc.fchown(fd, uid, gid), "chown", name);
}

export function setOwnerOfLink(directory: number, name: string, uid: number, gid: number): void {
  put(name, first);
  check(libc.fchownat(directory, firstPointer, uid, gid, AT_EMPTY_NOFOLLOW), "chown", name);
}

export function setTime(fd: number, mtimeNs: bigint, name: string): void {
  fillTimes(mtimeNs);
  check(libc.futimens(fd, timesPointer), "set the time of", name);
}

export function setTimeOfLink(directory: number, name: string, mtimeNs: bigint): void {
  fillTimes(mtimeNs);
  put(name, first);
  check(libc.utimensat(directory, firstPointer, timesPointer, AT_EMPTY_NOFOLLOW), "set the time of", name);
}

function fillTimes(mtimeNs: bigint): void {
  const rest = mtimeNs % NANOSECONDS;
  const nanoseconds = rest < 0n ? rest + NANOSECONDS : rest;
  times[2] = (mtimeNs - nanoseconds) / NANOSECONDS;
  times[3] = nanoseconds;
}

/** What has the first name gets the second one, in one step; what had that, if anything did, gets the first. */
export function replace(fromDirectory: number, from: string, directory: number, name: string): void {
  put(from, first);
  put(name, second);
  const rename = (flags: number): number =>
    libc.renameat2(fromDirectory, firstPointer, directory, secondPointer, flags);
  if (rename(RENAME_EXCHANGE) !== 0) check(rename(RENAME_NOREPLACE), "rename", name);
}

/** What it makes belongs to `owner`; null: to the supervisor. */
export function openOrMakeDirectory(
  directory: number,
  name: string,
  owner: { readonly uid: number; readonly gid: number } | null,
): number {
  put(name, first);
  const made = libc.mkdirat(directory, firstPointer, 0o755) === 0;
  const fd = openDirectory(directory, name);
  if (made && owner !== null) setOwner(fd, owner.uid, owner.gid, name);
  return fd;
}

/** What is made in `action`, which must be synchronous, gets exactly the mode that is asked for. */
export function withoutUmask<T>(action: () => T): T {
  const before = libc.umask(0);
  try {
    return action();
  } finally {
    libc.umask(before);
  }
}

export function close(fd: number): void {
  libc.close(fd);
}
