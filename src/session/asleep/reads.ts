// A session's way to read its newest snapshot while it sleeps.
import type { ExecutionRecord, OutputPage } from "../../contract/execute.ts";
import type { Env } from "../../env.ts";
import { unknownExecution } from "../../lib/execution-record.ts";
import { fail, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { repositoryOf } from "../../storage/rpc.ts";
import type { SessionRecord } from "../record.ts";
import type { SavedWorkspace, SessionStore } from "../store.ts";
import { readResult } from "../supervisor-client.ts";
import type { RecordSource } from "../supervisor-client.ts";
import { AsleepReader } from "./reader.ts";

export class AsleepReads {
  readonly #env: Env;
  readonly #store: SessionStore;
  readonly #record: () => SessionRecord;
  #reader: { readonly root: string; readonly reader: AsleepReader } | null = null;

  constructor(env: Env, own: { readonly store: SessionStore; readonly record: () => SessionRecord }) {
    this.#env = env;
    this.#store = own.store;
    this.#record = own.record;
  }

  /** Null where the container is needed: for what is no read of files, and while nothing is saved. */
  async answer(request: Request): Promise<Response | null> {
    const saved = this.#store.loadFact("saved");
    return saved === null ? null : this.#readerOf(saved).answer(request);
  }

  /** What is recorded of executions. Null where only the container will know: a fork that has no snapshot yet. */
  get records(): RecordSource | null {
    if (this.#store.loadFact("saved") === null && this.#record().forkOf !== undefined) {
      return null;
    }
    const ask = async <T>(path: string, id: string): Promise<Result<T>> => {
      const answer = await this.answer(new Request(`http://supervisor${path}`));
      // Nothing was ever saved.
      return answer === null ? fail("execution_not_found", unknownExecution(id)) : readResult<T>(answer);
    };
    return {
      executions: async ({ limit, offset }) => {
        const answer = await this.answer(new Request(`http://supervisor/executions?limit=${limit}&offset=${offset}`));
        return answer === null ? ok({ executions: [], total: 0 }) : readResult(answer);
      },
      execution: (id) => ask<ExecutionRecord>(`/executions/${id}`, id),
      output: (id, after) => ask<OutputPage>(`/executions/${id}/output?after=${after}`, id),
    };
  }

  /** Gives the memory back. */
  forget(): void {
    this.#reader = null;
  }

  #readerOf({ root, snapshotId }: SavedWorkspace): AsleepReader {
    if (this.#reader?.root !== root) {
      const { repositoryId } = this.#record();
      const reader = new AsleepReader(this.#env.SNAPSHOTS, repositoryId, root, {
        snapshotId,
        onDamage: (digest) => {
          // Where it is not noted, the next one who reads it reports it again.
          repositoryOf(this.#env, repositoryId)
            .reportDamage(digest)
            .catch(() => {});
        },
      });
      this.#reader = { root, reader };
    }
    return this.#reader.reader;
  }
}
