// The container behind a session as this machine sees it, on either engine: whether it is there, and making it end. It is
// found by its IPC namespace, which no other container shares.
import { readFileSync, readlinkSync } from "node:fs";
import type { Client } from "../../scripts/client.ts";
import { listProcesses } from "./processes.ts";

export interface SessionContainer {
  readonly isThere: () => boolean;
  /** Sends it to the container's first process. */
  readonly signal: (name: "SIGTERM" | "SIGKILL") => void;
}

/** Starts it where there is none. */
export async function containerOf(client: Client, sessionId: string): Promise<SessionContainer> {
  const { stdout } = await client.execute({ sessionId, command: "readlink /proc/self/ns/ipc" });
  const namespace = stdout.trim();
  // What has made the namespaces may be among them, and the user's programs may have a first process of their own.
  const [first] = listProcesses()
    .filter(({ pid }) => ipcNamespace(pid) === namespace)
    .map(({ pid }) => ({ pid, ids: namespaceIds(pid) }))
    .filter(({ ids }) => ids.at(-1) === "1")
    .toSorted((one, other) => one.ids.length - other.ids.length);
  if (namespace === "" || first === undefined) throw new Error(`no container of ${sessionId} in ${namespace}`);
  // A later process may get its pid.
  const startedAt = startTicks(first.pid);
  const isThere = (): boolean => startTicks(first.pid) === startedAt;
  return { isThere, signal: (name) => void (isThere() && process.kill(first.pid, name)) };
}

/** Null: it is no process of ours to look at, or none any more. */
export function ipcNamespace(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/ipc`);
  } catch {
    return null; // it ended, or is somebody else's
  }
}

/** Its pid in each of the pid namespaces that it is in, the innermost last. */
function namespaceIds(pid: number): string[] {
  try {
    return /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]?.split(/\s+/) ?? [];
  } catch {
    return [];
  }
}

/** Null: it has ended. */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return "ZX".includes(state) ? null : (fields[18] ?? null);
  } catch {
    return null;
  }
}
