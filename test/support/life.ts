// A session's life as its owner sees it: the state it is in, and getting it to another.
import type { Client } from "../../scripts/client.ts";
import { ProcessList } from "../../src/contract/execute.ts";
import type { Session } from "../../src/contract/session.ts";
import { SessionInfo } from "../../src/contract/session.ts";
import { Snapshot } from "../../src/contract/snapshot.ts";
import { until } from "./until.ts";

/** The shortest times there are: it sleeps two seconds after its last call. */
export const SOON = { idleAfter: "1s", deepSleepAfter: "2s" } as const;
const STATE_MS = 30_000;

/** Neither wakes it nor keeps it awake. */
export function infoOf(client: Client, id: string): Promise<SessionInfo> {
  return client.ask(SessionInfo, "GET", `/sessions/${id}`);
}

export async function untilState(client: Client, id: string, state: Session["state"]): Promise<SessionInfo> {
  const reached = async (): Promise<SessionInfo | false> => {
    const info = await infoOf(client, id);
    return info.state === state && info;
  };
  return await until(`${id} is ${state}`, reached, { deadlineMs: STATE_MS });
}

export function processesOf(client: Client, id: string): Promise<ProcessList> {
  return client.ask(ProcessList, "GET", `/sessions/${id}/processes`);
}

export function takeSnapshot(client: Client, id: string, label?: string): Promise<Snapshot> {
  return client.ask(Snapshot, "POST", `/sessions/${id}/snapshots`, label === undefined ? {} : { label });
}
