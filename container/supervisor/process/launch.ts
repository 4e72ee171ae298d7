// Starts a process as user code: another uid, a session and process group of its own, pipes for its output, or a terminal.
import { closeSync, fchownSync } from "node:fs";
import type { UserIdentity } from "../config.ts";
import { spawnIdentity } from "../linux/credentials.ts";
import { forgetPeakMemory } from "../linux/peak-memory.ts";
import { SupervisorError } from "../problem.ts";
import { openPipe, openText } from "./libc.ts";
import { firstInside, wake } from "./user-namespace.ts";
import type { UserNamespace } from "./user-namespace.ts";

export interface LaunchOptions {
  readonly argv: readonly string[];
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string | undefined;
  /** What it has open from descriptor 3 on, beside its three streams. The caller closes them. */
  readonly further?: readonly number[];
  readonly user: UserIdentity;
  /** Where the user's processes live; null where their uid keeps them apart. */
  readonly namespace: UserNamespace | null;
}

type Stdio = [stdin: "ignore" | number, stdout: number, stderr: number, ...further: number[]];
type Program = Omit<LaunchOptions, "stdin" | "further">;

export interface Running {
  /** Ends as the program does. */
  readonly process: Bun.Subprocess;
  /** The program's first process, as the supervisor knows it; what waited for that where it had ended before it was seen. */
  readonly pid: number;
  /** Lets a program that was stopped come to its end. */
  readonly wake: () => void;
}

export interface Launched extends Running {
  /** The reading ends; the caller closes them. */
  readonly stdout: number;
  readonly stderr: number;
}

/** @throws SupervisorError when the kernel refuses */
export function launch({ stdin, further = [], ...program }: LaunchOptions): Launched {
  const opened: number[] = [];
  const { user } = program;
  const keep = (fd: number): number => {
    opened.push(fd);
    // So that user code may open /dev/stdin, /dev/stdout and /dev/stderr.
    if (user.kind === "uid") fchownSync(fd, user.uid, user.gid);
    return fd;
  };
  const stdout = openPipe();
  const stderr = openPipe();
  try {
    for (const { write } of [stdout, stderr]) keep(write);
    const input = stdin === undefined ? "ignore" : keep(openText(stdin));
    const running = start(program, [input, stdout.write, stderr.write, ...further], ["setsid"]);
    return { ...running, stdout: stdout.read, stderr: stderr.read };
  } catch (error) {
    closeSync(stdout.read);
    closeSync(stderr.read);
    throw refusal(error);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/**
 * With the terminal that `slave` is open at as its own, for all three of its streams. The caller closes it.
 * @throws SupervisorError when the kernel refuses
 */
export function launchAtTerminal(program: Program, slave: number): Running {
  try {
    return start(program, [slave, slave, slave], ["setsid", "--ctty"]);
  } catch (error) {
    throw refusal(error);
  }
}

/** @param enterSession the command that makes it lead a session of its own */
function start(
  { argv, workingDir, env, user, namespace }: Program,
  stdio: Stdio,
  enterSession: readonly ["setsid", ...string[]],
): Running {
  forgetPeakMemory();
  if (namespace === null) {
    // What it takes beyond that the command has to do itself; Bun leads the way where it can, which costs nothing.
    const [words, detached] = enterSession.length === 1 ? [argv, true] : [[...enterSession, ...argv], false];
    const options = { cwd: workingDir, env: { ...env }, stdio, detached, ...spawnIdentity(user) };
    const process = Bun.spawn([...words], options);
    return { process, pid: process.pid, wake: () => {} };
  }
  const process = Bun.spawn(namespace.wrap({ argv, workingDir, env }, enterSession), {
    cwd: "/",
    stdio,
    detached: true,
  });
  return { process, pid: firstInside(process.pid) ?? process.pid, wake: () => wake(process.pid) };
}

function refusal(error: unknown): SupervisorError {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "E2BIG") {
    return new SupervisorError(
      "invalid_request",
      "env is too large for a process: the kernel allows about 2 MB in all",
    );
  }
  if (code === "EAGAIN" || code === "ENOMEM") {
    return new SupervisorError("memory_limit_exceeded", "No further process can be started: kill some first");
  }
  // What runs a language may be a file of the user's own.
  if (code === "ENOENT" || code === "EACCES" || code === "ENOEXEC") {
    return new SupervisorError("invalid_request", `The program cannot be run: ${String(error)}`);
  }
  return new SupervisorError("internal_error", `The process could not be started: ${String(error)}`);
}
