// What runs in a session at this moment: its processes, its terminals, its contexts. Looking neither wakes it nor keeps it awake;
// ending what runs does not start a container either.
import type { KillAnswer, ProcessList } from "../contract/execute.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import type { TerminalClosed, TerminalEvent, TerminalList } from "../contract/terminal.ts";
import { TERMINAL_CLOSE } from "../contract/terminal-wire.ts";
import { SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { KillCommand, WorkspaceStats } from "../contract/supervisor.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { within } from "../lib/within.ts";
import type { Activity } from "./activity.ts";
import type { AsleepReads } from "./asleep/reads.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Runtime } from "./runtime.ts";
import { stoppedServices } from "./services.ts";
import { visibleState } from "./state.ts";
import type { SessionStore } from "./store.ts";
import type { SupervisorClient } from "./supervisor-client.ts";

interface RunningParts {
  readonly lifecycle: Lifecycle;
  readonly runtime: Runtime;
  readonly supervisor: SupervisorClient;
  readonly store: SessionStore;
  readonly activity: Activity;
  readonly asleep: AsleepReads;
}

const CONTEXTS = /^\/contexts(?:\/[^/]+)?$/;
/** How long `GET /sessions/{id}` waits for figures from the container. */
const STATS_MS = 2000;

export class Running {
  readonly #parts: RunningParts;

  constructor(parts: RunningParts) {
    this.#parts = parts;
  }

  /** A container that is being released is not asked any more: that would start the next one. */
  get mayRun(): boolean {
    const { runtime, lifecycle } = this.#parts;
    return runtime.state !== "stopped" && visibleState(lifecycle.state) !== "deep-sleep";
  }

  /** Null where there is nothing to ask, or no answer in time. */
  async stats(): Promise<WorkspaceStats | null> {
    const { runtime, supervisor } = this.#parts;
    if (runtime.state !== "running" || !this.mayRun) {
      return null;
    }
    const stats = await within(supervisor.stats(), STATS_MS).catch(() => null);
    return stats?.ok ? stats.value : null;
  }

  async kill(accountId: string, command: KillCommand): Promise<Result<KillAnswer>> {
    const { lifecycle, supervisor, activity } = this.#parts;
    const found = lifecycle.find(accountId);
    if (!found.ok) {
      return found;
    }
    if (this.mayRun) {
      const end = activity.begin();
      try {
        const session = await lifecycle.rouse(accountId);
        return session.ok ? await supervisor.kill(command) : session;
      } finally {
        end();
      }
    }
    return command.pid === undefined
      ? ok({ killed: 0, pids: [] })
      : fail("process_not_found", `Process ${command.pid} is not running. List the session's processes.`);
  }

  async processes(accountId: string): Promise<Result<ProcessList>> {
    const { lifecycle, supervisor, store } = this.#parts;
    const session = lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    const ended = store.loadFact("ended");
    if (!this.mayRun) {
      return ok({ processes: [], services: stoppedServices(session.value.record), ended });
    }
    const list = await supervisor.processes();
    return list.ok ? ok({ ...list.value, ended }) : list;
  }

  async terminals(accountId: string, paging: { limit: number; offset: number }): Promise<Result<TerminalList>> {
    const session = this.#parts.lifecycle.find(accountId);
    if (!session.ok) {
      return session;
    }
    return this.mayRun ? this.#parts.supervisor.terminals(paging) : ok({ terminals: [], total: 0 });
  }

  async closeTerminal(accountId: string, terminalId: string): Promise<Result<TerminalClosed>> {
    const { lifecycle, supervisor } = this.#parts;
    const found = lifecycle.find(accountId);
    if (!found.ok) {
      return found;
    }
    if (!this.mayRun) {
      return { ok: false, error: goneWithItsContainer(terminalId) };
    }
    const session = await lifecycle.rouse(accountId);
    return session.ok ? supervisor.closeTerminal(terminalId) : session;
  }

  /** What is answered without waking the session or keeping it awake. Null for what needs the container. */
  async look(request: Request): Promise<Response | null> {
    const { lifecycle, supervisor, asleep } = this.#parts;
    if (visibleState(lifecycle.state) === "deep-sleep") {
      return this.#refuseTerminal(request) ?? asleep.answer(request);
    }
    const { pathname: path } = new URL(request.url);
    if (request.method !== "GET" || !CONTEXTS.test(path)) {
      return null;
    }
    if (!this.mayRun) {
      // The next container begins with what is saved.
      return asleep.answer(request);
    }
    const answer = await supervisor.stream({ method: "GET", path, timeoutMs: SUPERVISOR_CALL_MS });
    return answer.ok ? answer.value : problemResponse(answer.error);
  }

  /** Of a session that sleeps: who comes back to a terminal is told so, and wakes nothing. Null for any other request. */
  #refuseTerminal(request: Request): Response | null {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/terminal" || searchParams.get("create") === "true") {
      return null;
    }
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const event: TerminalEvent = { type: "error", error: goneWithItsContainer(searchParams.get("id") ?? "") };
    server.send(JSON.stringify(event));
    server.close(TERMINAL_CLOSE.gone, event.error.code);
    return new Response(null, { status: 101, webSocket: client });
  }
}

function goneWithItsContainer(terminalId: string): Problem {
  const message = `There is no terminal ${terminalId}: the session slept, and its terminals ended. Open a new one.`;
  return { code: "terminal_not_found", message };
}
