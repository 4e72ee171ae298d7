// Deletes from a repository's part of the bucket what nobody needs. Sessions put objects while this deletes, so:
//
// - Deletion is issued for *doomed* keys alone. A key is doomed, in one step with leaving the tables, when nothing needs
//   it and no commit under way names it; it stays so until R2 has confirmed. A commit refuses doomed objects, and looks
//   in the bucket for those that it does not know: one that was deleted meanwhile fails the commit and harms nobody.
//   So no order of events makes a snapshot whose objects are being deleted. A crash leaves doomed keys, deleted by the
//   next instance, or objects that nobody knows, found by the sweep.
// - An upload relies on objects of snapshots that were there when it began, without putting them again. So that commits
//   are not refused for nothing, what became unneeded after the oldest pending upload began is left until that ends.
import type { Digest } from "../contract/manifest.ts";
import { GRACE_MS } from "./agenda.ts";
import { within } from "../lib/within.ts";
import { askBucket } from "./bucket-call.ts";
import type { Catalogue } from "./catalogue.ts";
import { keyOf } from "./objects.ts";
import type { RepositoryStore } from "./repository-store.ts";

/** R2 takes so many keys in one call. */
const DELETE_KEYS = 1000;
/** A deletion that was not answered for so long is not under way any more, and is asked for again. */
const DELETION_MS = 300_000;
/** Of a thousand objects each; what is beyond is for the next time. */
const SWEEP_PAGES = 100;

export class Collection {
  readonly #store: RepositoryStore;
  readonly #catalogue: Catalogue;
  readonly #bucket: R2Bucket;
  readonly #repositoryId: string;
  readonly #orphanAfterMs: number;
  /** As in the table, which a repository that does not exist has not. */
  readonly #doomed: Set<string>;
  /** Named by commits under way, with how many of them. */
  readonly #held = new Map<Digest, number>();
  #deletion: Promise<void> | null = null;

  constructor(
    store: RepositoryStore,
    catalogue: Catalogue,
    place: { readonly bucket: R2Bucket; readonly repositoryId: string; readonly orphanAfterMs: number },
  ) {
    this.#store = store;
    this.#catalogue = catalogue;
    this.#bucket = place.bucket;
    this.#repositoryId = place.repositoryId;
    this.#orphanAfterMs = place.orphanAfterMs;
    this.#doomed = new Set(store.doomed());
  }

  /** Until the answer is called, these are not doomed. */
  hold(digests: readonly Digest[]): () => void {
    for (const digest of digests) {
      this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    }
    return () => {
      for (const digest of digests) {
        const others = (this.#held.get(digest) ?? 1) - 1;
        if (others === 0) {
          this.#held.delete(digest);
        } else {
          this.#held.set(digest, others);
        }
      }
    };
  }

  isDoomed(digest: Digest): boolean {
    return this.#doomed.has(digest);
  }

  /** There is something to delete or to erase, now or when commits under way have ended. */
  hasWork(now: number): boolean {
    return this.#doomed.size > 0 || this.#catalogue.unneeded(this.#oldestPin(now)).length > 0 || this.#unused(now);
  }

  /** Neither a snapshot nor an upload, nor a commit under way. */
  isEmpty(now: number): boolean {
    return this.#held.size === 0 && this.#unused(now);
  }

  #unused(now: number): boolean {
    return !this.#catalogue.hasSnapshots() && this.#oldestPin(now) === null;
  }

  #oldestPin(now: number): number | null {
    return this.#store.oldestPin(now - GRACE_MS);
  }

  /** @throws StorageUnavailable */
  async collect(now: number): Promise<void> {
    this.#doom(this.#unneeded(now));
    await this.deleteDoomed();
  }

  /**
   * Deletes objects that are in the bucket and not in the tables, but for young ones: an upload may be about to name
   * them. Writes nothing where there is no repository.
   * @throws StorageUnavailable
   */
  async sweep(now: number): Promise<void> {
    let cursor: string | undefined;
    for (let page = 0; page < SWEEP_PAGES; page++) {
      const listed = await this.#list(cursor);
      const old = listed.objects.filter((object) => object.uploaded.getTime() <= now - this.#orphanAfterMs);
      const keys = old.map((object) => this.#nameOf(object));
      const known = new Set(this.#catalogue.known(keys).map((object) => object.digest));
      this.#doom(keys.filter((key) => !known.has(key)));
      await this.deleteDoomed();
      if (!listed.truncated) {
        return;
      }
      ({ cursor } = listed);
    }
  }

  /**
   * Empties the repository's part of the bucket, then erases its storage. False where an upload has begun meanwhile.
   * @throws StorageUnavailable
   */
  async erase(now: () => number): Promise<boolean> {
    for (;;) {
      const { objects } = await this.#list();
      if (!this.isEmpty(now())) {
        return false;
      }
      if (objects.length === 0 && this.#doomed.size === 0) {
        await this.#store.erase();
        return true;
      }
      this.#doom(objects.map((object) => this.#nameOf(object)));
      await this.deleteDoomed();
    }
  }

  /**
   * One deletion at a time, and its outcome is waited for, if not by who asked: were it given up early, it might still
   * reach an object that is there anew.
   * @throws StorageUnavailable
   */
  deleteDoomed(): Promise<void> {
    this.#deletion ??= this.#deleteAll().finally(() => {
      this.#deletion = null;
    });
    const deletion = this.#deletion;
    return askBucket(() => deletion);
  }

  async #deleteAll(): Promise<void> {
    while (this.#doomed.size > 0) {
      const keys = [...this.#doomed].slice(0, DELETE_KEYS);
      const deletion = this.#bucket.delete(keys.map((key) => keyOf(this.#repositoryId, key)));
      // An answer that comes later is not looked at: the keys stay doomed until one comes in time.
      await within(deletion, DELETION_MS);
      this.#store.forgetDoomed(keys);
      for (const key of keys) {
        this.#doomed.delete(key);
      }
    }
  }

  #unneeded(now: number): Digest[] {
    const digests = this.#catalogue.unneeded(this.#oldestPin(now));
    return digests.filter((digest) => !this.#held.has(digest));
  }

  /** In one step, with nothing awaited in it, from "nobody needs it" to doomed. */
  #doom(keys: readonly string[]): void {
    const free = keys.filter((key) => !this.#held.has(key) && !this.#doomed.has(key));
    if (free.length === 0) {
      return;
    }
    this.#store.transaction(() => {
      this.#store.doom(free);
      this.#catalogue.forget(free);
    });
    for (const key of free) {
      this.#doomed.add(key);
    }
  }

  #list(cursor?: string): Promise<R2Objects> {
    const prefix = keyOf(this.#repositoryId, "");
    return askBucket(() => this.#bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) }));
  }

  #nameOf(object: R2Object): string {
    return object.key.slice(keyOf(this.#repositoryId, "").length);
  }
}
