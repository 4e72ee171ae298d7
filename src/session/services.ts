// A session's services: handed to each supervisor that begins, which keeps them running.
import type { ServiceStatus } from "../contract/execute.ts";
import { SERVICE_START_MS } from "../contract/limits.ts";
import type { ServicesCommand } from "../contract/supervisor.ts";
import { describe, logError } from "../lib/log.ts";
import type { SessionRecord } from "./record.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import { readResult } from "./supervisor-client.ts";

/** For each service, beyond the time that it gets to listen. */
const GRACE_MS = 5000;

/** Resolves when they were started in order. One that does not come up holds nothing up for longer than its time. */
export async function putServices(runtime: Runtime, run: Run, { id, services }: SessionRecord): Promise<void> {
  const command: ServicesCommand = { services };
  const request = {
    method: "PUT",
    path: "/services",
    body: JSON.stringify(command),
    timeoutMs: (services.length + 1) * (SERVICE_START_MS + GRACE_MS),
  };
  try {
    const answer = await runtime.send(run, request, readResult);
    if (!answer.ok) {
      logError("services_failed", { sessionId: id, reason: answer.error.message });
    }
  } catch (error) {
    logError("services_failed", { sessionId: id, reason: describe(error) });
  }
}

/** As `/processes` shows them while the session has no container. */
export function stoppedServices({ services }: SessionRecord): ServiceStatus[] {
  return services.map(({ name, command, port }) => ({
    name,
    command,
    port: port ?? null,
    status: "stopped",
    pid: null,
    startedAt: null,
    restarts: 0,
    lastExit: null,
    log: [],
  }));
}
