// What a test that runs in workerd cannot do by itself: look at the host's processes, and kill a supervisor behind its
// container's back. On loopback, for one run of tests.
//   GET  /containers/<session>             {count}: how many containers of a session run, as the host sees it
//   POST /containers/<session>/supervisor  {killed}: SIGKILL to the supervisor; false where none runs
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { listProcesses } from "./processes.ts";

export interface Warden {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startWarden(dataDir: string): Promise<Warden> {
  const server = createServer((request, response) => {
    const [, , id = "", what] = (request.url ?? "").split("/");
    const body = what === "supervisor" ? { killed: killSupervisor(dataDir, id) } : { count: countContainers(id) };
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The process beside PID 1 that the engine started; its own children are in another session. */
function killSupervisor(dataDir: string, id: string): boolean {
  try {
    const [init] = readFileSync(join(dataDir, "engine", id, "state/pid"), "utf8").split(" ");
    const children = readFileSync(`/proc/${init}/task/${init}/children`, "utf8").trim().split(" ");
    const supervisor = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("main.js"));
    if (supervisor === undefined) return false;
    process.kill(Number(supervisor), "SIGKILL");
    return true;
  } catch {
    return false; // neither is there at this moment
  }
}

/** Each container hangs on one `unshare` whose arguments name its directory. */
function countContainers(id: string): number {
  return listProcesses().filter(({ command }) => command.startsWith("unshare ") && command.includes(`/${id}/`)).length;
}
