// What a session asks its supervisor, typed; execute is in execution.ts. Every failure to get an answer becomes a
// problem here, once. Problems that the supervisor itself answers with are passed on as they are.
import type { ErrorBody } from "../contract/errors.ts";
import type { ExecutionList, ExecutionRecord, KillAnswer, OutputPage, ProcessList } from "../contract/execute.ts";
import { SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { TerminalClosed, TerminalList } from "../contract/terminal.ts";
import type { KillCommand, WorkspaceStats } from "../contract/supervisor.ts";
import { describe } from "../lib/log.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { TimedOut } from "./run.ts";
import type { Run, SupervisorRequest } from "./run.ts";
import type { Runtime } from "./runtime.ts";

/** An answer that tells of a connection that broke before it came is asked for again after the run proved healthy. */
const ATTEMPTS = 2;

/** Where what is recorded of executions is known. */
export type RecordSource = Pick<SupervisorClient, "executions" | "execution" | "output">;

export class SupervisorClient {
  readonly #runtime: Runtime;
  readonly #limits: () => ResourceLimits;

  constructor(runtime: Runtime, limits: () => ResourceLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  stats(): Promise<Result<WorkspaceStats>> {
    // Once: a second attempt could start a container, which looking at a session must not.
    return this.#get("/stats", { attempts: 1 });
  }

  processes(): Promise<Result<ProcessList>> {
    return this.#get("/processes");
  }

  executions(paging: { readonly limit: number; readonly offset: number }): Promise<Result<ExecutionList>> {
    return this.#get(`/executions?limit=${paging.limit}&offset=${paging.offset}`);
  }

  execution(executionId: string): Promise<Result<ExecutionRecord>> {
    return this.#get(`/executions/${executionId}`);
  }

  output(executionId: string, after: number): Promise<Result<OutputPage>> {
    return this.#get(`/executions/${executionId}/output?after=${after}`);
  }

  terminals(paging: { readonly limit: number; readonly offset: number }): Promise<Result<TerminalList>> {
    return this.#get(`/terminals?limit=${paging.limit}&offset=${paging.offset}`);
  }

  closeTerminal(terminalId: string): Promise<Result<TerminalClosed>> {
    return this.#tell({ method: "DELETE", path: `/terminals/${terminalId}` });
  }

  kill(command: KillCommand): Promise<Result<KillAnswer>> {
    const headers = { "content-type": "application/json" };
    return this.#tell({ method: "POST", path: "/kill", headers, body: JSON.stringify(command) });
  }

  /** Ends all executions. Contexts keep their variables. */
  stop(): Promise<Result<{ stopped: true }>> {
    return this.#tell({ method: "POST", path: "/stop" });
  }

  /** Once: nobody knows what became of a call whose connection broke. */
  async #tell<T>(request: Omit<SupervisorRequest, "timeoutMs">): Promise<Result<T>> {
    const run = await this.#runtime.ready(this.#limits());
    return run.ok ? this.#once(run.value, { ...request, timeoutMs: SUPERVISOR_CALL_MS }, readResult<T>) : run;
  }

  /** Streams: the answer's body is the caller's, without a time-out. A body given can be sent only once. */
  async stream(request: SupervisorRequest): Promise<Result<Response>> {
    const isRead = request.method === "GET" || request.method === "HEAD";
    return this.#ask(request, ok, isRead ? ATTEMPTS : 1);
  }

  async #get<T>(path: string, { attempts = ATTEMPTS } = {}): Promise<Result<T>> {
    return this.#ask({ method: "GET", path, timeoutMs: SUPERVISOR_CALL_MS }, readResult<T>, attempts);
  }

  async #ask<T>(
    request: SupervisorRequest,
    read: (response: Response) => Result<T> | Promise<Result<T>>,
    attempts: number,
  ): Promise<Result<T>> {
    for (let attempt = 1; ; attempt++) {
      const run = await this.#runtime.ready(this.#limits());
      if (!run.ok) {
        return run;
      }
      const answer = await this.#once(run.value, request, read);
      if (answer.ok || answer.error.details?.["broken"] !== true || attempt === attempts) {
        return answer;
      }
    }
  }

  async #once<T>(
    run: Run,
    request: SupervisorRequest,
    read: (response: Response) => Result<T> | Promise<Result<T>>,
  ): Promise<Result<T>> {
    try {
      return await this.#runtime.send(run, request, read);
    } catch (error) {
      if (error instanceof TimedOut) {
        return fail("execution_timeout", `The container did not answer within ${request.timeoutMs} ms. Try again.`);
      }
      this.#runtime.suspect(run);
      const reason = describe(error);
      return fail("container_unavailable", `The connection to the container broke: ${reason}. Try again.`, {
        reason,
        broken: true,
      });
    }
  }
}

/** The JSON of an answer, or the problem that it carries. */
export async function readResult<T>(response: Response): Promise<Result<T>> {
  if (response.ok) {
    return ok(await response.json<T>());
  }
  const body = await response.json<Partial<ErrorBody>>();
  return body.error === undefined
    ? fail("internal_error", `The supervisor answered ${response.status} without a reason.`)
    : { ok: false, error: body.error };
}
