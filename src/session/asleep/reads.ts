// A session's way to read its newest snapshot while it sleeps.
import type { ExecutionList, ExecutionRecord, OutputPage } from "../../contract/execute.ts";
import type { Env } from "../../env.ts";
import type { Result } from "../../lib/result.ts";
import { repositoryOf } from "../../storage/rpc.ts";
import type { SessionRecord } from "../record.ts";
import type { SavedWorkspace, SessionStore } from "../store.ts";
import { readResult } from "../supervisor-client.ts";
import type { RecordSource } from "../supervisor-client.ts";
import { NOTHING } from "./manifest.ts";
import { AsleepReader } from "./reader.ts";

/** A workspace without a snapshot is empty: nobody has used it, or what was in it is lost. */
const NEVER_SAVED = { root: NOTHING, snapshotId: "" } as const;

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

  /** Null where the container is needed: for what is no read of files, and for a fork that has no snapshot yet. */
  async answer(request: Request): Promise<Response | null> {
    return (await this.#current()?.answer(request)) ?? null;
  }

  /** What is recorded of executions. Null where only the container will know: a fork that has no snapshot yet. */
  get records(): RecordSource | null {
    const reader = this.#current();
    if (reader === null) {
      return null;
    }
    const ask = async <T>(path: string): Promise<Result<T>> => {
      const answer = await reader.answer(new Request(`http://supervisor${path}`));
      if (answer === null) {
        throw new Error(`${path} is no read`);
      }
      return readResult<T>(answer);
    };
    return {
      executions: ({ limit, offset }) => ask<ExecutionList>(`/executions?limit=${limit}&offset=${offset}`),
      execution: (id) => ask<ExecutionRecord>(`/executions/${id}`),
      output: (id, after) => ask<OutputPage>(`/executions/${id}/output?after=${after}`),
    };
  }

  /** Gives the memory back. */
  forget(): void {
    this.#reader = null;
  }

  #current(): AsleepReader | null {
    const saved = this.#store.loadFact("saved");
    if (saved !== null) {
      return this.#readerOf(saved);
    }
    return this.#record().forkOf === undefined ? this.#readerOf(NEVER_SAVED) : null;
  }

  #readerOf({ root, snapshotId }: Pick<SavedWorkspace, "root" | "snapshotId">): AsleepReader {
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
