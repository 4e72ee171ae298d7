// Which processes belong to user code, and to which execution. Never the supervisor, init or their helpers.
// A process stays with its execution however it tries to leave: by its session, its parents, the mark in its
// environment, and because it was seen there before.
import type { Process } from "../../../src/contract/execute.ts";
import type { UserIdentity } from "../config.ts";
import { readListeningSockets } from "../linux/listening-sockets.ts";
import type { ListeningSockets } from "../linux/listening-sockets.ts";
import { EXECUTION_MARK } from "./environment.ts";
import { listPids, readCommandLine, readSocketInodes, readStatus, readTimes, readVariable } from "./proc-filesystem.ts";
import type { ProcessStatus } from "./proc-filesystem.ts";

export interface UserProcess {
  /** As user code knows it. */
  readonly pid: number;
  /** As the supervisor knows it. The same unless user code has a pid namespace of its own. */
  readonly hostPid: number;
  readonly hostParentPid: number;
  readonly hostGroup: number;
  readonly executionId: string | null;
  readonly memoryBytes: number;
  readonly residentBytes: number;
}

export class ProcessTable {
  readonly #user: UserIdentity;
  readonly #isExecution: (id: string) => boolean;
  /** Execution by its first process, which leads the session that its children are born into. */
  readonly #sessions = new Map<number, string>();
  /** What was found about each process that is alive. */
  #attributed = new Map<number, string | null>();

  constructor(user: UserIdentity, isExecution: (id: string) => boolean) {
    this.#user = user;
    this.#isExecution = isExecution;
  }

  track(leaderHostPid: number, executionId: string): void {
    this.#sessions.set(leaderHostPid, executionId);
    this.#attributed.set(leaderHostPid, executionId);
  }

  /** Every living user process. */
  scan(): UserProcess[] {
    const statuses = new Map<number, ProcessStatus>();
    for (const pid of listPids()) {
      const status = pid === process.pid ? null : readStatus(pid);
      if (status !== null && this.#mayBeUser(status)) statuses.set(pid, status);
    }
    const attributed = new Map<number, string | null>();
    for (const status of statuses.values()) this.#attribute(status, statuses, attributed);
    this.#attributed = attributed;
    this.#forgetSessions(statuses);
    return [...statuses.values()].flatMap((status) => this.#toUserProcess(status, attributed.get(status.pid) ?? null));
  }

  /** The processes as a client sees them, oldest first. */
  list(): Process[] {
    const processes = this.scan();
    const pids = new Map(processes.map(({ hostPid, pid }) => [hostPid, pid]));
    const ports = listeningPorts(processes, readListeningSockets());
    return processes
      .map((entry) => {
        const times = readTimes(entry.hostPid);
        return {
          pid: entry.pid,
          parentPid: pids.get(entry.hostParentPid) ?? 1,
          command: readCommandLine(entry.hostPid),
          executionId: entry.executionId,
          startedAt: new Date(times?.startedAtMs ?? Date.now()).toISOString(),
          memory: entry.residentBytes,
          cpu: times?.cpuMs ?? 0,
          ports: ports.get(entry.hostPid) ?? [],
        };
      })
      .toSorted((a, b) => (a.startedAt === b.startedAt ? a.pid - b.pid : a.startedAt < b.startedAt ? -1 : 1));
  }

  #mayBeUser(status: ProcessStatus): boolean {
    if (this.#user.kind === "uid") return status.uid === this.#user.uid;
    // The first process of the namespace only holds it open.
    if (this.#user.kind === "namespace") return status.pids.length > 1 && status.pids[1] !== 1;
    return true;
  }

  #attribute(
    status: ProcessStatus,
    statuses: ReadonlyMap<number, ProcessStatus>,
    attributed: Map<number, string | null>,
  ): string | null {
    const known = attributed.get(status.pid);
    if (known !== undefined) return known;
    attributed.set(status.pid, null);
    const parent = statuses.get(status.parentPid);
    const id =
      this.#sessions.get(status.session) ??
      this.#attributed.get(status.pid) ??
      (parent === undefined ? null : this.#attribute(parent, statuses, attributed)) ??
      this.#marked(status.pid);
    attributed.set(status.pid, id);
    return id;
  }

  #marked(pid: number): string | null {
    // Asked once per process: reading another's environment is slow.
    if (this.#attributed.has(pid)) return null;
    const id = readVariable(pid, EXECUTION_MARK);
    return id !== null && this.#isExecution(id) ? id : null;
  }

  #forgetSessions(statuses: ReadonlyMap<number, ProcessStatus>): void {
    const alive = new Set([...statuses.values()].map(({ session }) => session));
    for (const leader of this.#sessions.keys()) if (!alive.has(leader)) this.#sessions.delete(leader);
  }

  #toUserProcess(status: ProcessStatus, executionId: string | null): UserProcess[] {
    if (this.#user.kind === "same" && executionId === null) return [];
    const pid = this.#user.kind === "namespace" ? (status.pids[1] ?? status.pid) : status.pid;
    return [
      {
        pid,
        hostPid: status.pid,
        hostParentPid: status.parentPid,
        hostGroup: status.group,
        executionId,
        memoryBytes: status.memoryBytes,
        residentBytes: status.residentBytes,
      },
    ];
  }
}

/** TCP ports by the (host) pid of who listens there. */
export function listeningPorts(processes: readonly UserProcess[], listening: ListeningSockets): Map<number, number[]> {
  const found = new Map<number, number[]>();
  if (listening.size === 0) return found;
  for (const { hostPid } of processes) {
    const ports = readSocketInodes(hostPid).flatMap((inode) => listening.get(inode) ?? []);
    if (ports.length > 0)
      found.set(
        hostPid,
        [...new Set(ports)].toSorted((a, b) => a - b),
      );
  }
  return found;
}
