// A session's way to read its newest snapshot while it sleeps.
import type { Env } from "../../env.ts";
import { repositoryOf } from "../../storage/rpc.ts";
import type { SessionRecord } from "../record.ts";
import type { SavedWorkspace, SessionStore } from "../store.ts";
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
