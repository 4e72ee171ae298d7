// Executions that have begun: end them, look at them, read their output.
import { pathOf } from "../address.ts";
import type { Optional, Whose } from "../address.ts";
import type { ExecutionList, ExecutionRecord, KillAnswer, KillRequest, OutputPage } from "../contract.ts";
import type { RequestOptions, Transport } from "../transport.ts";

export interface OfExecution {
  readonly executionId: string;
}

export interface Paging {
  /** 1 to 100. Default: 50. */
  readonly limit?: number | undefined;
  /** Default: 0. */
  readonly offset?: number | undefined;
}

export type KillInput = Omit<KillRequest, "sessionId">;
export type OutputInput = OfExecution & {
  /** Only what has a higher sequence number. Default: 0. */
  readonly after?: number | undefined;
};

export class Executions<S extends Whose> {
  readonly #transport: Transport;
  readonly #own: string | null;

  constructor(transport: Transport, own: string | null) {
    this.#transport = transport;
    this.#own = own;
  }

  /** Ends one process with its group; without `pid` all of the session's. */
  kill(...[input, options]: Optional<S, KillInput, RequestOptions>): Promise<KillAnswer> {
    const json = { ...input, ...(this.#own === null ? {} : { sessionId: this.#own }) };
    return this.#transport.json({ method: "POST", path: "/execution/kill", json, options });
  }

  /** What became of it, or how far it is. */
  get(input: S & OfExecution, options?: RequestOptions): Promise<ExecutionRecord> {
    return this.#transport.json({ method: "GET", path: this.#path(input), options });
  }

  /** Newest first. */
  list(...[input, options]: Optional<S, Paging, RequestOptions>): Promise<ExecutionList> {
    const path = `${pathOf(this.#own, input)}/executions`;
    return this.#transport.json({
      method: "GET",
      path,
      query: { limit: input?.limit, offset: input?.offset },
      options,
    });
  }

  /** A page of what it printed. `lastSeq` is the `after` of the next one; `done` tells the last. */
  output(input: S & OutputInput, options?: RequestOptions): Promise<OutputPage> {
    const path = `${this.#path(input)}/output`;
    return this.#transport.json({ method: "GET", path, query: { after: input.after }, options });
  }

  #path(input: S & OfExecution): string {
    return `${pathOf(this.#own, input)}/executions/${encodeURIComponent(input.executionId)}`;
  }
}
