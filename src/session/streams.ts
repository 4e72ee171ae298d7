// What passes through a session's object as a stream: to the supervisor's routes, and to ports of the container. Bodies
// are not touched on their way, but for refusals, which are short.
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import { SUPERVISOR_CALL_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import { describe } from "../lib/log.ts";
import type { Activity } from "./activity.ts";
import type { Budgets } from "./budgets.ts";
import { completionEventId } from "./execution-event.ts";
import type { Completion } from "./execution-event.ts";
import type { Executions } from "./execution.ts";
import { HeadLimit, LateHead } from "./head-limit.ts";
import { readChangedFiles } from "./history/changed-files.ts";
import { filesChanged } from "./history/notes.ts";
import type { Right } from "./key-rights.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Meter } from "./meter.ts";
import type { SessionRecord } from "./record.ts";
import type { Restoring } from "./restoring.ts";
import { SESSION_HEADERS } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";
import type { SupervisorClient } from "./supervisor-client.ts";
import { whenSent } from "./when-sent.ts";
import type { Sending } from "./when-sent.ts";

const TERMINAL_PATH = "/terminal";
/** On the answer that waited for a wake: newer snapshots are damaged, so this one was used. */
const RESTORED_FROM = "buntime-restored-from";

export interface StreamParts {
  readonly runtime: Runtime;
  readonly supervisor: SupervisorClient;
  readonly executions: Executions;
  readonly lifecycle: Lifecycle;
  readonly activity: Activity;
  readonly meter: Meter;
  readonly budgets: Budgets;
  readonly restoring: Restoring;
}

export interface PassOptions {
  /** Null: the supervisor. */
  readonly port: string | null;
  /** Of who asks. */
  readonly right: Right;
}

export class Streams {
  readonly #parts: StreamParts;
  readonly #heads = new HeadLimit();

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /** Counts as activity until the answer is sent, and as a change where files may change. */
  async pass(record: SessionRecord, request: Request, headers: Headers, options: PassOptions): Promise<Response> {
    const response = await this.#answer(record, request, headers, options);
    const snapshotId = this.#parts.restoring.takeUsedInstead();
    if (snapshotId === null) {
      return response;
    }
    const told = new Response(response.body, response);
    told.headers.set(RESTORED_FROM, snapshotId);
    return told;
  }

  async #answer(
    record: SessionRecord,
    request: Request,
    headers: Headers,
    { port, right }: PassOptions,
  ): Promise<Response> {
    const { activity, lifecycle } = this.#parts;
    const end = activity.begin();
    const url = new URL(request.url);
    const isSocket = port !== null || url.pathname === TERMINAL_PATH;
    const mayChange = isSocket || !isRead(request);
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
      if (port === null && url.pathname === "/execute") {
        return await this.#execute(record, await request.text(), url.searchParams, { ended, right });
      }
      const response =
        port === null
          ? await this.#toSupervisor(request, url, headers)
          : await this.#toPort(Number(port), request, headers, record.resourceLimits);
      return this.send(request, response, { ended, right });
    } catch (error) {
      ended();
      throw error;
    }
  }

  /** An answer goes to a client, and is counted. */
  send(request: Request, response: Response, { ended, right }: Pick<Sending, "ended" | "right">): Response {
    const { meter } = this.#parts;
    meter.countAnswer(request, response);
    const sent = (bytes: number): void => meter.count({ egressBytes: bytes }, { store: false });
    return whenSent(response, { ended, sent, right });
  }

  /** What a client changes itself is in the history as well. */
  async #noteChanges(answer: Response): Promise<Response> {
    const { paths, response } = await readChangedFiles(answer);
    this.#parts.lifecycle.notes.filesChanged(paths);
    return response;
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
    if (!answer.ok) {
      return problemResponse(answer.error);
    }
    const response = await settled(answer.value);
    return isRead(request) ? response : this.#noteChanges(response);
  }

  async #toPort(port: number, request: Request, headers: Headers, limits: ResourceLimits): Promise<Response> {
    const run = await this.#parts.runtime.ready(limits);
    if (!run.ok) {
      return ownProblem(request, run.error);
    }
    try {
      // What the user's server has encoded goes to the client as it is.
      const init = { headers, redirect: "manual", encodeResponseBody: "manual" } as const;
      const ask = (signal: AbortSignal): Promise<Response> =>
        this.#parts.runtime.fetchPort(port, new Request(request, { ...init, signal }));
      return withoutOurs(await this.#heads.within(request, ask));
    } catch (error) {
      const reason = describe(error);
      const message =
        error instanceof LateHead
          ? `What listens on port ${port} of this session is too slow: ${reason}.`
          : `Nothing answers on port ${port} of this session. Start a server that listens on it and try again.`;
      return ownProblem(request, { code: "preview_unavailable", message, details: { port, reason } });
    }
  }

  /** An execution is read to its end even when its client went away, unless it asked to be cancelled then. */
  async #execute(
    record: SessionRecord,
    command: string,
    query: URLSearchParams,
    { ended: end, right }: Pick<Sending, "ended" | "right">,
  ): Promise<Response> {
    const { executions, lifecycle, meter, budgets } = this.#parts;
    const ended = (): void => {
      end();
      if (record.oneShot && query.get("keep") !== "true") {
        lifecycle.inBackground("session_removal_failed", lifecycle.remove());
      }
    };
    const begun = await budgets.begin();
    if ("refused" in begun) {
      ended();
      return problemResponse(begun.refused);
    }
    const timeout = query.get("timeout");
    const call = {
      command,
      stream: query.get("stream") === "true",
      timeoutSeconds: timeout === null ? null : Number(timeout),
      executionId: query.get("executionId"),
      inContext: query.has("context"),
    };
    const response = await executions.execute(call, {
      sent: (bytes) => meter.count({ egressBytes: bytes }, { store: false }),
      drain: query.get("cancelOnDisconnect") !== "true",
      cut: right.revoked,
      completed: (completion) => {
        if (completion !== null) {
          begun.began(true);
          tellCompletion(completion, lifecycle);
        }
      },
      ended: (streamed) => {
        // One that was not streamed was told before, if it has begun.
        begun.began(streamed);
        ended();
      },
    });
    if (response.ok) {
      begun.began(true);
    }
    return response;
  }
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/** To the account, and to the history with the files that it has changed. */
function tellCompletion({ filesWritten, ...completion }: Completion, { events, notes }: Lifecycle): void {
  const id = completionEventId(completion.executionId);
  events.emit("execution.completed", completion, { id, store: false });
  if (filesWritten.length > 0) {
    notes.note(filesChanged(`${id}_files`, filesWritten, completion.executionId), { store: false });
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

/** A user's server that knows our headers may not speak with our voice. */
function withoutOurs(answer: Response): Response {
  if (!answer.headers.has(SESSION_HEADERS.problem)) {
    return answer;
  }
  const { status, statusText, webSocket } = answer;
  const headers = new Headers(answer.headers);
  headers.delete(SESSION_HEADERS.problem);
  const encodeBody = headers.has("content-encoding") ? "manual" : "automatic";
  return new Response(answer.body, { status, statusText, headers, webSocket, encodeBody });
}

/** Marked as ours, so that it is not taken for an answer of the user's server. */
export function ownProblem(request: Request, problem: Problem): Response {
  const seconds = problem.details?.["retryAfterSeconds"];
  return problemResponse(problem, {
    headers: {
      [SESSION_HEADERS.problem]: request.headers.get("x-request-id") ?? "",
      ...(typeof seconds === "number" ? { "retry-after": String(seconds) } : {}),
    },
  });
}
