// The execute call, and what becomes of it when the connection to the supervisor breaks: then the supervisor is asked.
// An outcome is never made up: what cannot be known is `unknown`, and is kept so, since the disk may be gone too.
import { newId } from "../contract/ids.ts";
import { problemResponse } from "../contract/errors.ts";
import type { Problem } from "../contract/errors.ts";
import type { ExecuteAnswer, ExecutionList, ExecutionRecord, OutputChunk, OutputPage } from "../contract/execute.ts";
import { EXECUTE_GRACE_MS } from "../contract/limits.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { ExecuteCommand } from "../contract/supervisor.ts";
import { describe } from "../lib/log.ts";
import { newExecutionRecord } from "../lib/execution-record.ts";
import { isEventStream } from "../lib/output-events.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { EventTail } from "../lib/event-tail.ts";
import { lossOf } from "./context-loss.ts";
import { relayEvents } from "./event-relay.ts";
import type { LastEvent } from "./event-relay.ts";
import { completionOfAnswer, completionOfJson, completionOfProblem } from "./execution-event.ts";
import type { Completion } from "./execution-event.ts";
import { resultFromRecord } from "./record-answer.ts";
import type { ResumeOptions } from "./rpc.ts";
import { TimedOut } from "./run.ts";
import type { Run } from "./run.ts";
import type { Runtime } from "./runtime.ts";
import type { SessionStore } from "./store.ts";
import { readResult } from "./supervisor-client.ts";
import type { RecordSource, SupervisorClient } from "./supervisor-client.ts";

export interface ExecuteCall {
  /** An ExecuteCommand as JSON text, still without `executionId` and `timeoutMs`: large, so not parsed a second time. */
  readonly command: string;
  readonly stream: boolean;
  /** Absent: the session's default. */
  readonly timeoutSeconds: number | null;
  /** Null: a new one. */
  readonly executionId: string | null;
  readonly inContext: boolean;
}

export interface ExecuteOptions {
  /** Called once, when the answer is complete. `streamed`: it was one that began, and was told as it went on. */
  readonly ended: (streamed: boolean) => void;
  /** Called before that with what it says; where the client left a stream, some time after. */
  readonly completed: (completion: Completion | null) => void;
  /** Called with the size of what goes to the client. */
  readonly sent: (bytes: number) => void;
  /** Read a stream to its end even when the client went away. */
  readonly drain: boolean;
  /** Aborted: whoever reads a stream may read no longer. */
  readonly cut: AbortSignal;
}

interface Started {
  readonly executionId: string;
  readonly startedAt: number;
  /** After which the call is given up. */
  readonly deadline: number;
  readonly command: string;
}

/** What the supervisor says became of an execution whose call broke. */
type Fate =
  | { readonly kind: "ended"; readonly record: ExecutionRecord }
  /** It never arrived: safe to send again. */
  | { readonly kind: "never_started" }
  | { readonly kind: "unknown" };

/** How long the supervisor may be out of reach after a connection broke; a restart of it takes well under a second. */
const OUT_OF_REACH_MS = 3000;
const ASK_MS = 1000;
const ASK_PAUSE_MS = 50;
/** While one that was resumed goes on running. */
const RESUME_PAUSE_MS = 200;
const SENDINGS = 2;
const PAGE = 100;

export class Executions {
  readonly #runtime: Runtime;
  readonly #client: SupervisorClient;
  readonly #store: SessionStore;
  readonly #limits: () => ResourceLimits;

  constructor(runtime: Runtime, client: SupervisorClient, store: SessionStore, limits: () => ResourceLimits) {
    this.#runtime = runtime;
    this.#client = client;
    this.#store = store;
    this.#limits = limits;
  }

  /** Answers as the client will see it, errors included. */
  async execute(call: ExecuteCall, options: ExecuteOptions): Promise<Response> {
    const executionId = call.executionId ?? newId("exe");
    const timeoutMs = (call.timeoutSeconds ?? this.#limits().timeout) * 1000;
    const started: Started = {
      executionId,
      startedAt: Date.now(),
      deadline: Date.now() + timeoutMs + EXECUTE_GRACE_MS,
      command: call.command,
    };
    const request = {
      method: "POST",
      path: "/execute",
      headers: { "content-type": "application/json" },
      body: withMembers({ executionId, timeoutMs, ...(call.inContext ? lossOf(this.#store) : {}) }, call.command),
      timeoutMs: timeoutMs + EXECUTE_GRACE_MS,
    };
    for (let sending = 1; ; sending++) {
      const run = await this.#runtime.ready(this.#limits());
      if (!run.ok) {
        options.ended(false);
        return problemResponse(run.error);
      }
      try {
        const read = (response: Response): Promise<Response> => whole(response, options.completed);
        const response = await this.#runtime.send(run.value, request, call.stream ? asItIs : read);
        if (isEventStream(response) && response.body !== null) {
          return new Response(this.#relay(response.body, { ...options, run: run.value, started }), response);
        }
        options.sent(Number(response.headers.get("content-length")));
        options.ended(false);
        return response;
      } catch (error) {
        const answer = await this.#afterBreak(run.value, started, error);
        if (answer.ok || answer.error.code !== "execution_not_found" || sending === SENDINGS) {
          options.completed(completionOf(answer));
          options.ended(false);
          return answer.ok ? Response.json(answer.value) : problemResponse(answer.error);
        }
      }
    }
  }

  /** The record, from where it is or, where the container was lost with it, from what the session kept. */
  async record(executionId: string, from: RecordSource = this.#client): Promise<Result<ExecutionRecord>> {
    const answer = await from.execution(executionId);
    const lost = this.#lost(executionId, answer);
    return lost === null ? answer : ok(lost);
  }

  /** See SessionRpc. Waits as long as the execution's own call would have. */
  async resume(executionId: string, options: ResumeOptions): Promise<Result<ExecuteAnswer>> {
    const timeoutMs = (options.timeoutSeconds ?? this.#limits().timeout) * 1000 + EXECUTE_GRACE_MS;
    for (const deadline = Date.now() + timeoutMs; ; await scheduler.wait(RESUME_PAUSE_MS)) {
      const record = await this.record(executionId);
      if (!record.ok) {
        return record;
      }
      const { outcome, background } = record.value;
      if (outcome === "unknown") {
        return { ok: false, error: unknownOutcome(executionId, "its supervisor ended first") };
      }
      if (outcome !== "running" || background) {
        return this.#answer(record.value, options.encoding);
      }
      if (Date.now() > deadline) {
        return lateAnswer(executionId);
      }
    }
  }

  async output(executionId: string, after: number, from: RecordSource): Promise<Result<OutputPage>> {
    const answer = await from.output(executionId, after);
    const lost = this.#lost(executionId, answer);
    return lost === null ? answer : ok({ chunks: [], lastSeq: after, done: true, outcome: lost.outcome });
  }

  /** Newest first, those of lost containers in their places. */
  async list(paging: { limit: number; offset: number }, from: RecordSource): Promise<Result<ExecutionList>> {
    const lost = this.#store.lostExecutions();
    if (lost.length === 0) {
      return from.executions(paging);
    }
    // An embedded container keeps its disk, so an execution may be known on both sides.
    const byId = new Map(lost.map((record) => [record.executionId, record]));
    for (let offset = 0; ; offset += PAGE) {
      const page = await from.executions({ limit: PAGE, offset });
      if (!page.ok) {
        return page;
      }
      for (const record of page.value.executions) {
        byId.set(record.executionId, record);
      }
      if (page.value.executions.length < PAGE) {
        break;
      }
    }
    const all = [...byId.values()].toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
    return ok({ executions: all.slice(paging.offset, paging.offset + paging.limit), total: all.length });
  }

  #relay(
    body: ReadableStream<Uint8Array>,
    { run, started, ended, completed, ...options }: ExecuteOptions & { readonly run: Run; readonly started: Started },
  ): ReadableStream<Uint8Array> {
    const tail = new EventTail();
    let last: LastEvent | null = null;
    return relayEvents(body, {
      ...options,
      seen: (chunk) => tail.add(chunk),
      broken: async (error) => (last = await this.#lastEvent(run, started, error)),
      ended: () => {
        const ending = tail.ending();
        const json = ending === null ? (last?.data ?? null) : new TextDecoder().decode(ending.body);
        if (json !== null) {
          completed(completionOfJson(json));
        } else {
          const { encoding } = parseCommand(started.command);
          const timeoutSeconds = Math.ceil(Math.max(0, started.deadline - Date.now()) / 1000);
          void this.resume(started.executionId, { encoding, timeoutSeconds }).then(
            (answer) => completed(completionOf(answer)),
            () => completed(null),
          );
        }
        ended(true);
      },
    });
  }

  #lost<T>(executionId: string, answer: Result<T>): ExecutionRecord | null {
    return answer.ok || answer.error.code !== "execution_not_found"
      ? null
      : (this.#store.lostExecutions().find((record) => record.executionId === executionId) ?? null);
  }

  async #fate(run: Run, executionId: string, deadline: number): Promise<Fate> {
    const request = { method: "GET", path: `/executions/${executionId}`, timeoutMs: ASK_MS };
    let inReach = Date.now();
    while (!run.lost.aborted && Date.now() < deadline && Date.now() - inReach < OUT_OF_REACH_MS) {
      try {
        const record = await this.#runtime.send(run, request, readResult<ExecutionRecord>);
        inReach = Date.now();
        if (!record.ok) {
          return record.error.code === "execution_not_found" ? { kind: "never_started" } : { kind: "unknown" };
        }
        if (record.value.outcome === "unknown") {
          return { kind: "unknown" };
        }
        if (record.value.outcome !== "running") {
          return { kind: "ended", record: record.value };
        }
      } catch {
        // Out of reach: the supervisor may be starting anew.
      }
      await scheduler.wait(ASK_PAUSE_MS);
    }
    return { kind: "unknown" };
  }

  /** `execution_not_found`: it never started. */
  async #afterBreak(run: Run, started: Started, error: unknown): Promise<Result<ExecuteAnswer>> {
    const { executionId } = started;
    if (error instanceof TimedOut) {
      return lateAnswer(executionId);
    }
    this.#runtime.suspect(run);
    const fate = await this.#fate(run, executionId, started.deadline);
    switch (fate.kind) {
      case "ended":
        return this.#answer(fate.record, parseCommand(started.command).encoding);
      case "never_started":
        return fail("execution_not_found", `Execution ${executionId} never started. Send it again.`, { executionId });
      case "unknown":
        break;
    }
    return { ok: false, error: this.#unknown(started, describe(error)) };
  }

  async #lastEvent(run: Run, started: Started, error: unknown): Promise<LastEvent> {
    const answer = await this.#afterBreak(run, started, error);
    return answer.ok
      ? { event: "exit", data: JSON.stringify(answer.value) }
      : { event: "error", data: JSON.stringify({ error: answer.error }) };
  }

  async #answer(record: ExecutionRecord, encoding: ExecuteAnswer["encoding"]): Promise<Result<ExecuteAnswer>> {
    const chunks: OutputChunk[] = [];
    for (let after = 0; ;) {
      const page = await this.#client.output(record.executionId, after);
      if (!page.ok) {
        return page;
      }
      chunks.push(...page.value.chunks);
      if (page.value.chunks.length === 0) {
        return resultFromRecord(record, chunks, encoding);
      }
      after = page.value.lastSeq;
    }
  }

  /** Keeps the execution as `unknown` and says so. */
  #unknown(started: Started, reason: string): Problem {
    const { executionId } = started;
    const { code, command, context, workingDir } = parseCommand(started.command);
    const start = { executionId, code, command, context, workingDir, startedAt: started.startedAt };
    this.#store.saveLostExecution({ ...newExecutionRecord(start), outcome: "unknown" });
    return unknownOutcome(executionId, reason);
  }
}

function lateAnswer(executionId: string): Result<never> {
  return fail(
    "execution_timeout",
    `Execution ${executionId} did not answer in time. Ask for its record to learn its outcome.`,
    { executionId },
  );
}

function unknownOutcome(executionId: string, reason: string): Problem {
  return {
    code: "container_unavailable",
    message: `The container was lost while execution ${executionId} ran, and what became of it is unknown: ${reason}.`,
    details: { executionId, outcome: "unknown" },
  };
}

/** Puts members in front of those of an object given as JSON text. */
function withMembers(members: object, json: string): string {
  return `${JSON.stringify(members).slice(0, -1)},${json.slice(1)}`;
}

function parseCommand(command: string): Omit<ExecuteCommand, "executionId" | "timeoutMs"> {
  // SAFETY: http/routes/execute.ts wrote it.
  return JSON.parse(command) as Omit<ExecuteCommand, "executionId" | "timeoutMs">;
}

const asItIs = (response: Response): Response => response;

function completionOf(answer: Result<ExecuteAnswer>): Completion | null {
  return answer.ok ? completionOfAnswer(answer.value) : completionOfProblem(answer.error);
}

/** Read to its end, so that a connection that breaks on the way is noticed here. */
async function whole(response: Response, completed: ExecuteOptions["completed"]): Promise<Response> {
  const json = await response.text();
  completed(completionOfJson(json));
  const bytes = new TextEncoder().encode(json);
  return new Response(bytes, {
    status: response.status,
    headers: {
      "content-type": response.headers.get("content-type") ?? "application/json",
      "content-length": String(bytes.length),
    },
  });
}
