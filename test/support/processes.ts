// What runs on this machine, read from /proc: to find a platform's own processes, and to see that none is left.
import { readdirSync, readFileSync } from "node:fs";

export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
  /** Resident bytes. */
  readonly memory: number;
}

export function listProcesses(): HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z") return [];
        const status = readFileSync(`/proc/${name}/status`, "utf8");
        return {
          pid: Number(name),
          parentPid: Number(parentPid),
          command: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim(),
          memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
        };
      } catch {
        return []; // it ended while it was read
      }
    });
}

/** The processes below `pid`, at any depth. */
export function descendants(pid: number): HostProcess[] {
  const all = listProcesses();
  const below = new Set([pid]);
  // Parents may come after their children in the list, so it is gone through until nothing is added.
  for (let size = 0; size !== below.size;) {
    size = below.size;
    for (const process of all) if (below.has(process.parentPid)) below.add(process.pid);
  }
  return all.filter((process) => process.pid !== pid && below.has(process.pid));
}

export function isAlive(pid: number): boolean {
  return listProcesses().some((process) => process.pid === pid);
}
