// Gives back the memory that holds compiled code which ran once, Bun's compiler above all: a third of an idle supervisor.
// The kernel maps such a page again when it is next executed. Must never touch a mapping that may have been written to:
// its pages would be lost.
import { dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";

const MADV_DONTNEED = 4;
/** Executable, never writable, and backed by a file: start, end, then offset and device. */
const CODE = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]/;

const libc = dlopen("libc.so.6", { madvise: { args: ["u64", "u64", "i32"], returns: "i32" } }).symbols;

export function releaseCodePages(): void {
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, start, end] = CODE.exec(line) ?? [];
    if (start === undefined || end === undefined) continue;
    const from = BigInt(`0x${start}`);
    libc.madvise(from, BigInt(`0x${end}`) - from, MADV_DONTNEED);
  }
}
