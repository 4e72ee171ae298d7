// Starts one program as PID 1 of new namespaces. The chain is engine → unshare → PID 1, each link killed by the
// kernel when the one before it dies, so that nothing outlives the engine. Before the last link is closed the program
// waits at a pipe of the engine's, which ends it as well.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Identity, idMap } from "./identity.ts";
import type { ContainerLog } from "./log.ts";

export interface Launch {
  readonly identity: Identity;
  readonly fstab: string;
  readonly root: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly log: ContainerLog;
}

export interface Launched {
  /** PID 1 as the host sees it. */
  readonly pid: number;
  /** How PID 1 ended, in words. By then nothing of its namespaces runs. */
  readonly ended: Promise<string>;
  /** To PID 1. Nothing happens when it has ended. */
  readonly signal: (signal: number) => void;
}

/** With the reason and what was last printed. */
export class LaunchError extends Error {}

/** Where the tools are found, whatever PATH the engine was given. */
export const HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const HANDSHAKE_MS = 15_000;
const NAMESPACES = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"];

/** Resolves when the program has everything it needs and is about to run. @throws LaunchError */
export async function launch(what: Launch): Promise<Launched> {
  const own = what.identity.kind === "single" ? ["--user", "--map-root-user", "--net"] : [];
  const enter = ["sh", join(import.meta.dir, "enter.sh"), what.identity.kind, what.fstab, what.root, ...what.command];
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", "unshare", ...own, ...NAMESPACES, "--", ...enter], {
    cwd: "/",
    env: { ...what.env, PATH: HOST_PATH },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const printed = what.log.follow(child.stderr);
  const ended = Promise.all([child.exited, printed]).then(() => endingOf(child, what.log));

  const deadline = setTimeout(() => child.kill("SIGKILL"), HANDSHAKE_MS);
  try {
    const pid = await firstNumber(child.stdout);
    if (pid === null) throw new LaunchError(`the container ended before it had started: ${await ended}`);
    const map = idMap(what.identity);
    if (map !== null) {
      writeFileSync(`/proc/${pid}/uid_map`, map);
      writeFileSync(`/proc/${pid}/gid_map`, map);
    }
    await child.stdin.write("\n");
    await child.stdin.end();
    return { pid, ended, signal: (signal) => void (child.exitCode ?? child.signalCode ?? deliver(pid, signal)) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error instanceof LaunchError ? error : new LaunchError(`the container cannot be set up: ${String(error)}`);
  } finally {
    clearTimeout(deadline);
  }
}

async function firstNumber(stream: ReadableStream<Uint8Array>): Promise<number | null> {
  let text = "";
  for await (const bytes of stream) {
    text += new TextDecoder().decode(bytes);
    if (text.includes("\n")) return Number(text);
  }
  return null;
}

function deliver(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ended just now
  }
}

function endingOf(child: Bun.Subprocess, log: ContainerLog): string {
  const output = log.tail.replace(UNSHARE_LOST_SIGNAL, "").trim();
  const signal = child.signalCode ?? (output === log.tail ? null : "that is not known");
  const how = signal === null ? `exit code ${child.exitCode}` : `signal ${signal}`;
  return output === "" ? how : `${how}. Last output:\n${output}`;
}

/** What unshare of util-linux 2.38 prints instead of passing on the signal that ended PID 1. */
const UNSHARE_LOST_SIGNAL = /unshare: sigprocmask unblock failed: .*$/;

/** When a process started, in ticks since boot: with its pid, what names it for ever. Null: none runs under this pid. */
export function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return "ZX".includes(state) ? null : (fields[18] ?? null);
  } catch {
    return null;
  }
}
