// Reads a repository's objects back, when asked and a few at a time in the background, and notes what it found.
import { logError } from "../lib/log.ts";
import { inParallel } from "../lib/parallel.ts";
import type { Catalogue, KnownObject } from "./catalogue.ts";
import type { Collection } from "./collection.ts";
import type { StoredObject } from "./rpc.ts";
import { findAbsent, readBack } from "./verification.ts";

const CHECKS_AT_A_TIME = 4;
/** What one alarm reads back. */
const CHECKED_PER_ALARM = { bytes: 32 * 1024 * 1024, objects: 64 } as const;

export class Verifier {
  readonly #catalogue: Catalogue;
  readonly #collection: Collection;
  readonly #bucket: R2Bucket;
  readonly #repositoryId: string;

  constructor(catalogue: Catalogue, collection: Collection, bucket: R2Bucket, repositoryId: string) {
    this.#catalogue = catalogue;
    this.#collection = collection;
    this.#bucket = bucket;
    this.#repositoryId = repositoryId;
  }

  /**
   * Reads objects back and notes what was found. Held, so that none is taken for missing that is being deleted.
   * @throws StorageUnavailable
   */
  async check(objects: readonly KnownObject[]): Promise<void> {
    const release = this.#collection.hold(objects.map((object) => object.digest));
    try {
      await inParallel(objects, CHECKS_AT_A_TIME, async (object) => {
        const read = (): Promise<string | null> => readBack(this.#bucket, this.#repositoryId, object);
        // A second look, as it may have been put anew during the first.
        const damaged = (await read()) === null ? null : await read();
        this.#catalogue.markChecked(object.digest, damaged, Date.now());
        if (damaged !== null) {
          logError("object_damaged", { repositoryId: this.#repositoryId, reason: damaged });
        }
      });
    } finally {
      release();
    }
  }

  /**
   * What is due, up to the portion of one alarm.
   * @throws StorageUnavailable
   */
  checkSome(now: number): Promise<void> {
    return this.check(portionOf(this.#catalogue.toCheck(now, CHECKED_PER_ALARM.objects)));
  }

  /**
   * Those that are not in the bucket, or are of another size.
   * @throws StorageUnavailable
   */
  findAbsent(objects: readonly StoredObject[]): Promise<StoredObject[]> {
    return findAbsent(this.#bucket, this.#repositoryId, objects);
  }
}

/** The first of them up to the bytes of one alarm, and one at least. */
function portionOf(objects: readonly KnownObject[]): KnownObject[] {
  let bytes = 0;
  return objects.filter(({ sizeBytes }, index) => {
    bytes += sizeBytes;
    return index === 0 || bytes <= CHECKED_PER_ALARM.bytes;
  });
}
