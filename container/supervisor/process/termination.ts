// Ending processes for certain: TERM, then KILL for what is left, looking again until nothing is. Signals go to what the
// process table says at that moment, so that a number that was given to a new process is not hit.
import { KILL_GRACE_MS } from "../../../src/contract/limits.ts";
import { contextOf, terminalOf } from "./process-table.ts";
import type { Owner, ProcessTable, UserProcess } from "./process-table.ts";

/** Chooses the victims among the living; called again for every look. */
export type Select = (processes: readonly UserProcess[]) => readonly UserProcess[];

const LOOK_EVERY_MS = 10;
/** After KILL a process goes at once, or hangs in the kernel and is not waited for any longer. */
const KILL_PATIENCE_MS = 1000;

/** TERM, KILL after `graceMs`. Resolves with the pids that were hit, once they are gone. */
export async function terminate(table: ProcessTable, select: Select, graceMs = KILL_GRACE_MS): Promise<number[]> {
  const hit = new Set<number>();
  let look = lookAt(table, select);
  const wardens = new Set(look.victims.flatMap(({ hostPid }) => table.wardenOf(hostPid) ?? []));
  if (graceMs > 0) {
    for (const victim of look.victims) {
      signal(victim, "SIGTERM", hit);
      // A shell that somebody types into ignores TERM; this is what tells it that nobody does any more.
      if (terminalOf(victim.owner) !== null) signal(victim, "SIGHUP", hit);
    }
    look = await waitUntilGone(table, select, graceMs, ({ victims }) => {
      // They hear of their end only when they go on.
      for (const victim of victims) if (victim.isStopped) signal(victim, "SIGCONT", hit);
      wake(wardens);
    });
  }
  const deadline = performance.now() + KILL_PATIENCE_MS;
  while (look.victims.length > 0 && performance.now() < deadline) {
    killGroups(look, hit);
    for (const victim of look.victims) signal(victim, "SIGKILL", hit);
    look = await waitUntilGone(table, select, LOOK_EVERY_MS, () => wake(wardens));
  }
  return [...hit];
}

/** One signal, whatever becomes of it. Waits for the end only where the signal cannot be refused. */
export async function sendSignal(table: ProcessTable, select: Select, name: NodeJS.Signals): Promise<number[]> {
  if (name === "SIGKILL") return terminate(table, select, 0);
  const hit = new Set<number>();
  for (const victim of select(table.scan())) signal(victim, name, hit);
  return [...hit];
}

export function all(): Select {
  return (processes) => processes;
}

export function outsideContexts(): Select {
  return (processes) => processes.filter(({ owner }) => contextOf(owner) === null);
}

/** Null: processes whose owner is forgotten, or that never had one. */
export function ofOwner(owner: Owner | null): Select {
  return (processes) => processes.filter((entry) => entry.owner === owner);
}

/** The whole group where `pid` leads one, else the process and its descendants. Null: no such user process. */
export function ofProcess(table: ProcessTable, pid: number): Select | null {
  const target = table.scan().find((candidate) => candidate.pid === pid);
  if (target === undefined) return null;
  if (target.hostGroup === target.hostPid) {
    return (processes) => processes.filter(({ hostGroup }) => hostGroup === target.hostPid);
  }
  const family = new Set([target.hostPid]);
  return (processes) => {
    // Remembered from look to look: an orphan has another parent.
    for (let before = 0; before !== family.size;) {
      before = family.size;
      for (const { hostPid, hostParentPid } of processes) if (family.has(hostParentPid)) family.add(hostPid);
    }
    return processes.filter(({ hostPid }) => family.has(hostPid));
  };
}

interface Look {
  readonly victims: readonly UserProcess[];
  readonly others: readonly UserProcess[];
}

function lookAt(table: ProcessTable, select: Select): Look {
  const living = table.scan();
  const victims = new Set(select(living));
  return { victims: [...victims], others: living.filter((entry) => !victims.has(entry)) };
}

async function waitUntilGone(
  table: ProcessTable,
  select: Select,
  timeoutMs: number,
  onLook: (look: Look) => void,
): Promise<Look> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const before = performance.now();
    const look = lookAt(table, select);
    const costMs = performance.now() - before;
    onLook(look);
    if (look.victims.length === 0 || before >= deadline) return look;
    await Bun.sleep(Math.max(LOOK_EVERY_MS, costMs));
  }
}

/** What waits for a stopped process has stopped itself, and would not notice its end. */
function wake(wardens: ReadonlySet<number>): void {
  for (const warden of wardens) attempt(() => process.kill(warden, "SIGCONT"));
}

/** A whole group at one blow, so that no program forks faster than it is killed. Groups with others in them are left. */
function killGroups({ victims, others }: Look, hit: Set<number>): void {
  const spared = new Set(others.map(({ hostGroup }) => hostGroup));
  for (const [group, members] of Map.groupBy(victims, ({ hostGroup }) => hostGroup)) {
    if (spared.has(group) || group <= 1 || !attempt(() => process.kill(-group, "SIGKILL"))) continue;
    for (const { pid } of members) hit.add(pid);
  }
}

function signal(victim: UserProcess, name: NodeJS.Signals, hit: Set<number>): void {
  if (attempt(() => process.kill(victim.hostPid, name))) hit.add(victim.pid);
}

/** False where the process went in the meantime. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
