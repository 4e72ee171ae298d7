// What passes through a session's object as a stream: to the supervisor's routes, and to ports of the container. Bodies
// are not touched on their way, but for refusals, which are short.
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import { describe } from "../lib/log.ts";
import type { Executions } from "./execution.ts";
import { SESSION_HEADERS } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";
import type { SupervisorClient } from "./supervisor-client.ts";

export interface ExecuteHooks {
  /** An execution is read to its end even when its client went away, unless it asked to be cancelled then. */
  readonly drain: boolean;
  /** Called once when an execution has answered. */
  readonly executed: () => void;
}

export class Streams {
  readonly #runtime: Runtime;
  readonly #supervisor: SupervisorClient;
  readonly #executions: Executions;

  constructor(runtime: Runtime, supervisor: SupervisorClient, executions: Executions) {
    this.#runtime = runtime;
    this.#supervisor = supervisor;
    this.#executions = executions;
  }

  async toSupervisor(request: Request, headers: Headers, hooks: ExecuteHooks): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/execute") {
      return this.#execute(await request.text(), url.searchParams, hooks);
    }
    const answer = await this.#supervisor.stream({
      method: request.method,
      path: url.pathname + url.search,
      headers,
      body: request.body,
      // An upload takes as long as it takes.
      ...(request.method === "PUT" ? {} : { timeoutMs: SUPERVISOR_CALL_MS }),
    });
    return answer.ok ? settled(answer.value) : problemResponse(answer.error);
  }

  async toPort(port: number, request: Request, headers: Headers, limits: ResourceLimits): Promise<Response> {
    const run = await this.#runtime.ready(limits);
    if (!run.ok) {
      return ownProblem(request, run.error);
    }
    try {
      return await this.#runtime.fetchPort(port, new Request(request, { headers, redirect: "manual" }));
    } catch (error) {
      return ownProblem(request, {
        code: "preview_unavailable",
        message: `Nothing answers on port ${port} of this session. Start a server that listens on it and try again.`,
        details: { port, reason: describe(error) },
      });
    }
  }

  #execute(command: string, query: URLSearchParams, { drain, executed }: ExecuteHooks): Promise<Response> {
    const timeout = query.get("timeout");
    const call = {
      command,
      stream: query.get("stream") === "true",
      timeoutSeconds: timeout === null ? null : Number(timeout),
    };
    return this.#executions.execute(call, {
      drain: drain && query.get("cancelOnDisconnect") !== "true",
      ended: executed,
    });
  }
}

/**
 * A container's answer ends only when its request does, and an upload that is refused may have no end: the refusal is
 * taken out of the answer, and the upload is let go.
 */
async function settled(answer: Response): Promise<Response> {
  const length = Number(answer.headers.get("content-length"));
  if (answer.status < 400 || answer.body === null || length === 0) {
    return answer;
  }
  const reader = answer.body.getReader({ mode: "byob" });
  const { value } = await reader.readAtLeast(length, new Uint8Array(length));
  await reader.cancel();
  return new Response(value ?? null, answer);
}

/** Marked as ours, so that it is not taken for an answer of the user's server. */
export function ownProblem(request: Request, problem: Problem): Response {
  return problemResponse(problem, {
    headers: { [SESSION_HEADERS.problem]: request.headers.get("x-request-id") ?? "" },
  });
}
