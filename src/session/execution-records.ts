// What a client asks of executions that were: answered by the supervisor or, while the session sleeps, from its newest
// snapshot, so that nobody is woken for it.
import type { ExecuteAnswer, ExecutionList, ExecutionRecord, OutputPage } from "../contract/execute.ts";
import { ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { AsleepReads } from "./asleep/reads.ts";
import type { Executions } from "./execution.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ResumeOptions } from "./rpc.ts";
import { visibleState } from "./state.ts";
import type { RecordSource, SupervisorClient } from "./supervisor-client.ts";

interface RecordParts {
  readonly lifecycle: Lifecycle;
  readonly supervisor: SupervisorClient;
  readonly asleep: AsleepReads;
  readonly executions: Executions;
}

export class ExecutionRecords {
  readonly #parts: RecordParts;

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  async list(accountId: string, paging: { limit: number; offset: number }): Promise<Result<ExecutionList>> {
    const source = await this.#sourceFor(accountId);
    return source.ok ? this.#parts.executions.list(paging, source.value) : source;
  }

  async get(accountId: string, executionId: string): Promise<Result<ExecutionRecord>> {
    const source = await this.#sourceFor(accountId);
    return source.ok ? this.#parts.executions.record(executionId, source.value) : source;
  }

  async output(accountId: string, executionId: string, after: number): Promise<Result<OutputPage>> {
    const source = await this.#sourceFor(accountId);
    return source.ok ? this.#parts.executions.output(executionId, after, source.value) : source;
  }

  /** See SessionRpc. */
  async resume(accountId: string, executionId: string, options: ResumeOptions): Promise<Result<ExecuteAnswer>> {
    const session = await this.#parts.lifecycle.rouse(accountId);
    return session.ok ? this.#parts.executions.resume(executionId, options) : session;
  }

  async #sourceFor(accountId: string): Promise<Result<RecordSource>> {
    const { lifecycle, supervisor, asleep } = this.#parts;
    const found = lifecycle.find(accountId);
    const saved = found.ok && visibleState(found.value.state) === "deep-sleep" ? asleep.records : null;
    if (saved !== null) {
      return ok(saved);
    }
    const session = await lifecycle.rouse(accountId);
    return session.ok ? ok(supervisor) : session;
  }
}
