// Reading /proc. A process may be gone between any two calls: everything about it is then null or empty, never an error.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { AsUser } from "../linux/credentials.ts";

export interface ProcessStatus {
  readonly pid: number;
  readonly parentPid: number;
  readonly uid: number;
  /** The process's number in each pid namespace it is in, the reader's first. */
  readonly pids: readonly number[];
  readonly group: number;
  readonly session: number;
  readonly isStopped: boolean;
  /** Memory of its own: anonymous and shared pages, not mapped files. */
  readonly memoryBytes: number;
  /** Everything resident. */
  readonly residentBytes: number;
}

export interface ProcessTimes {
  readonly startedAtMs: number;
  readonly cpuMs: number;
}

/** Set once, by main. */
let asUser: AsUser = (action) => action();

/**
 * Some files of a process are closed even to root where it lacks CAP_SYS_PTRACE, as in Docker. To the process's own uid
 * they are open.
 */
export function inspectAs(user: AsUser): void {
  asUser = user;
}

/** Linux's USER_HZ, the same on every architecture that Bun runs on. */
const TICK_MS = 10;
/** Its place after the name in /proc/<pid>/stat. */
const START_TICKS = 19;

export function listPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** Null for one that is gone or only waits to be reaped. */
export function readStatus(pid: number): ProcessStatus | null {
  const text = readText(`/proc/${pid}/status`);
  if (text === null) return null;
  const field = (name: string): string => {
    const start = text.indexOf(`\n${name}:\t`);
    return start < 0 ? "" : text.slice(start + name.length + 3, text.indexOf("\n", start + 1));
  };
  const state = field("State");
  // A process whose first thread has ended looks like a zombie while others go on.
  if (state.startsWith("X") || (state.startsWith("Z") && Number(field("Threads")) <= 1)) return null;
  return {
    pid,
    parentPid: Number(field("PPid")),
    uid: Number.parseInt(field("Uid"), 10),
    pids: field("NSpid").split("\t").map(Number),
    group: Number.parseInt(field("NSpgid"), 10),
    session: Number.parseInt(field("NSsid"), 10),
    isStopped: state.startsWith("T"),
    memoryBytes: kilobytes(field("RssAnon")) + kilobytes(field("RssShmem")),
    residentBytes: kilobytes(field("VmRSS")),
  };
}

/** The most that was ever resident of it. Null for one that is gone. */
export function readPeakBytes(pid: number): number | null {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1];
  return peak === undefined ? null : Number(peak) * 1024;
}

/** One letter for each of its threads, as in proc(5); empty for a process that is gone. */
export function readThreadStates(pid: number): string[] {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.flatMap((thread) => statFields(`/proc/${pid}/task/${thread}/stat`)?.[0] ?? []);
}

/** When it began: with its pid, what tells it from every other. Null for one that is gone. */
export function readStartTicks(pid: number): number | null {
  return Number(statFields(`/proc/${pid}/stat`)?.[START_TICKS] ?? Number.NaN) || null;
}

/** Size of its address space, in pages. Null for one that is gone. */
export function readMemoryPages(pid: number): number | null {
  return Number.parseInt(readText(`/proc/${pid}/statm`) ?? "", 10) || null;
}

/** The number of a process in the innermost pid namespace that it is in. Null where that is the reader's, or it is gone. */
export function readInnerPid(pid: number): number | null {
  const numbers = /^NSpid:\t.*\t(\d+)$/m.exec(readText(`/proc/${pid}/status`) ?? "");
  return numbers === null ? null : Number(numbers[1]);
}

/** Null when it has none. */
export function readFirstChild(pid: number): number | null {
  const [first = ""] = (readText(`/proc/${pid}/task/${pid}/children`) ?? "").split(" ");
  return first === "" ? null : Number(first);
}

export function readTimes(pid: number): ProcessTimes | null {
  const fields = statFields(`/proc/${pid}/stat`);
  if (fields === null) return null;
  const [userTicks, systemTicks, startTicks] = [fields[11], fields[12], fields[START_TICKS]].map(Number);
  if (userTicks === undefined || systemTicks === undefined || startTicks === undefined) return null;
  return { startedAtMs: bootTimeMs() + startTicks * TICK_MS, cpuMs: (userTicks + systemTicks) * TICK_MS };
}

/** What its threads have used, to the nanosecond; of those that have ended nothing. 0 where it is gone. */
export function readCpuNs(pid: number): number {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads
    .map((thread) => Number(readText(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0))
    .reduce((sum, ns) => sum + ns, 0);
}

export function readCommandLine(pid: number): string {
  const text = readText(`/proc/${pid}/cmdline`) ?? "";
  return text.replace(/\0+$/, "").replaceAll("\0", " ") || (readText(`/proc/${pid}/comm`) ?? "").trim();
}

/** Those of the named variables that the process was started with. */
export function readVariables(pid: number, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of readGuarded(`/proc/${pid}/environ`)?.split("\0") ?? []) {
    const name = names.find((each) => pair.startsWith(`${each}=`));
    if (name !== undefined) found.set(name, pair.slice(name.length + 1));
  }
  return found;
}

/** Memory with shared pages counted once over all who share them. Slow for large processes. Null where it is not told. */
export function readProportionalBytes(pid: number): number | null {
  const text = readGuarded(`/proc/${pid}/smaps_rollup`);
  if (text === null) return null;
  const matches = text.matchAll(/^Pss_(?:Anon|Shmem):\s+(\d+) kB/gm);
  return matches.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}

/** Bytes that a process has caused to be written to disk. */
export function readWrittenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readGuarded(`/proc/${pid}/io`) ?? "")?.[1] ?? 0);
}

/** The lines of a process's memory map. */
export function readMaps(pid: number): string {
  return readGuarded(`/proc/${pid}/maps`) ?? "";
}

/** Inode numbers of the sockets that a process holds. */
export function readSocketInodes(pid: number): number[] {
  const directory = `/proc/${pid}/fd`;
  const list = (): number[] =>
    readdirSync(directory).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(readlinkIfThere(`${directory}/${fd}`));
      return match === null ? [] : [Number(match[1])];
    });
  return attempt(list) ?? attempt(() => asUser(list)) ?? [];
}

/** What follows the name: that is in parentheses and may hold anything, parentheses and spaces included. */
function statFields(path: string): string[] | null {
  const text = readText(path);
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

let bootTime: number | null = null;

function bootTimeMs(): number {
  bootTime ??= Date.now() - Number.parseFloat(readText("/proc/uptime") ?? "0") * 1000;
  return bootTime;
}

function kilobytes(text: string): number {
  return (Number.parseInt(text, 10) || 0) * 1024;
}

function readText(path: string): string | null {
  return attempt(() => readFileSync(path, "utf8"));
}

/** Empty for one that was closed meanwhile. */
function readlinkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

function readGuarded(path: string): string | null {
  return readText(path) ?? asUser(() => readText(path));
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
