// Which processes belong to user code, and to which execution or service. Never the supervisor, init or their helpers.
// A process stays with its owner however it tries to leave: by its session, its parents, the mark in its environment, and
// because it was seen there before.
import type { Process } from "../../../src/contract/execute.ts";
import type { UserIdentity } from "../config.ts";
import { readListeningSockets } from "../linux/listening-sockets.ts";
import type { ListeningSockets } from "../linux/listening-sockets.ts";
import { CONTEXT_MARK, EXECUTION_MARK, SERVICE_MARK, TERMINAL_MARK } from "./environment.ts";
import {
  listPids,
  readCommandLine,
  readFirstChild,
  readSocketInodes,
  readStatus,
  readTimes,
  readVariables,
} from "./proc-filesystem.ts";
import type { ProcessStatus } from "./proc-filesystem.ts";

/** For whom processes run: the id of an execution, or what serviceOwner, terminalOwner and contextOwner make. */
export type Owner = string;

const SERVICE = "service:";
const TERMINAL = "terminal:";
const CONTEXT = "context:";

export function serviceOwner(name: string): Owner {
  return `${SERVICE}${name}`;
}

export function serviceOf(owner: Owner | null): string | null {
  return owner?.startsWith(SERVICE) === true ? owner.slice(SERVICE.length) : null;
}

export function terminalOwner(id: string): Owner {
  return `${TERMINAL}${id}`;
}

export function terminalOf(owner: Owner | null): string | null {
  return owner?.startsWith(TERMINAL) === true ? owner.slice(TERMINAL.length) : null;
}

/** @param mark the id of the context, a dot, and what tells its interpreters from one another */
export function contextOwner(mark: string): Owner {
  return `${CONTEXT}${mark}`;
}

/** The id of the context. */
export function contextOf(owner: Owner | null): string | null {
  return owner?.startsWith(CONTEXT) === true ? (owner.slice(CONTEXT.length).split(".")[0] ?? null) : null;
}

export interface UserProcess {
  /** As user code knows it. */
  readonly pid: number;
  /** As the supervisor knows it. The same unless user code has a pid namespace of its own. */
  readonly hostPid: number;
  readonly hostParentPid: number;
  readonly hostGroup: number;
  /** Null: its execution is forgotten, or it never had one. */
  readonly owner: Owner | null;
  /** The owner, where that is an execution. */
  readonly executionId: string | null;
  readonly isStopped: boolean;
  readonly memoryBytes: number;
  readonly residentBytes: number;
}

/** Until newcomers() is content with a list of which some were gone at once. */
const LOOKS = 20;

export class ProcessTable {
  readonly #user: UserIdentity;
  readonly #isExecution: (id: string) => boolean;
  /** Owner by its first process, which leads the session that its children are born into. */
  readonly #sessions = new Map<number, Owner>();
  /** By the first process, what waits outside for its end. */
  readonly #wardens = new Map<number, number>();
  /** What was found about each process that is alive. */
  #attributed = new Map<number, Owner | null>();

  constructor(user: UserIdentity, isExecution: (id: string) => boolean) {
    this.#user = user;
    this.#isExecution = isExecution;
  }

  /** @param warden the process of ours that waits for the end of the first one, or that one itself */
  track(leaderHostPid: number, owner: Owner, warden: number): void {
    this.#sessions.set(leaderHostPid, owner);
    this.#attributed.set(leaderHostPid, owner);
    if (warden !== leaderHostPid) this.#wardens.set(leaderHostPid, warden);
  }

  /** What waits outside for the end of this process. */
  wardenOf(hostPid: number): number | null {
    return this.#wardens.get(hostPid) ?? null;
  }

  /** Not the user's, but each stops when what it waits for does, and continues that when it is continued. */
  wardens(): number[] {
    for (const [leader, warden] of this.#wardens) {
      if (readFirstChild(warden) !== leader) this.#wardens.delete(leader);
    }
    return [...this.#wardens.values()];
  }

  /**
   * Those that stand still while what they wait for does not, and would not notice its end: its user had stopped it, then
   * continued or killed it.
   */
  strandedWardens(): number[] {
    const stranded = this.wardens().filter((warden) => readStatus(warden)?.isStopped === true);
    return stranded.filter((warden) => readStatus(readFirstChild(warden) ?? 0)?.isStopped !== true);
  }

  /**
   * Living user processes that are not in `seen`, which gets every process that was looked at. Cheaper than scan() where
   * most are known.
   */
  newcomers(seen: Set<number>): UserProcess[] {
    const statuses = new Map<number, ProcessStatus>();
    // One that has gone before it was looked at may have left a child.
    for (let gone = true, looks = 0; gone && looks < LOOKS; looks++) {
      gone = false;
      for (const pid of listPids()) {
        if (seen.has(pid)) continue;
        seen.add(pid);
        const status = pid === process.pid ? null : readStatus(pid);
        if (status === null) gone ||= pid !== process.pid;
        else if (this.#mayBeUser(status)) statuses.set(pid, status);
      }
    }
    const attributed = new Map<number, Owner | null>();
    for (const status of statuses.values()) this.#attribute(status, statuses, attributed);
    for (const [pid, owner] of attributed) this.#attributed.set(pid, owner);
    return [...statuses.values()].flatMap((status) => this.#toUserProcess(status, attributed.get(status.pid) ?? null));
  }

  /** Every living user process. */
  scan(): UserProcess[] {
    const statuses = new Map<number, ProcessStatus>();
    for (const pid of listPids()) {
      const status = pid === process.pid ? null : readStatus(pid);
      if (status !== null && this.#mayBeUser(status)) statuses.set(pid, status);
    }
    const attributed = new Map<number, Owner | null>();
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
    attributed: Map<number, Owner | null>,
  ): Owner | null {
    const known = attributed.get(status.pid);
    if (known !== undefined) return known;
    attributed.set(status.pid, null);
    const parent = statuses.get(status.parentPid);
    const owner =
      this.#sessions.get(status.session) ??
      this.#attributed.get(status.pid) ??
      (parent === undefined ? this.#attributed.get(status.parentPid) : this.#attribute(parent, statuses, attributed)) ??
      this.#marked(status.pid);
    attributed.set(status.pid, owner);
    return owner;
  }

  #marked(pid: number): Owner | null {
    // Asked once per process: reading another's environment is slow.
    if (this.#attributed.has(pid)) return null;
    const marks = readVariables(pid, [EXECUTION_MARK, SERVICE_MARK, TERMINAL_MARK, CONTEXT_MARK]);
    const id = marks.get(EXECUTION_MARK);
    if (id !== undefined && this.#isExecution(id)) return id;
    const service = marks.get(SERVICE_MARK);
    if (service !== undefined) return serviceOwner(service);
    const terminal = marks.get(TERMINAL_MARK);
    if (terminal !== undefined) return terminalOwner(terminal);
    const context = marks.get(CONTEXT_MARK);
    return context === undefined ? null : contextOwner(context);
  }

  #forgetSessions(statuses: ReadonlyMap<number, ProcessStatus>): void {
    const alive = new Set([...statuses.values()].map(({ session }) => session));
    for (const leader of this.#sessions.keys()) if (!alive.has(leader)) this.#sessions.delete(leader);
  }

  #toUserProcess(status: ProcessStatus, owner: Owner | null): UserProcess[] {
    if (this.#user.kind === "same" && owner === null) return [];
    const pid = this.#user.kind === "namespace" ? (status.pids[1] ?? status.pid) : status.pid;
    return [
      {
        pid,
        hostPid: status.pid,
        hostParentPid: status.parentPid,
        hostGroup: status.group,
        owner,
        executionId: owner?.includes(":") === true ? null : owner,
        isStopped: status.isStopped,
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
