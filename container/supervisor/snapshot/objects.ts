// What a snapshot hands over to be stored, one object after another. The maker waits when nobody fetches, so that never
// more than a few are in memory; when nobody fetches for good, the snapshot is given up.
import { SupervisorError } from "../problem.ts";
import type { Digest } from "../../../src/contract/manifest.ts";

export interface SnapshotObject {
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isRoot: boolean;
}

/** Objects that lie here at the most. */
const WAITING = 1;
/** An object that nobody has fetched for so long will not be fetched any more. */
const STALL_MS = 60_000;

export class ObjectQueue {
  readonly #objects: SnapshotObject[] = [];
  #ended = false;
  #failure: unknown = null;
  #changed = Promise.withResolvers<void>();
  #stall: ReturnType<typeof setTimeout> | null = null;

  /** Resolves when there is room for the next. @throws what `fail` was given */
  async put(object: SnapshotObject): Promise<void> {
    this.#check();
    this.#objects.push(object);
    this.#change();
    while (this.#objects.length >= WAITING) {
      await this.#changed.promise;
      this.#check();
    }
  }

  /** The last one has been put: this never waits. */
  end(last: SnapshotObject): void {
    this.#check();
    this.#objects.push(last);
    this.#ended = true;
    this.#change();
  }

  /** Null: everything was taken. Waits for the next. @throws what `fail` was given */
  async take(): Promise<SnapshotObject | null> {
    for (;;) {
      this.#check();
      const object = this.#objects.shift();
      if (object !== undefined || this.#ended) {
        this.#change();
        return object ?? null;
      }
      await this.#changed.promise;
    }
  }

  get isTaken(): boolean {
    return this.#ended && this.#objects.length === 0;
  }

  /** The first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#objects.length = 0;
    this.#change();
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #change(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = this.#objects.length === 0 ? null : setTimeout(() => this.fail(stalled()), STALL_MS);
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}

function stalled(): SupervisorError {
  return new SupervisorError("conflict", `Nobody fetched the snapshot for ${STALL_MS / 1000} s; begin a new one`);
}
