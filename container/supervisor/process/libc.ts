// The few system calls that Bun has no API for.
// Bun.spawn's own "pipe" is a socket, and a program that opens /dev/stdout or /dev/stdin fails on a socket.
import { dlopen, ptr } from "bun:ffi";
import { writeSync } from "node:fs";

const libc = dlopen("libc.so.6", {
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
}).symbols;

/** Of user code, threads included: many for a program, few enough for a machine to get over a fork bomb. */
export const PROCESSES = 2048n;

const O_CLOEXEC = 0o2000000;
const MFD_CLOEXEC = 1;
const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const FIONREAD = 0x541bn;
const RLIMIT_NPROC = 6;
const PR_SET_NO_NEW_PRIVS = 38;

const pair = new Int32Array(2);
const pairPointer = ptr(pair);
/** soft, hard */
const limits = new BigUint64Array(2);
const limitsPointer = ptr(limits);

/** Both ends close on exec. The caller closes them. */
export function openPipe(): { readonly read: number; readonly write: number } {
  if (libc.pipe2(pairPointer, O_CLOEXEC) !== 0) throw new Error("pipe2 failed: too many open files");
  const [read, write] = pair;
  if (read === undefined || write === undefined) throw new Error("pipe2 gave no descriptors");
  return { read, write };
}

/** Nothing is in the pipe now. */
export function isEmptyPipe(fd: number): boolean {
  return libc.ioctl(fd, FIONREAD, pairPointer) !== 0 || pair[0] === 0;
}

/** Gives the file that `fd` is open at a further name. False when that cannot be: its last name is gone, for one. */
export function linkOpenFile(fd: number, path: string): boolean {
  const [from, to] = [Buffer.from(`/proc/self/fd/${fd}\0`), Buffer.from(`${path}\0`)];
  return libc.linkat(AT_FDCWD, ptr(from), AT_FDCWD, ptr(to), AT_SYMLINK_FOLLOW) === 0;
}

/** An anonymous file that holds `text`, to be read from its start. The caller closes it. */
export function openText(text: string): number {
  const fd = libc.memfd_create(ptr(Buffer.from("stdin\0")), MFD_CLOEXEC);
  if (fd < 0) throw new Error("memfd_create failed");
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}

/** Nothing started from here on gains rights through a setuid program. */
export function forbidNewPrivileges(): void {
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error("prctl(PR_SET_NO_NEW_PRIVS) failed");
}

/** What is started from here on may have `count` processes and threads per uid at the most, for good. */
export function limitProcesses(count: bigint): void {
  libc.getrlimit(RLIMIT_NPROC, limitsPointer);
  const [, ceiling = 0n] = limits;
  limits.fill(count < ceiling ? count : ceiling);
  if (libc.setrlimit(RLIMIT_NPROC, limitsPointer) !== 0) throw new Error("setrlimit(RLIMIT_NPROC) failed");
}
