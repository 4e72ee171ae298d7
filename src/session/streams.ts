// What passes through a session's object as a stream: to the supervisor's routes, and to ports of the container. Bodies
// are not touched on their way, but for refusals, which are short.
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import { describe } from "../lib/log.ts";
import { whenSent } from "./activity.ts";
import type { Activity } from "./activity.ts";
import type { Executions } from "./execution.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { SessionRecord } from "./record.ts";
import type { Restoring } from "./restoring.ts";
import { SESSION_HEADERS } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";
import type { SupervisorClient } from "./supervisor-client.ts";

/** On the answer that waited for a wake: newer snapshots are damaged, so this one was used. */
const RESTORED_FROM = "buntime-restored-from";

export interface StreamParts {
  readonly runtime: Runtime;
  readonly supervisor: SupervisorClient;
  readonly executions: Executions;
  readonly lifecycle: Lifecycle;
  readonly activity: Activity;
  readonly restoring: Restoring;
}

export class Streams {
  readonly #parts: StreamParts;

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /** Counts as activity until the answer is sent, and as a change where files may change. `port` null: the supervisor. */
  async pass(record: SessionRecord, request: Request, headers: Headers, port: string | null): Promise<Response> {
    const response = await this.#answer(record, request, headers, port);
    const snapshotId = this.#parts.restoring.takeUsedInstead();
    if (snapshotId === null) {
      return response;
    }
    const told = new Response(response.body, response);
    told.headers.set(RESTORED_FROM, snapshotId);
    return told;
  }

  async #answer(record: SessionRecord, request: Request, headers: Headers, port: string | null): Promise<Response> {
    const { activity, lifecycle } = this.#parts;
    const end = activity.begin();
    const mayChange = port !== null || (request.method !== "GET" && request.method !== "HEAD");
    const note = (): void => {
      if (mayChange) {
        lifecycle.changed();
      }
    };
    const ended = (): void => {
      end();
      note();
    };
    note();
    try {
      const url = new URL(request.url);
      if (port === null && url.pathname === "/execute") {
        return await this.#execute(record, await request.text(), url.searchParams, ended);
      }
      const response =
        port === null
          ? await this.#toSupervisor(request, url, headers)
          : await this.#toPort(Number(port), request, headers, record.resourceLimits);
      return whenSent(response, ended);
    } catch (error) {
      ended();
      throw error;
    }
  }

  async #toSupervisor(request: Request, url: URL, headers: Headers): Promise<Response> {
    const answer = await this.#parts.supervisor.stream({
      method: request.method,
      path: url.pathname + url.search,
      headers,
      body: request.body,
      // An upload takes as long as it takes.
      ...(request.method === "PUT" ? {} : { timeoutMs: SUPERVISOR_CALL_MS }),
    });
    return answer.ok ? settled(answer.value) : problemResponse(answer.error);
  }

  async #toPort(port: number, request: Request, headers: Headers, limits: ResourceLimits): Promise<Response> {
    const run = await this.#parts.runtime.ready(limits);
    if (!run.ok) {
      return ownProblem(request, run.error);
    }
    try {
      return await this.#parts.runtime.fetchPort(port, new Request(request, { headers, redirect: "manual" }));
    } catch (error) {
      return ownProblem(request, {
        code: "preview_unavailable",
        message: `Nothing answers on port ${port} of this session. Start a server that listens on it and try again.`,
        details: { port, reason: describe(error) },
      });
    }
  }

  /** An execution is read to its end even when its client went away, unless it asked to be cancelled then. */
  #execute(record: SessionRecord, command: string, query: URLSearchParams, ended: () => void): Promise<Response> {
    const { executions, lifecycle } = this.#parts;
    const timeout = query.get("timeout");
    const call = {
      command,
      stream: query.get("stream") === "true",
      timeoutSeconds: timeout === null ? null : Number(timeout),
      executionId: query.get("executionId"),
    };
    return executions.execute(call, {
      drain: record.oneShot && query.get("cancelOnDisconnect") !== "true",
      ended: () => {
        ended();
        if (record.oneShot && query.get("keep") !== "true") {
          lifecycle.inBackground("session_removal_failed", lifecycle.apply({ type: "delete" }));
        }
      },
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
